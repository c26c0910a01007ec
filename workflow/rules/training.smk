# What the training jobs are: their stages, what they read, their arguments and their order.
from modc import cost


def stages_of(wildcards):
    """The stages that one job trains in a row, the last being {stage}."""
    job = grid.job_of(config_of(wildcards), cell_of(wildcards), wildcards.stage)
    row = job[: job.index(wildcards.stage) + 1]
    return [stage for stage in row if not is_the_runs(wildcards, stage)]


def initial_of(wildcards):
    """The stage before the job's first one, and the model that the job starts from (A2)."""
    settings = config_of(wildcards)
    stage = grid.previous_stage(settings, cell_of(wildcards), stages_of(wildcards)[0])
    if stage is None:
        return None, None
    name = {"best": "model.pt", "last": "last.pt"}[settings["training"]["checkpoint"]]
    return stage, f"{cell_folder(wildcards, stage)}/{stage}/{name}"


def work_left(wildcards):
    """A priority that rises with the images that the cell still has to train: the longest first.

    Below 0, that of all other jobs, which are short and would wait for cores behind trainings.
    """
    first = stages_of(wildcards)[0]
    return -1 / (1 + cost.images_left(config_of(wildcards), cell_of(wildcards), first) / 1e9)


def training_settings(wildcards):
    """A fingerprint of what the job's stages read of the configuration."""
    return grid.fingerprint(
        [
            grid.training_settings(config_of(wildcards), cell_of(wildcards), stage)
            for stage in stages_of(wildcards)
        ]
    )


def training_code(wildcards):
    """A fingerprint of the code that can change the job's models."""
    return provenance.training_code(grid.network_class(config, wildcards.network))


def training_inputs(wildcards):
    """What a training reads: index, labelled part, packed images, model or public weights."""
    settings, cell, stages = config_of(wildcards), cell_of(wildcards), stages_of(wildcards)
    prepared = PREPARED.format(dataset=cell.dataset)
    forms = grid.packed_forms(settings, cell.dataset, cell.network, stages[-1])
    part = grid.labeled_part(settings, cell)
    files = {
        "index": f"{prepared}/index/index.json",
        "labeled": LABELED.format(
            dataset=cell.dataset,
            part_rule=part["rule"],
            at_least=part["at_least"],
            part_seed=part["seed"],
            percent=cell.labeled_percent,
        ),
        # Packed images are named by the index they are made of, so their age says nothing.
        **{
            name: ancient(PACKED.format(dataset=cell.dataset, form=form.name))
            for name, form in forms.items()
        },
    }
    previous, initial = initial_of(wildcards)
    public = grid.public_checkpoint(settings, cell, stages[0])
    if previous is not None:
        # Its job declares its last stage alone.
        made_under = config if is_the_runs(wildcards, previous) else settings
        last = grid.job_of(made_under, cell, previous)[-1]
        files["initial"] = f"{cell_folder(wildcards, previous)}/{last}/{Path(initial).name}"
    elif public:
        files["public"] = public
    return files


def training_options(wildcards, input):
    """The arguments of `modc train`."""
    variant = variant_of(wildcards)
    values = {
        "--config": CONFIG,
        "--assume": f"{variant.assumption}={variant.alternative}" if variant else None,
        "--dataset": wildcards.dataset,
        "--network": wildcards.network,
        "--percent": wildcards.percent,
        "--seed": wildcards.seed,
        "--index": Path(input.index).parent,
        "--labeled": input.labeled,
        "--packed": Path(input.image).parent,
        "--initial": initial_of(wildcards)[1],
        "--output": CELL.format(**wildcards),
        "--resume": RESUME.format(**wildcards),
    }
    words = [f"{name} {shlex.quote(str(value))}" for name, value in values.items() if value]
    words += [f"--stage {stage}" for stage in stages_of(wildcards)]
    return " ".join(words)

"""The grid: what is trained, in which stages, and from which settings."""

from dataclasses import asdict

from modc import methods as methods_of
from modc.cell import Cell
from modc.data.square import Form
from modc.errors import UserError
from modc.methods.method import Method
from modc.stage import WHOLE, StageSpec

# What of networks.<name> says how it is used, not what it is made of.
USE = ("class", "detail_from", "center_space")


def cells(config: dict) -> list[Cell]:
    """Return every cell of the configuration's grid, datasets first, seeds last."""
    grid = config["grid"]
    return [
        Cell(dataset, network, percent, seed)
        for dataset in grid["datasets"]
        for network in grid["networks"]
        for percent in grid["labeled_percent"][dataset]
        for seed in seeds(config, dataset, network, percent)
    ]


def seeds(config: dict, dataset: str, network: str, percent: int) -> list[int]:
    """Return the seeds of a cell of the grid: those of all, then its own further ones."""
    grid = config["grid"]
    further = [
        seed
        for extra in grid["extra_seeds"]
        if (extra["dataset"], extra["network"]) == (dataset, network)
        and percent in extra["labeled_percent"]
        for seed in extra["seeds"]
    ]
    return list(dict.fromkeys([*grid["seeds"], *further]))


def cells_to_show(config: dict) -> list[Cell]:
    """Return the cells of the grid that `report.figures` allows for Figures 1 and 2."""
    chosen = config["report"]["figures"]
    named = {key: value for key, value in chosen.items() if value != "auto"}
    return [cell for cell in cells(config) if named.items() <= asdict(cell).items()]


def further_seeds(config: dict) -> dict[tuple[str, str, int], tuple[int, ...]]:
    """Return the seeds that cells of the grid have beside those of all, by (dataset, network, %).

    Cells without further ones are left out.
    """
    found: dict[tuple[str, str, int], list[int]] = {}
    for cell in cells(config):
        if cell.seed not in config["grid"]["seeds"]:
            key = (cell.dataset, cell.network, cell.labeled_percent)
            found.setdefault(key, []).append(cell.seed)
    return {key: tuple(own) for key, own in found.items()}


def seeds_without_cell(config: dict) -> list[str]:
    """Return what of `grid.extra_seeds` is for a cell that the grid lacks, a line each.

    A file that makes the grid smaller need not take them back: they are not trained.
    """
    there = {(cell.dataset, cell.network, cell.labeled_percent) for cell in cells(config)}
    return [
        f"grid.extra_seeds: {extra['dataset']} {extra['network']} {percent} % is not in the grid, "
        f"and not trained under further seeds"
        for extra in config["grid"]["extra_seeds"]
        for percent in extra["labeled_percent"]
        if (extra["dataset"], extra["network"], percent) not in there
    ]


def methods(config: dict) -> tuple[str, ...]:
    """Return the methods of the grid, by their keys in the configuration."""
    return tuple(config["grid"]["methods"])


def method_of(config: dict, name: str) -> Method:
    """Return what the configuration calls `name` among its methods."""
    return methods_of.of(config, name)


def network_class(config: dict, network: str) -> str:
    """Return what `modc.networks.build.find` takes for a network of the configuration."""
    return config["networks"][network].get("class", network)


def own_stages(config: dict, cell: Cell, method: str) -> tuple[str, ...]:
    """Return the stages that a method trains itself, in order: those of one job."""
    return method_of(config, method).stages(cell)


def chain(config: dict, cell: Cell, method: str) -> tuple[tuple[str, str], ...]:
    """Return all stages, in order, that lead to a method's model, each with who trains it."""
    own = tuple((method, stage) for stage in own_stages(config, cell, method))
    start = method_of(config, method).starts_from(cell)
    return own if start is None else (*chain(config, cell, start), *own)


def check_chain(config: dict, cell: Cell, method: str) -> None:
    """Raise UserError if a method's stages in a cell cannot be told apart, or have no beginning."""
    where, seen, found = f"methods.{method}", [method], method
    while (found := method_of(config, found).starts_from(cell)) is not None:
        if found in seen:
            raise UserError(f"{where}: starts_from leads from {' to '.join([*seen, found])}")
        seen.append(found)
    names = stages(config, cell, method)
    if not own_stages(config, cell, method):
        raise UserError(f"{where}: has no stage of its own for {cell.name}")
    for name in names:
        if names.count(name) > 1:
            raise UserError(
                f"{where}: stage {name} stands twice among {', '.join(names)}; give its own stages "
                f"other names than those of the method that it starts from"
            )


def stages(config: dict, cell: Cell, method: str) -> tuple[str, ...]:
    """Return the names of all stages, in order, that lead to a method's model."""
    return tuple(stage for _, stage in chain(config, cell, method))


def trained_by(config: dict, cell: Cell, method: str, stage: str) -> str:
    """Return which method trains a stage of a method's chain.

    Raises UserError if the chain has no such stage.
    """
    return _up_to(config, cell, method, stage)[-1][0]


def last_stage(config: dict, cell: Cell, method: str) -> str:
    """Return the stage whose model is the method's."""
    return own_stages(config, cell, method)[-1]


def previous_stage(config: dict, cell: Cell, method: str, stage: str) -> tuple[str, str] | None:
    """Return the stage whose model `stage` starts from, and who trains it; None for the first."""
    found = _up_to(config, cell, method, stage)
    return found[-2] if len(found) > 1 else None


def labeled_part(config: dict, cell: Cell) -> dict:
    """Return rule, at_least and seed of the draw of the cell's labeled part (A8)."""
    if cell.labeled_percent == 100:  # all images, by any rule
        return {"rule": "stratified", "at_least": 0, "seed": 0}
    part = config["labeled_part"]
    return part | ({"seed": cell.seed} if part["seed"] == "each" else {})


def packed_forms(spec: StageSpec) -> dict[str, Form]:
    """Return the forms of the packed images that a stage reads, named as in its `sizes`."""
    upright = spec.orientation == "applied"
    return {name: Form(side, name in WHOLE.values(), upright) for name, side in spec.sizes.items()}


def forms_of_dataset(config: dict, dataset: str) -> list[Form]:
    """Return the forms in which a dataset is packed, all in one pass over its images.

    They are those that the stages of the grid read, and the ablation's; of a dataset that is not in
    the grid, those that they would read.
    """
    grid = config["grid"]
    seed = grid["seeds"][0]
    tried = [
        Cell(dataset, network, percent, seed)
        for network in grid["networks"]
        for percent in grid["labeled_percent"].get(dataset, [100])
    ]
    ablated = Cell(**config["ablation"]["cell"], seed=seed)
    if ablated.dataset == dataset:
        tried.append(ablated)
    return sorted(
        {
            form
            for cell in tried
            for method in methods(config)
            for form in forms_of_cell(config, cell, method)
        }
    )


def forms_of_cell(config: dict, cell: Cell, method: str) -> set[Form]:
    """Return the forms of all packed images that lead to a method's model."""
    specs = (stage_spec(config, cell, method, stage) for stage in stages(config, cell, method))
    return {form for spec in specs for form in packed_forms(spec).values()}


def stage_spec(config: dict, cell: Cell, method: str, stage: str) -> StageSpec:
    """Return what a stage of a method's chain is trained from.

    Raises UserError if the chain has no such stage.
    """
    before = previous_stage(config, cell, method, stage)
    owner = method_of(config, trained_by(config, cell, method, stage))
    recipe, public = owner.recipe(cell, stage), owner.public_checkpoint(cell, stage)
    training, network = config["training"], config["networks"][cell.network]
    architecture = {
        key: part
        for key, part in network.items()
        if key not in USE and not key.startswith("public_")
    }
    sizes = _sizes(config, cell, owner, stage, whole=bool(recipe.views and recipe.views.whole))
    has_details = "detail" in sizes
    triplets = training["triplets_per_epoch"]
    if training["epoch_size"] == "by_labels":
        share = round(triplets * cell.labeled_percent / 100)
        triplets = max(share, min(triplets, training["batch"]))  # at least a batch
    fields = vars(recipe) | ({"epochs": 0} if public else {})
    return StageSpec(
        **fields,
        cell=cell,
        method=owner.name,
        stage=stage,
        before=before and before[1],
        network_class=network_class(config, cell.network),
        method_class=owner.settings["class"],
        architecture=architecture,
        sizes=sizes,
        orientation=config["datasets"][cell.dataset]["orientation"],
        triplets_per_epoch=triplets,
        **{key: training[key] for key in ("batch", "margin", "precision", "evaluation_batch")},
        checkpoint=training["checkpoint"] if before else None,
        weights=None if before else _weights(config, architecture),
        local_weight=training["local_weight"] if has_details else None,
        alignment_weight=training["alignment_weight"] if has_details else None,
        labeled_part=labeled_part(config, cell) if cell.labeled_percent < 100 else None,
        public_checkpoint=public,
    )


def settings_chain(config: dict, cell: Cell, method: str, stage: str) -> list[str]:
    """Return the fingerprints of the specs of all stages that lead to a stage's model."""
    return [
        stage_spec(config, cell, method, one).fingerprint
        for _, one in _up_to(config, cell, method, stage)
    ]


def _up_to(config: dict, cell: Cell, method: str, stage: str) -> tuple[tuple[str, str], ...]:
    whole = chain(config, cell, method)
    names = [name for _, name in whole]
    if stage not in names:
        raise UserError(
            f"stage {stage}: {method} of {cell.network} at {cell.labeled_percent} % has "
            f"{', '.join(names)}"
        )
    return whole[: names.index(stage) + 1]


def _weights(config: dict, architecture: dict) -> dict[str, str]:
    """Return what the backbones of an architecture start from."""
    weights = config["networks"]["weights"]
    backbones = [name for key, name in architecture.items() if key.endswith("backbone")]
    return {name: weights.get(name, "none") for name in backbones}


def _sizes(config: dict, cell: Cell, method: Method, stage: str, whole: bool) -> dict[str, int]:
    """Return the sides of the packed images that a stage reads, by their names.

    "image" and perhaps "detail" are center squares; "whole" and "whole_detail" whole images, from
    which views are cut (A20).
    """
    settings = config["datasets"][cell.dataset]
    sizes = {"image": settings["image_size"]}
    if _looks_closer(config, cell, method, stage):
        sizes["detail"] = settings["detail_size"]
    return sizes | ({WHOLE[name]: side for name, side in sizes.items()} if whole else {})


def _looks_closer(config: dict, cell: Cell, method: Method, stage: str) -> bool:
    """Return whether a stage reads larger images too: from the network's `detail_from` on."""
    first = config["networks"][cell.network].get("detail_from")
    warm_up, here = method.warm_up(cell.network), method.warm_up_stage(cell, stage)
    if first is None or here is None:
        return first is not None
    return warm_up.index(here) >= warm_up.index(first)

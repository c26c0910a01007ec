"""The grid: what is trained, in which stages, from which settings."""

import json
from hashlib import sha256

from modc.cell import Cell
from modc.data.square import Form
from modc.errors import UserError

# MODC's stage 2 and the four steps of its stage 3, each with the losses of those before.
SUPERVISED = "supervised"
SEMI_SUPERVISED = ("self_supervised", "unlabeled", "pseudo_triplets", "pseudo_clusters")
MODC = (SUPERVISED, *SEMI_SUPERVISED)
# The warm-up of MODC alone, where it does not start from the baseline (A1).
APART = "_apart"
# What of networks.<name> says how it is used, not what it is made of.
USE = ("class", "detail_from", "centre_space")
METHODS = ("baseline", "modc")
# From which stage on each of MODC's settings is read; the others from the first.
READ_FROM = {
    "predictor": "self_supervised",
    "predictor_rate": "self_supervised",
    "self_supervision_weight": "self_supervised",
    "unlabeled_ratio": "unlabeled",
    "hidden_labels": "unlabeled",
    "pseudo_labels": "pseudo_triplets",
    "pseudo_label_confidence": "pseudo_triplets",
}
# The packed images from which views are cut, where they are not those that a network sees (A20).
WHOLE = {"image": "whole", "detail": "whole_detail"}
# What of `modc` says which stages there are, not what one of them does.
NO_STAGE_READS = (
    "stages",
    "warm_up",
    "full_labels_end",
    "convergence",
    "views_from",
    "view_source",
    "colour_attributes",
)


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


def warm_up_stages(config: dict, network: str) -> tuple[str, ...]:
    """Return the stages in which a network warms up, as its recipes stand in the configuration.

    ASEN++ has two, the global branch alone and then both. The last one's model is the baseline.
    """
    return tuple(config["training"]["stages"][network])


def network_class(config: dict, network: str) -> str:
    """Return what `modc.networks.build.find` takes for a network of the configuration."""
    return config["networks"][network].get("class", network)


def all_stages(config: dict) -> tuple[str, ...]:
    """Return the names of all stages that any cell may have."""
    warm_ups = [warm_up_stages(config, network) for network in config["training"]["stages"]]
    named = (stage + end for end in ("", APART) for own in warm_ups for stage in own)
    return (*dict.fromkeys(named), *MODC)


def stages(config: dict, cell: Cell, method: str) -> tuple[str, ...]:
    """Return the stages, in order, that lead to the model of a method.

    MODC has a warm-up of its own, by its own recipe and with other draws than the baseline's, or
    goes on from the baseline (A1). Public weights are a warm-up that is not trained (A15, A26).
    With all labels MODC ends before there is anything unlabelled (A11).
    """
    has_public = public_weights(config, cell) is not None
    network = config["networks"][cell.network]
    is_public = has_public and network["public_baseline"] == "use"
    trained = warm_up_stages(config, cell.network)
    baseline = trained[-1:] if is_public else trained
    if method == "baseline":
        return baseline
    modc = config["modc"]
    if modc["warm_up"].get(cell.network) == "shared":
        warm_up = baseline
    elif has_public and network["public_start"] == "use":
        warm_up = baseline if is_public else (trained[-1] + APART,)
    else:
        warm_up = tuple(stage + APART for stage in trained)
    last = modc["full_labels_end"] if cell.labeled_percent == 100 else MODC[-1]
    return (*warm_up, *MODC[: MODC.index(last) + 1])


def position(stage: str) -> int:
    """Return the place of a stage among MODC's, -1 for a warm-up, which comes before them."""
    return MODC.index(stage) if stage in MODC else -1


def last_stage(config: dict, cell: Cell, method: str) -> str:
    """Return the stage whose model is the method's."""
    return stages(config, cell, method)[-1]


def previous_stage(config: dict, cell: Cell, stage: str) -> str | None:
    """Return the stage whose model `stage` starts from; None for the first of a cell."""
    chain = _chain(config, cell, stage)
    return chain[-2] if len(chain) > 1 else None


def jobs(config: dict, cell: Cell) -> list[tuple[str, ...]]:
    """Return the stages of the two jobs that train the cell: the baseline's, then MODC's own."""
    baseline, modc = (stages(config, cell, method) for method in METHODS)
    return [baseline, tuple(stage for stage in modc if stage not in baseline)]


def own_stages(config: dict, cell: Cell, method: str) -> tuple[str, ...]:
    """Return the stages that a method's own job trains, in order, and whose models it keeps."""
    return jobs(config, cell)[METHODS.index(method)]


def trained_by(config: dict, cell: Cell, stage: str) -> str:
    """Return the method whose job trains a stage. Raises UserError if the cell lacks it."""
    _chain(config, cell, stage)
    return next(method for method in METHODS if stage in own_stages(config, cell, method))


def labeled_part(config: dict, cell: Cell) -> dict:
    """Return rule, at_least and seed of the draw of the cell's labelled part (A8)."""
    if cell.labeled_percent == 100:  # all images, by any rule
        return {"rule": "stratified", "at_least": 0, "seed": 0}
    part = config["labeled_part"]
    return part | ({"seed": cell.seed} if part["seed"] == "each" else {})


def public_weights(config: dict, cell: Cell) -> str | None:
    """Return the file of public weights that the configuration names for a cell; None if none.

    They were trained with all labels (A15).
    """
    files = config["networks"][cell.network].get("public_checkpoints", {})
    path = files.get(cell.dataset, "none") if cell.labeled_percent == 100 else "none"
    return None if path == "none" else path


def public_checkpoint(config: dict, cell: Cell, stage: str) -> str | None:
    """Return the file of public weights that are the model of a stage; None for one to train."""
    is_first = previous_stage(config, cell, stage) is None
    is_whole = _plain(stage) == warm_up_stages(config, cell.network)[-1]
    return public_weights(config, cell) if is_first and is_whole else None


def has_views(config: dict, stage: str) -> bool:
    """Return whether SimSiam's views replace the baseline's augmentation in a stage (A16)."""
    is_baseline = stage not in MODC and not stage.endswith(APART)
    return not is_baseline and position(stage) >= position(config["modc"]["views_from"])


def packed_sizes(config: dict, dataset: str, network: str, stage: str) -> dict[str, int]:
    """Return the sides of the packed images that a stage reads, by their names.

    "image" and perhaps "detail" are centre squares; "whole" and "whole_detail" whole pictures, from
    which views are cut (A20).
    """
    settings = config["datasets"][dataset]
    sizes = {"image": settings["image_size"]}
    if _looks_closer(config, network, stage):
        sizes["detail"] = settings["detail_size"]
    if has_views(config, stage) and config["modc"]["view_source"] == "whole":
        sizes |= {WHOLE[name]: side for name, side in sizes.items()}
    return sizes


def _looks_closer(config: dict, network: str, stage: str) -> bool:
    """Return whether a stage reads larger images too: from the network's `detail_from` on."""
    first = config["networks"][network].get("detail_from")
    if first is None or stage in MODC:
        return first is not None
    own = warm_up_stages(config, network)
    return own.index(_plain(stage)) >= own.index(first)


def packed_forms(config: dict, dataset: str, network: str, stage: str) -> dict[str, Form]:
    """Return the forms of the packed images that a stage reads, named as in `packed_sizes`."""
    upright = config["datasets"][dataset]["orientation"] == "applied"
    sizes = packed_sizes(config, dataset, network, stage)
    return {name: Form(side, name in WHOLE.values(), upright) for name, side in sizes.items()}


def forms_of_dataset(config: dict, dataset: str) -> list[Form]:
    """Return the forms in which a dataset is packed, all in one pass over its pictures.

    They are those that the networks of the grid read, and the ablation's.
    """
    networks = {*config["grid"]["networks"]}
    if config["ablation"]["cell"]["dataset"] == dataset:
        networks.add(config["ablation"]["cell"]["network"])
    # A last stage reads all that those before it read.
    forms = (packed_forms(config, dataset, network, MODC[-1]) for network in networks)
    return sorted({form for of_network in forms for form in of_network.values()})


def training_settings(config: dict, cell: Cell, stage: str) -> dict:
    """Return all that training `stage` of `cell` may read of the configuration.

    The trainer sees nothing else, so a change anywhere else cannot change the model. Raises
    UserError if the cell has no such stage.
    """
    training, modc = config["training"], config["modc"]
    network = config["networks"][cell.network]
    architecture = {
        key: part
        for key, part in network.items()
        if key not in USE and not key.startswith("public_")
    }
    chain = _chain(config, cell, stage)
    before = chain[-2] if len(chain) > 1 else None
    own = modc["stages"][cell.network]
    shared = ("batch", "margin", "precision", "evaluation_batch")
    triplets = training["triplets_per_epoch"]
    if training["epoch_size"] == "by_labels":
        share = round(triplets * cell.labeled_percent / 100)
        triplets = max(share, min(triplets, training["batch"]))  # at least a batch
    # Of MODC's stages: the warm-up whose optimizer they inherit.
    warm_up = [name for name in chain if name not in MODC][-1] if stage in MODC else stage
    plain = _plain(warm_up)
    settings = {
        "dataset": cell.dataset,
        "network": cell.network,
        "class": network_class(config, cell.network),
        "labeled_percent": cell.labeled_percent,
        "seed": cell.seed,
        "stage": stage,
        "stage_before": before,
        "architecture": architecture,
        "sizes": packed_sizes(config, cell.dataset, cell.network, stage),
        "triplets_per_epoch": triplets,
        **{key: training[key] for key in shared},
        **training["stages"][cell.network][plain],
        **(own[plain] if warm_up != plain else {}),
    }
    if cell.labeled_percent < 100:
        settings["labeled_part"] = labeled_part(config, cell)
    if stage in MODC:
        settings |= _modc_optimizer(own)
        part = "supervised" if stage == SUPERVISED else "semi_supervised"
        settings["epochs"] = settings["epochs"][part]
        settings["modc"] = _modc_settings(modc, stage)
        if "centre_space" in network:
            settings["modc"]["centre_space"] = network["centre_space"]
    if stage in MODC or stage != plain:  # not the baseline's
        settings["convergence"] = modc["convergence"]
        if has_views(config, stage):
            settings["colour_attributes"] = modc["colour_attributes"]
    if config["datasets"][cell.dataset]["orientation"] != "applied":
        settings["orientation"] = config["datasets"][cell.dataset]["orientation"]
    if before is None:
        weights = config["networks"]["weights"]
        backbones = [name for key, name in architecture.items() if key.endswith("backbone")]
        settings["weights"] = {name: weights.get(name, "none") for name in backbones}
    else:
        settings["checkpoint"] = training["checkpoint"]
    if "detail" in settings["sizes"]:
        settings["local_weight"] = training["local_weight"]
        settings["alignment_weight"] = training["alignment_weight"]
    public = public_checkpoint(config, cell, stage)
    if public:
        settings |= {"public_checkpoint": public, "epochs": 0}
    return settings


def settings_chain(config: dict, cell: Cell, stage: str) -> list[str]:
    """Return the fingerprints of the settings of all stages that lead to a stage's model."""
    return [
        fingerprint(training_settings(config, cell, one)) for one in _chain(config, cell, stage)
    ]


def fingerprint(value: object) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of `value` as sorted JSON."""
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _plain(stage: str) -> str:
    return stage.removesuffix(APART)


def _chain(config: dict, cell: Cell, stage: str) -> tuple[str, ...]:
    chains = {method: stages(config, cell, method) for method in METHODS}
    for chain in chains.values():
        if stage in chain:
            return chain[: chain.index(stage) + 1]
    known = ", ".join(dict.fromkeys(s for chain in chains.values() for s in chain))
    raise UserError(f"stage {stage}: {cell.network} at {cell.labeled_percent} % has {known}")


def _modc_settings(modc: dict, stage: str) -> dict:
    """Return what a stage reads of `modc`."""
    here = position(stage)
    unread = set(NO_STAGE_READS)
    unread.add("centre_momentum" if modc["centres"] == "memory_bank" else "memory_bank")
    if modc["cluster_loss"] == "softmax":
        unread.add("cluster_margin")
    return {
        key: value
        for key, value in modc.items()
        if key not in unread and here >= position(READ_FROM.get(key, SUPERVISED))
    }


def _modc_optimizer(own: dict) -> dict:
    """Return what MODC's stages read of `modc.stages.<network>`: no rates that they inherit."""
    if own["optimizer"] == "new":
        return {key: value for key, value in own.items() if not key.startswith("warm_up")}
    return {key: own[key] for key in ("epochs", "optimizer")}

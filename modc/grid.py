"""The grid: what is trained, in which stages, from which settings, and where its files lie."""

import json
from dataclasses import dataclass
from hashlib import sha256

# A cell's training stages in order (paper, supplement: "Training details"). ASEN++ warms up in two
# parts, the global branch alone and then both. The last warm-up model is the baseline (A1).
WARM_UP = {
    "ASEN": ("warm_up",),
    "ASENv2": ("warm_up",),
    "ASEN++": ("warm_up_global", "warm_up"),
}
# MODC's stage 2 and the four steps of its stage 3, each with the losses of those before.
SUPERVISED = "supervised"
SEMI_SUPERVISED = ("self_supervised", "unlabeled", "pseudo_triplets", "pseudo_clusters")
MODC = (SUPERVISED, *SEMI_SUPERVISED)
STAGES = {network: (*warm_up, *MODC) for network, warm_up in WARM_UP.items()}
NETWORKS = tuple(STAGES)
METHODS = ("baseline", "modc")


@dataclass(frozen=True, order=True)
class Cell:
    """One place of the grid: what is trained from which labels under which seed."""

    dataset: str
    network: str
    labeled_percent: int
    seed: int

    @property
    def folder(self) -> str:
        """The cell's folder inside results/<run>/."""
        return f"cells/{self.dataset}/{self.network}/{self.labeled_percent}/seed-{self.seed}"


def cells(config: dict) -> list[Cell]:
    """Return every cell of the configuration's grid, datasets first, seeds last."""
    grid = config["grid"]
    return [
        Cell(dataset, network, percent, seed)
        for dataset in grid["datasets"]
        for network in grid["networks"]
        for percent in grid["labeled_percent"][dataset]
        for seed in grid["seeds"]
    ]


def previous_stage(network: str, stage: str) -> str | None:
    """Return the stage whose model `stage` starts from; None for a network's first."""
    stages = STAGES[network]
    position = stages.index(stage)
    return stages[position - 1] if position else None


def last_stage(method: str, labeled_percent: int) -> str:
    """Return the stage whose model is the method's; with all labels, MODC ends at stage 2 (A11)."""
    if method == "baseline":
        return "warm_up"
    return SUPERVISED if labeled_percent == 100 else SEMI_SUPERVISED[-1]


def packed_sizes(config: dict, dataset: str, network: str, stage: str) -> dict[str, int]:
    """Return the sides of the packed images that a stage reads: "image", and perhaps "detail"."""
    settings = config["datasets"][dataset]
    sizes = {"image": settings["image_size"]}
    if network == "ASEN++" and stage != "warm_up_global":
        sizes["detail"] = settings["detail_size"]
    return sizes


def training_settings(config: dict, cell: Cell, stage: str) -> dict:
    """Return all that training `stage` of `cell` may read of the configuration.

    The trainer sees nothing else, so a change anywhere else cannot change the model.
    """
    training = config["training"]
    network = config["networks"][cell.network]
    weights = config["networks"]["weights"]
    backbones = [name for key, name in network.items() if key.endswith("backbone")]
    first = previous_stage(cell.network, stage) is None
    shared = ("triplets_per_epoch", "batch", "margin", "precision", "evaluation_batch")
    settings = {
        "dataset": cell.dataset,
        "network": cell.network,
        "labeled_percent": cell.labeled_percent,
        "seed": cell.seed,
        "stage": stage,
        "architecture": network,
        "sizes": packed_sizes(config, cell.dataset, cell.network, stage),
        **{key: training[key] for key in shared},
        **training["stages"][cell.network]["warm_up" if stage in MODC else stage],
    }
    if stage in MODC:
        modc = config["modc"]
        settings |= modc["stages"][cell.network]
        part = "supervised" if stage == SUPERVISED else "semi_supervised"
        settings["epochs"] = settings["epochs"][part]
        settings["modc"] = {key: value for key, value in modc.items() if key != "stages"}
    if first:
        settings["weights"] = {name: weights.get(name, "none") for name in backbones}
    if "detail" in settings["sizes"]:
        settings["local_weight"] = training["local_weight"]
        settings["alignment_weight"] = training["alignment_weight"]
    if not first:
        settings["checkpoint"] = training["checkpoint"]
    return settings


def settings_chain(config: dict, cell: Cell, method: str) -> list[str]:
    """Return the fingerprints of the settings of all stages that lead to a method's model."""
    stages = STAGES[cell.network]
    last = stages.index(last_stage(method, cell.labeled_percent))
    return [fingerprint(training_settings(config, cell, s)) for s in stages[: last + 1]]


def fingerprint(value: object) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of `value` as sorted JSON."""
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]

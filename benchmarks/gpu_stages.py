"""Every network and stage, as `gpu.py` trains them: on random pixels, from random weights."""

from pathlib import Path

import torch

from modc import config as configuration
from modc.cell import Cell
from modc.grid import stage_spec
from modc.methods.modc import STAGES
from modc.stage import StageSpec
from modc.training.device import training_dtype
from modc.training.train import Machine

ROOT = Path(__file__).resolve().parents[1]
# Of a small stage: triplets a batch, and the sides of its images and of ASEN++'s details.
BATCH, SIDE, DETAIL = 4, 32, 64
STEPS_AN_EPOCH = 200
CELL_PERCENT = 10


def pairs(network: str | None = None) -> list[tuple[str, str]]:
    """Return the networks and their stages, in the order in which they are trained."""
    read = config(small=False)
    networks = read["grid"]["networks"] if network is None else (network,)
    warm_ups = read["training"]["stages"]
    return [(name, stage) for name in networks for stage in (*warm_ups[name], *STAGES)]


def config(small: bool) -> dict:
    """Return the paper's configuration; small: with a ResNet of ten layers and small images."""
    files = [ROOT / "config.yaml"] + ([ROOT / "configs/smoke.yaml"] if small else [])
    read = configuration.load(files)
    batch = BATCH if small else read["training"]["batch"]
    changed = {"training": {"batch": batch, "triplets_per_epoch": STEPS_AN_EPOCH * batch}}
    if small:
        changed["datasets"] = {"FashionAI": {"image_size": SIDE, "detail_size": DETAIL}}
        changed["methods"] = {"modc": {"unlabeled_ratio": 1.0}}
    return configuration.merge(read, changed)


def cell(network: str) -> Cell:
    """Return the cell whose stages are trained."""
    return Cell("FashionAI", network, CELL_PERCENT, 0)


def method(stage: str) -> str:
    """Return which method's the stage is that `pairs` calls so: a warm-up is the baseline's."""
    return "modc" if stage in STAGES else "baseline"


def spec(config: dict, network: str, stage: str) -> StageSpec:
    """Return what a stage of FashionAI's is trained from."""
    return stage_spec(config, cell(network), method(stage), stage)


def machine(device: str, precision: str = "auto") -> Machine:
    """Return the device, and the precision by its name in the configuration."""
    where = torch.device("cuda", 0) if device == "cuda" else torch.device("cpu")
    return Machine(where, training_dtype(precision, where))


def wait(machine: Machine) -> None:
    """Wait for the device's work."""
    if machine.device.type == "cuda":
        torch.cuda.synchronize()

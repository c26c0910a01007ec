"""What a stage starts from: its network, its stage object, its optimizer."""

import logging

import numpy as np
import torch

from modc.data.triplets import Triplets
from modc.errors import UserError
from modc.grid import MODC, WHOLE
from modc.networks import model_file, public_checkpoints, safe_load
from modc.networks.build import build, find
from modc.networks.network import Network
from modc.seeds import derive
from modc.training.batches import axes
from modc.training.modc import Modc
from modc.training.optimizer import inherit, optimizer
from modc.training.semi_supervised import SemiSupervised
from modc.training.task import Task
from modc.training.warm_up import WarmUp

log = logging.getLogger(__name__)


def start(task: Task, device: torch.device) -> tuple[WarmUp, torch.optim.Adam, int]:
    """Return the stage, Adam, and how many epochs of Adam's schedule lie behind it."""
    network = _network(task).to(device, memory_format=torch.channels_last)
    stage = _stage(task, network, device)
    return stage, *_optimizer(task, stage)


def _network(task: Task) -> Network:
    settings = task.settings
    if task.initial is not None:
        return model_file.restore(task.initial, settings["class"])
    attributes = len(task.index.attributes)
    if task.public_checkpoint is not None:
        # The published baseline itself (A15).
        path = task.public_checkpoint
        published = find(settings["class"]).published
        if settings["architecture"] != published:
            raise UserError(
                f"{path}: the public checkpoint has {published}; expected "
                f"networks.{settings['network']} of the configuration to be the same"
            )
        return public_checkpoints.restore(safe_load.read(path), path, settings["class"], attributes)
    torch.manual_seed(derive(settings["seed"], **axes(settings), use="weights"))
    return build(settings["class"], settings["architecture"], attributes, settings["weights"])


def _stage(task: Task, network: Network, device: torch.device) -> WarmUp:
    settings = task.settings
    labels, unlabeled = task.parts()
    triplets = Triplets(labels, settings["negatives"])
    if triplets.skipped:
        log.warning(
            "%s: %d of %d values have fewer than two labelled images and are never an anchor",
            task.name,
            len(triplets.skipped),
            sum(task.index.values),
        )
    colour = None
    if "colour_attributes" in settings:
        colour = np.isin(task.index.attributes, settings["colour_attributes"])
    aspect = None
    if WHOLE["image"] in settings["sizes"]:
        aspect = (task.index.images["width"] / task.index.images["height"]).to_numpy()
    common = (network, triplets, task.packed, settings, device, colour, aspect)
    if settings["stage"] not in MODC:
        return WarmUp(*common)
    if unlabeled is None:
        stage = Modc(*common, labels, task.index)
    else:
        stage = SemiSupervised(*common, labels, task.index, unlabeled=unlabeled)
    absent = task.absent_values()
    if absent:
        log.warning(
            "%s: %d values have no labelled image, keep no centre and are never predicted: %s",
            task.name,
            len(absent),
            ", ".join(f"{attribute} {value}" for attribute, value in absent),
        )
    before = task.initial.training
    stage.begin(before.get("centres"))
    torch.manual_seed(derive(settings["seed"], **axes(settings), use="predictor"))
    stage.build_predictor(before.get("predictor"))
    return stage


def _optimizer(task: Task, stage: WarmUp) -> tuple[torch.optim.Adam, int]:
    """Return Adam and the epochs behind it.

    Under MODC it goes on with the optimizer of the stage before; ASEN++'s starts anew after the
    warm-up (supplement).
    """
    settings = task.settings
    adam = optimizer(stage.network, settings)
    inherited, epochs = _inherited(task)
    new = [parameter for module in stage.new_modules() for parameter in module.parameters()]
    if new:
        group = {"params": new, "initial_rate": settings["learning_rate"]}
        if settings["modc"]["predictor_rate"] == "initial":
            last = inherited["param_groups"][-1] if inherited else {}
            group["begun"] = last.get("begun", epochs)
        adam.add_param_group(group)
    if inherited:
        inherit(adam, inherited)
    return adam, epochs


def _inherited(task: Task) -> tuple[dict | None, int]:
    """Return the state of the optimizer that a stage goes on with, None for a new one; its epochs.

    Raises UserError if the stage is to go on with one and its initial model has none.
    """
    settings = task.settings
    if settings["stage"] not in MODC:
        return None, 0
    before = task.initial.training
    if settings["optimizer"] == "new" and "centres" not in before:
        return None, 0
    if "optimizer" not in before:
        raise UserError(
            f"{task.name}: the initial model is a public checkpoint and has no optimizer to go on "
            f"with; expected modc.stages.{settings['network']}.optimizer: new"
        )
    return before["optimizer"], before["epochs"]

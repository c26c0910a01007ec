"""Train one stage of one cell: epochs with validation, best and last model, resumable."""

import logging
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from modc import provenance
from modc.atomic import atomic_path
from modc.data.index import Index
from modc.data.triplets import Triplets
from modc.errors import UserError
from modc.evaluation.scores import score, summarize
from modc.evaluation.split_embeddings import embed_split, write_embeddings
from modc.grid import fingerprint
from modc.networks import model_file
from modc.networks.build import build
from modc.seeds import derive
from modc.training import checkpoint
from modc.training.batches import SEED_AXES, batch_size, batches, steps
from modc.training.device import lease, torch_device, training_dtype
from modc.training.progress import Progress
from modc.training.stages import instance_losses, optimizer, set_learning_rate

log = logging.getLogger(__name__)

MODEL, LAST, CURVE = "model.pt", "last.pt", "curve.csv"


@dataclass(frozen=True)
class Task:
    """All that training one stage depends on, and where its results go.

    settings: `modc.grid.training_settings`; packed: uint8 (N, S, S, 3) under "image" and perhaps
    "detail"; labeled: the image ids of the labelled part; initial: the model that the stage starts
    from, None for a first stage; output: a folder for model.pt (the epoch with the best validation
    MAP@all), last.pt and curve.csv; resume: the checkpoint; embeddings: where the test split's
    embeddings go, None for a stage that is not evaluated.
    """

    settings: dict
    index: Index
    packed: dict[str, np.ndarray]
    labeled: np.ndarray
    initial: model_file.ModelFile | None
    output: Path
    resume: Path
    embeddings: Path | None = None

    @property
    def name(self) -> str:
        """What a log line calls this task."""
        return "{dataset} {network} {labeled_percent} % seed {seed} {stage}".format(**self.settings)

    def key(self) -> str:
        """Return what names the resulting model: settings, code, data and starting point."""
        return fingerprint(
            {
                "settings": self.settings,
                "code": provenance.training_code(),
                "index": self.index.sha256,
                "labeled": sha256(np.asarray(self.labeled, "<i8").tobytes()).hexdigest(),
                "initial": self.initial.facts["key"] if self.initial else None,
            }
        )


def train(task: Task) -> None:
    """Train `task` to its end, going on from its checkpoint if there is one.

    Killed at any moment and started again, it ends with the same model as one left alone. Raises
    UserError if no triplet can be drawn, or if the loss is no longer a number.
    """
    key = task.key()
    with checkpoint.alone(task.resume):
        if _finished(task, key):
            log.info("%s: already trained", task.name)
            return
        triplets = _triplets(task)
        with lease() as leased:
            _train(task, key, triplets, torch_device(leased))
        task.resume.unlink(missing_ok=True)


def _train(task: Task, key: str, triplets: Triplets, device: torch.device) -> None:
    settings = task.settings
    torch.use_deterministic_algorithms(True, warn_only=True)
    precision = training_dtype(settings["precision"], device)
    network = _network(task).to(device, memory_format=torch.channels_last)
    adam = optimizer(network, settings)
    state = checkpoint.load(task.resume, key)
    if state is None:
        state = {"epoch": 0, "curve": [], "best": None, "best_score": -1.0, "seconds": 0.0}
    else:
        network.load_state_dict(state["network"])
        adam.load_state_dict(state["optimizer"])
        log.info("%s: resumed after epoch %d", task.name, state["epoch"])
    size, per_epoch = batch_size(settings), steps(settings)
    progress = Progress(
        task.name, settings["epochs"], per_epoch, 3 * size, state["epoch"] * per_epoch
    )
    for epoch in range(state["epoch"], settings["epochs"]):
        begun = time.monotonic()
        rate = set_learning_rate(adam, settings, epoch)
        losses = _epoch(task, network, adam, triplets, epoch, device, precision, progress)
        scores = _validate(task, network, device, precision)
        state["curve"].append({"epoch": epoch + 1, "learning_rate": rate, **losses, **scores})
        state["epoch"] = epoch + 1
        state["seconds"] += time.monotonic() - begun
        if scores["valid_MAP@all"] > state["best_score"]:
            state["best_score"] = scores["valid_MAP@all"]
            state["best_epoch"] = epoch + 1
            state["best"] = _on_cpu(network)
        state["network"], state["optimizer"] = network.state_dict(), adam.state_dict()
        checkpoint.save(task.resume, key, state)
        text = f", validation MAP@all {100 * scores['valid_MAP@all']:.2f}"
        progress.epoch(epoch, losses["loss"], text)
    _write(task, key, state, network, device, precision)


def _epoch(task, network, adam, triplets, epoch, device, precision, progress) -> dict[str, float]:
    """Train one epoch and return the mean of each loss term and of their sum."""
    settings = task.settings
    network.train()
    sums: dict[str, torch.Tensor] = {}
    for batch in batches(triplets, task.packed, settings, epoch, device):
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            terms = instance_losses(network, batch, settings)
        loss = sum(terms.values())
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        for name, term in {"loss": loss, **terms}.items():
            sums[name] = sums.get(name, 0.0) + term.detach()
        progress.step(loss)
    means = {name: float(total) / steps(settings) for name, total in sums.items()}
    if not np.isfinite(means["loss"]):
        raise UserError(
            f"{task.name}: the loss is {means['loss']} in epoch {epoch + 1}; lower "
            f"training.stages.{settings['network']}.{settings['stage']}.learning_rate"
        )
    return means


def _validate(task, network, device, precision) -> dict[str, float]:
    """Return the overall validation MAP@all and MAP@100 as fractions."""
    arrays = embed_split(
        network,
        task.packed,
        task.index,
        "valid",
        device,
        task.settings["evaluation_batch"],
        precision,
    )
    overall = summarize(score(**arrays), arrays["candidate_attribute"], len(task.index.attributes))[
        "overall"
    ]
    return {f"valid_{metric}": overall[metric] for metric in ("MAP@all", "MAP@100")}


def _network(task: Task) -> nn.Module:
    if task.initial is not None:
        return model_file.restore(task.initial)
    settings = task.settings
    axes = {axis: settings[axis] for axis in SEED_AXES}
    torch.manual_seed(derive(settings["seed"], **axes, use="weights"))
    return build(
        settings["network"],
        settings["architecture"],
        len(task.index.attributes),
        settings["weights"],
    )


def _triplets(task: Task) -> Triplets:
    rows = task.index.rows("train", "train")
    labeled = rows[rows["image"].isin(task.labeled)]
    triplets = Triplets(labeled, task.settings["negatives"])
    if triplets.skipped:
        log.warning(
            "%s: %d of %d values have fewer than two labelled images and are never an anchor",
            task.name,
            len(triplets.skipped),
            sum(task.index.values),
        )
    return triplets


def _finished(task: Task, key: str) -> bool:
    wanted = [task.output / name for name in (MODEL, LAST, CURVE)]
    wanted += [task.embeddings] if task.embeddings else []
    if not all(path.exists() for path in wanted):
        return False
    try:
        return model_file.load(task.output / MODEL).facts.get("key") == key
    except UserError:
        return False


def _write(task, key, state, network, device, precision) -> None:
    """Write the curve, the last model, the test embeddings of the best, and the best model."""
    facts = {
        "key": key,
        "stage": task.settings["stage"],
        "settings": task.settings,
        "sizes": task.settings["sizes"],
        "index_sha256": task.index.sha256,
        "provenance": {
            "code": provenance.training_code(),
            "device": _device_name(device),
            "precision": str(precision).removeprefix("torch."),
            "threads": torch.get_num_threads(),
            "training_seconds": round(state["seconds"], 1),
            "labeled_images": len(task.labeled),
            **provenance.software(),
        },
    }
    with atomic_path(task.output / CURVE) as temporary:
        pd.DataFrame(state["curve"]).to_csv(temporary, index=False)
    last = {**facts, "epoch": state["epoch"], "valid_MAP@all": state["curve"][-1]["valid_MAP@all"]}
    _save(task, task.output / LAST, network.state_dict(), last)
    best = {**facts, "epoch": state["best_epoch"], "valid_MAP@all": state["best_score"]}
    if task.embeddings:
        network.load_state_dict(state["best"])
        arrays = embed_split(
            network, task.packed, task.index, "test", device, task.settings["evaluation_batch"]
        )
        write_embeddings(task.embeddings, arrays, task.index, best)
    _save(task, task.output / MODEL, state["best"], best)


def _save(task: Task, path: Path, state_dict: dict, facts: dict) -> None:
    settings = task.settings
    model = model_file.ModelFile(
        settings["network"], settings["architecture"], task.index.attributes, state_dict, facts
    )
    model_file.save(path, model)


def _on_cpu(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"

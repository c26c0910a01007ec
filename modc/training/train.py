"""Train one stage of one cell: epochs with validation, best and last model, resumable."""

import logging
import time
from dataclasses import dataclass

import numpy as np
import torch

from modc.errors import UserError
from modc.evaluation.scores import score, summarize
from modc.evaluation.split_embeddings import embed_split, write_embeddings
from modc.grid import MODC, fingerprint
from modc.learning_curve import write_curve
from modc.lock import alone
from modc.training import checkpoint
from modc.training.batches import batch_size, steps
from modc.training.convergence import converged
from modc.training.determinism import be_deterministic
from modc.training.device import torch_device, training_dtype
from modc.training.heartbeat import Heartbeat
from modc.training.kept import keep, take_back
from modc.training.optimizer import load, set_learning_rate
from modc.training.progress import Progress
from modc.training.start import start
from modc.training.task import CURVE, LAST, MODEL, PICTURE, Task
from modc.training.termination import Termination
from modc.training.warm_up import WarmUp

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Machine:
    """Where and in which precision a stage is trained."""

    device: torch.device
    precision: torch.dtype


def train(task: Task, leased: str | None = None) -> None:
    """Train `task` to its end, going on from its checkpoint if there is one.

    Killed at any moment and started again, it ends with the same model as one left alone. SIGTERM
    saves a checkpoint within the epoch and raises SystemExit. Raises UserError if no triplet can be
    drawn, if the loss is no longer a number, or if the GPU's memory is full. leased: the GPU that
    this process holds, None for the CPU.
    """
    task.check()
    key = task.key()
    with alone(task.resume, "training this stage"):
        if task.finished(key):
            log.info("%s: already trained", task.name)
        elif take_back(task, key):
            log.info("%s: already trained, its files were kept", task.name)
        else:
            device = torch_device(leased)
            precision = training_dtype(task.settings["precision"], device)
            try:
                _train(task, key, Machine(device, precision))
            except torch.OutOfMemoryError as error:
                raise UserError(
                    f"{task.name}: {str(error).splitlines()[0]} Expected a GPU with more memory, "
                    f"or one that nothing else uses; training.evaluation_batch and "
                    f"training.jobs_per_gpu may be made smaller"
                ) from None
        keep(task)
        task.resume.unlink(missing_ok=True)
        Heartbeat(task.resume, task.settings).finish()


def _train(task: Task, key: str, machine: Machine) -> None:
    settings = task.settings
    be_deterministic()
    stage, adam, schedule = start(task, machine.device)
    resumable = checkpoint_key(key, machine)
    state = checkpoint.load(task.resume, resumable)
    if state is None:
        state = {"epoch": 0, "curve": [], "best_score": -1.0, "seconds": 0.0}
    else:
        if state["epoch"]:
            _load(stage, adam, state)
        log.info(
            "%s: resumed after epoch %d and %d steps", task.name, state["epoch"], _steps_done(state)
        )
    per_epoch = steps(settings)
    progress = Progress(
        task.name,
        settings["epochs"],
        per_epoch,
        stage.images_per_triplet * batch_size(settings),
        state["epoch"] * per_epoch + _steps_done(state),
        Heartbeat(task.resume, settings),
    )
    if task.public_checkpoint is not None:
        _adopt(task, state, stage, machine)
    with Termination(task.name) as termination:
        while not _why_stopped(state, settings):
            epoch, begun = state["epoch"], time.monotonic()
            rate = set_learning_rate(adam, settings, schedule + epoch)
            # As at the epoch's start, also where the epoch was left after some steps.
            stage.begin_epoch(epoch)
            within = state.pop("within", {"steps": 0, "sums": {}})
            if within["steps"]:
                _load(stage, adam, within)
            try:
                losses = _epoch(task, stage, adam, epoch, within, machine, progress, termination)
                scores = _validate(task, stage, machine)
            except SystemExit:
                state["seconds"] += time.monotonic() - begun
                optimizer = {"optimizer": adam.state_dict()}
                state["within"] = {**_copied(within), **_now(stage, optimizer)}
                checkpoint.save(task.resume, resumable, state)
                raise
            with termination.put_off():
                state["seconds"] += time.monotonic() - begun
                optimizer = {"optimizer": adam.state_dict(), "epochs": schedule + epoch + 1}
                shares = {f"share_{name}": share for name, share in stage.shares().items()}
                row = {"epoch": epoch + 1, "learning_rate": rate, **losses, **shares, **scores}
                _record(state, row, stage, optimizer)
                checkpoint.save(task.resume, resumable, state)
            words = _in_words(losses, shares | scores)
            progress.epoch(epoch, losses["loss"], words, scores["valid_MAP@all"])
        _write(task, key, state, stage, machine)


def checkpoint_key(key: str, machine: Machine) -> str:
    """Return what names a checkpoint: the key of the model that it leads to, and how it rounds.

    What a CPU began in float32 would end on a GPU, or in bfloat16, as a model of neither.
    """
    return fingerprint([key, machine.device.type, str(machine.precision)])


def _load(stage: WarmUp, adam: torch.optim.Adam, saved: dict) -> None:
    """Take over what `_now` returned."""
    stage.network.load_state_dict(saved["now"]["network"])
    stage.load_state(saved["now"]["training"])
    stage.load_memory(saved["memory"])
    load(adam, saved["now"]["training"]["optimizer"])


def _now(stage: WarmUp, optimizer: dict) -> dict:
    """Return a copy of what training goes on from."""
    training = {**stage.state(), **optimizer}
    now = {"network": stage.network.state_dict(), "training": training}
    return _copied({"now": now, "memory": stage.memory()})


def _steps_done(state: dict) -> int:
    return state.get("within", {"steps": 0})["steps"]


def _adopt(task: Task, state: dict, stage: WarmUp, machine: Machine) -> None:
    """Take the public weights as they are for the model of this stage (A15)."""
    row = {"epoch": 0, "learning_rate": 0.0, "loss": np.nan, **_validate(task, stage, machine)}
    _record(state, row, stage, {})


def _record(state: dict, row: dict, stage: WarmUp, optimizer: dict) -> None:
    """Note in `state` how an epoch ended, and keep its model if it is the best so far (A23)."""
    selected_by = f"valid_{stage.selected_by}"
    state["curve"].append(row)
    state["epoch"] = row["epoch"]
    state.update(_now(stage, optimizer))
    if row[selected_by] > state["best_score"]:
        state["best_score"], state["best_epoch"] = row[selected_by], row["epoch"]
        state["best_row"] = len(state["curve"]) - 1
        state["best"] = state["now"]


def _why_stopped(state: dict, settings: dict) -> str:
    """Return why training is over, "" if it is not (A10, A15, A17)."""
    if not settings["epochs"]:
        return "public weights, not trained"
    rule = settings.get("convergence", {"rule": "fixed_epochs"})
    may_converge = rule["rule"] == "plateau"
    scores = [row["valid_MAP@all"] for row in state["curve"]]
    if may_converge and converged(scores, rule["rise"], rule["patience"]):
        return f"converged at epoch {state['epoch']}"
    if state["epoch"] >= settings["epochs"]:
        epochs = "epoch" if settings["epochs"] == 1 else "epochs"
        return f"{'cap of' if may_converge else 'all'} {settings['epochs']} {epochs}"
    return ""


def _epoch(task, stage, adam, epoch, within, machine, progress, termination) -> dict[str, float]:
    """Train the rest of an epoch and return the mean of each loss term and of their sum.

    within: the steps of the epoch that are done, and the sums of their losses; both go on.
    """
    settings, sums = task.settings, within["sums"]
    stage.network.train()
    for batch in stage.batches(epoch, within["steps"]):
        with termination.put_off():
            terms = train_batch(stage, adam, batch, machine)
            for name, term in terms.items():
                sums[name] = sums[name].to(term.device) + term if name in sums else term
            within["steps"] += 1
            progress.step(terms["loss"])
    means = {name: float(total) / steps(settings) for name, total in sums.items()}
    if not np.isfinite(means["loss"]):
        section = "modc" if settings["stage"] in MODC else "training"
        raise UserError(
            f"{task.name}: the loss is {means['loss']} in epoch {epoch + 1}; lower the "
            f"learning_rate of {section}.stages.{settings['network']} or of the stage before"
        )
    return means


def train_batch(
    stage: WarmUp, adam: torch.optim.Adam, batch: object, machine: Machine
) -> dict[str, torch.Tensor]:
    """Make one step of the optimizer; return "loss" and the terms that it is the sum of."""
    device, precision = machine.device, machine.precision
    with torch.autocast(device.type, precision, enabled=precision != torch.float32):
        terms = stage.losses(batch)
    loss = sum(terms.values())
    adam.zero_grad(set_to_none=True)
    loss.backward()
    adam.step()
    stage.after_step()
    return {name: term.detach() for name, term in {"loss": loss, **terms}.items()}


def _validate(task: Task, stage: WarmUp, machine: Machine) -> dict[str, float]:
    """Return overall validation MAP@all and MAP@100 as fractions, and what the stage adds."""
    arrays = embed_split(
        stage.network,
        task.packed,
        task.index,
        "valid",
        machine.device,
        task.settings["evaluation_batch"],
        machine.precision,
    )
    gpu = str(machine.device) if machine.device.type == "cuda" else None
    scored = score(**arrays, threads=torch.get_num_threads(), device=gpu)
    summary = summarize(scored, arrays["candidate_attribute"], len(task.index.attributes))
    scores = {metric: summary["overall"][metric] for metric in ("MAP@all", "MAP@100")}
    scores |= stage.validation(arrays)
    return {f"valid_{name}": value for name, value in scores.items()}


def _write(task: Task, key: str, state: dict, stage: WarmUp, machine: Machine) -> None:
    """Write the curve, the last model, the test embeddings of the best, and the best model."""
    best, now = state["best"], state["now"]
    curve = (task.output / CURVE, task.output / PICTURE)
    stopped = _why_stopped(state, task.settings)
    write_curve(*curve, state["curve"], f"{task.name}: {stopped}")
    facts = task.facts(key, machine.device, machine.precision, state, stopped)
    last_score = state["curve"][-1]["valid_MAP@all"]
    last = {**facts, "epoch": state["epoch"], "valid_MAP@all": last_score}
    best_score = state["curve"][state["best_row"]]["valid_MAP@all"]
    facts |= {"epoch": state["best_epoch"], "valid_MAP@all": best_score}
    task.save(LAST, now["network"], now["training"], last)
    if task.embeddings:
        stage.network.load_state_dict(best["network"])
        batch = task.settings["evaluation_batch"]
        arrays = embed_split(stage.network, task.packed, task.index, "test", machine.device, batch)
        if "centres" in best["training"]:
            arrays["centres"] = best["training"]["centres"].numpy()
        write_embeddings(task.embeddings, arrays, task.index, facts)
    task.save(MODEL, best["network"], best["training"], facts)
    log.info("%s: %s, best epoch %d", task.name, stopped, state["best_epoch"])


def _copied(value: object) -> object:
    """Return a copy on the CPU of all tensors in nested dictionaries and lists."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, dict):
        return {name: _copied(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_copied(part) for part in value]
    return value


def _in_words(losses: dict[str, float], scores: dict[str, float]) -> str:
    """Return the loss by term and the percentages of an epoch, as they go on a log line."""
    terms = ", ".join(f"{name} {value:.4f}" for name, value in losses.items() if name != "loss")
    named = {
        name.replace("valid_", "validation ").replace("_", " "): value
        for name, value in scores.items()
    }
    return f" ({terms})" + "".join(f", {name} {100 * value:.2f}" for name, value in named.items())

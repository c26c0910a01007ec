"""Train one stage of one cell: set-up, epochs, validation, saving, resuming, the last models."""

import logging
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from modc import paths
from modc.data.triplets import Triplets
from modc.errors import UserError
from modc.evaluation.prioritized import accuracy, column_name
from modc.evaluation.scores import score, summarize
from modc.evaluation.split_embeddings import embed_split, write_embeddings
from modc.learning_curve import write_curve
from modc.lock import alone
from modc.methods import class_of as method_class
from modc.methods.objective import Objective, Start
from modc.networks import model_file, public_checkpoints, safe_load
from modc.networks.build import build, find
from modc.networks.network import Network
from modc.seeds import derive
from modc.stage import LAST_EPOCH, WHOLE, StageSpec, fingerprint
from modc.training import checkpoint
from modc.training.batches import Batch, BatchSource, batches
from modc.training.convergence import converged
from modc.training.determinism import be_deterministic
from modc.training.device import torch_device, training_dtype
from modc.training.heartbeat import Heartbeat
from modc.training.kept import keep, take_back
from modc.training.optimizer import load, optimizer, set_learning_rate
from modc.training.progress import Progress
from modc.training.task import Task
from modc.training.termination import Termination

log = logging.getLogger(__name__)

# Of the objective's state, what only the rest of its stage needs.
MEMORY = "memory"


@dataclass(frozen=True)
class Machine:
    """Where and in which precision a stage is trained."""

    device: torch.device
    precision: torch.dtype


@dataclass(frozen=True)
class Learner:
    """A stage at work; behind: the epochs of Adam's schedule that lie before it."""

    spec: StageSpec
    network: Network
    objective: Objective
    source: BatchSource
    adam: torch.optim.Adam
    behind: int
    machine: Machine


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
            log.info("%s: already trained", task.spec)
        elif take_back(task, key):
            log.info("%s: already trained, its files were kept", task.spec)
        else:
            device = torch_device(leased)
            machine = Machine(device, training_dtype(task.spec.precision, device))
            try:
                _train(task, key, machine)
            except torch.OutOfMemoryError as error:
                raise UserError(
                    f"{task.spec}: {str(error).splitlines()[0]} Expected a GPU with more memory, "
                    f"or one that nothing else uses; training.evaluation_batch and "
                    f"training.jobs_per_gpu may be made smaller"
                ) from None
        keep(task)
        task.resume.unlink(missing_ok=True)
        Heartbeat(task.resume, task.spec).finish()


def _train(task: Task, key: str, machine: Machine) -> None:
    spec = task.spec
    be_deterministic()
    learner = set_up(task, machine)
    resumable = checkpoint_key(key, machine)
    state = checkpoint.load(task.resume, resumable)
    if state is None:
        state = {"epoch": 0, "curve": [], "best_score": -1.0, "seconds": 0.0}
    else:
        if state["epoch"]:
            _load(learner, state)
        done = state.get("within", {"steps": 0})["steps"]
        log.info("%s: resumed after epoch %d and %d steps", spec, state["epoch"], done)
    progress = Progress(
        str(spec),
        spec.epochs,
        spec.steps,
        spec.images_per_triplet * spec.batch_size,
        state["epoch"] * spec.steps + state.get("within", {"steps": 0})["steps"],
        Heartbeat(task.resume, spec),
    )
    if spec.public_checkpoint is not None:
        # The public weights as they are for the model of this stage (A15).
        row = {"epoch": 0, "learning_rate": 0.0, "loss": np.nan, **_validate(task, learner)}
        _record(state, row, learner, {})
    with Termination(str(spec)) as termination:
        while not _why_stopped(state, spec):
            epoch, begun = state["epoch"], time.monotonic()
            rate = set_learning_rate(learner.adam, spec, learner.behind + epoch)
            within = state.pop("within", {"steps": 0, "sums": {}, "shares": {}})
            if within["steps"]:
                _load(learner, within)
            try:
                losses = _epoch(learner, epoch, within, progress, termination)
                scores = _validate(task, learner)
            except SystemExit:
                state["seconds"] += time.monotonic() - begun
                now = _now(learner, {"optimizer": learner.adam.state_dict()})
                state["within"] = {**_copied(within), **now}
                checkpoint.save(task.resume, resumable, state)
                raise
            with termination.put_off():
                state["seconds"] += time.monotonic() - begun
                row = {"epoch": epoch + 1, "learning_rate": rate, **losses, **scores}
                behind = learner.behind + epoch + 1
                adam = {"optimizer": learner.adam.state_dict(), "epochs": behind}
                _record(state, row, learner, adam)
                checkpoint.save(task.resume, resumable, state)
            progress.epoch(row)
        _write(task, key, state, learner)


def checkpoint_key(key: str, machine: Machine) -> str:
    """Return what names a checkpoint: the key of the model that it leads to, and how it rounds.

    What a CPU began in float32 would end on a GPU, or in bfloat16, as a model of neither.
    """
    return fingerprint([key, machine.device.type, str(machine.precision)])


def set_up(task: Task, machine: Machine) -> Learner:
    """Return the stage at its beginning: network, objective, what batches are drawn from, Adam."""
    spec, index, device = task.spec, task.index, machine.device
    network = _network(task).to(device, memory_format=torch.channels_last)
    labels, unlabeled = task.parts()
    triplets = Triplets(labels, spec.negatives)
    if triplets.skipped:
        log.warning(
            "%s: %d of %d values have fewer than two labeled images and are never an anchor",
            spec,
            len(triplets.skipped),
            sum(index.values),
        )
    seen = {name: task.packed[name] for name in WHOLE if name in task.packed}
    drawn, keeps_color, aspect = seen, None, None
    if spec.views is not None:
        keeps_color = np.isin(index.attributes, spec.views.keeps_color)
        if spec.views.whole:
            drawn = {name: task.packed[WHOLE[name]] for name in seen}
            aspect = (index.images["width"] / index.images["height"]).to_numpy()
    source = BatchSource(spec, triplets, unlabeled, drawn, device, keeps_color, aspect)
    before = task.initial.training if task.initial is not None else {}
    start = Start(
        spec, network, index, labels, unlabeled, seen, device, before.get("objective", {})
    )
    torch.manual_seed(derive(spec.cell.seed, **spec.seed_axes, use="predictor"))
    objective = method_class(spec.method_class, spec.method).objective(start)
    if objective.centers is not None and (absent := task.absent_values()):
        log.warning(
            "%s: %d values have no labeled image, keep no center and are never predicted: %s",
            spec,
            len(absent),
            ", ".join(f"{attribute} {value}" for attribute, value in absent),
        )
    known = (LAST_EPOCH, "MAP@all", "MAP@100")
    if objective.centers is not None:
        known += ("Acc", "prioritized_MAP@all")
    if spec.selected_by not in known:
        raise UserError(f"{spec}: selected_by {spec.selected_by}: expected {', '.join(known)}")
    inherits = spec.optimizer == "inherit"
    if inherits and "optimizer" not in before:
        raise UserError(
            f"{spec}: the initial model is a public checkpoint and has no optimizer to go on with; "
            f"expected methods.{spec.method}.stages.{spec.cell.network}.optimizer: new"
        )
    adam = optimizer(network, objective, spec, before if inherits else None)
    behind = before["epochs"] if inherits else 0
    return Learner(spec, network, objective, source, adam, behind, machine)


def _network(task: Task) -> Network:
    spec = task.spec
    if task.initial is not None:
        return model_file.restore(task.initial, spec.network_class)
    attributes = len(task.index.attributes)
    if task.public_checkpoint is not None:
        # The published baseline itself (A15).
        path = task.public_checkpoint
        published = find(spec.network_class).published
        if spec.architecture != published:
            raise UserError(
                f"{path}: the public checkpoint has {published}; expected "
                f"networks.{spec.cell.network} of the configuration to be the same"
            )
        weights = safe_load.read(path)
        return public_checkpoints.restore(weights, path, spec.network_class, attributes)
    torch.manual_seed(derive(spec.cell.seed, **spec.seed_axes, use="weights"))
    return build(spec.network_class, spec.architecture, attributes, spec.weights)


def _epoch(
    learner: Learner, epoch: int, within: dict, progress: Progress, termination: Termination
) -> dict[str, float]:
    """Train the rest of an epoch; return the means of the loss and its terms, and the shares.

    within: the steps of the epoch that are done, and the sums of what they returned; all go on.
    """
    sums, shares = within["sums"], within["shares"]
    # Not put off: it may take as long as a validation.
    if learner.objective.begin_epoch is not None and not within["steps"]:
        learner.objective.begin_epoch(epoch)
    learner.network.train()
    learner.objective.train()
    for batch in batches(learner.source, epoch, within["steps"]):
        with termination.put_off():
            losses, counts = train_batch(learner, batch)
            for name, term in losses.items():
                sums[name] = sums[name].to(term.device) + term if name in sums else term
            for name, (part, whole) in counts.items():
                before = shares.get(name, [0, 0])
                shares[name] = [before[0] + part, before[1] + whole]
            within["steps"] += 1
            progress.step(losses["loss"])
    means = {name: float(total) / learner.spec.steps for name, total in sums.items()}
    if not np.isfinite(means["loss"]):
        spec = learner.spec
        raise UserError(
            f"{spec}: the loss is {means['loss']} in epoch {epoch + 1}; lower the learning_rate of "
            f"{spec.cell.network} in the recipe of this stage or of the stage before"
        )
    return means | {f"share_{name}": part / whole for name, (part, whole) in shares.items()}


def train_batch(
    learner: Learner, batch: Batch
) -> tuple[dict[str, Tensor], dict[str, tuple[int, int]]]:
    """Make one step of the optimizer.

    Returns "loss" and the terms that it is the sum of, and the objective's shares.
    """
    device, precision = learner.machine.device, learner.machine.precision
    with torch.autocast(device.type, precision, enabled=precision != torch.float32):
        found = learner.objective(batch)
    loss = sum(found.terms.values())
    learner.adam.zero_grad(set_to_none=True)
    loss.backward()
    learner.adam.step()
    if found.members is not None:
        learner.objective.update(found.members)
    losses = {name: term.detach() for name, term in {"loss": loss, **found.terms}.items()}
    return losses, found.shares


def _validate(task: Task, learner: Learner) -> dict[str, float]:
    """Return overall validation MAP@all and MAP@100 as fractions; with centers Acc too.

    Acc is the share of queries whose nearest center is their value's. Also MAP@all of top1 with the
    label known, where the best epoch is chosen by it.
    """
    spec, machine, centers = learner.spec, learner.machine, learner.objective.centers
    arrays = embed_split(
        learner.network,
        task.packed,
        task.index,
        "valid",
        machine.device,
        spec.evaluation_batch,
        machine.precision,
    )
    device = str(machine.device) if machine.device.type == "cuda" else None
    how = {"threads": torch.get_num_threads(), "device": device}
    scored = score(**arrays, **how)
    summary = summarize(scored, arrays["candidate_attribute"], len(task.index.attributes))
    scores = {metric: summary["overall"][metric] for metric in ("MAP@all", "MAP@100")}
    if centers is not None:
        arrays["centers"] = centers.cpu().numpy()
        scores["Acc"] = accuracy(arrays, arrays["centers"])
        if spec.selected_by not in (LAST_EPOCH, *scores):
            scored = score(**arrays, **how)
            scores[spec.selected_by] = float(scored[column_name(1, "known", "MAP@all")].mean())
    return {f"valid_{name}": value for name, value in scores.items()}


def _record(state: dict, row: dict, learner: Learner, adam: dict) -> None:
    """Note in `state` how an epoch ended, and keep its model if it is the best so far (A23)."""
    selected_by = learner.spec.selected_by
    score = row["epoch"] if selected_by == LAST_EPOCH else row[f"valid_{selected_by}"]
    state["curve"].append(row)
    state["epoch"] = row["epoch"]
    state.update(_now(learner, adam))
    if score > state["best_score"]:
        state["best_score"], state["best_epoch"] = score, row["epoch"]
        state["best_row"] = len(state["curve"]) - 1
        state["best"] = state["now"]


def _now(learner: Learner, adam: dict) -> dict:
    """Return a copy of what training goes on from."""
    objective = learner.objective.state_dict()
    memory = {name: value for name, value in objective.items() if MEMORY in name.split(".")}
    kept = {name: value for name, value in objective.items() if name not in memory}
    training = {"objective": kept, **adam}
    now = {"network": learner.network.state_dict(), "training": training}
    return _copied({"now": now, MEMORY: memory})


def _load(learner: Learner, saved: dict) -> None:
    """Take over what `_now` returned."""
    training = saved["now"]["training"]
    learner.network.load_state_dict(saved["now"]["network"])
    learner.objective.load_state_dict({**training["objective"], **saved[MEMORY]})
    load(learner.adam, training["optimizer"])


def _why_stopped(state: dict, spec: StageSpec) -> str:
    """Return why training is over, "" if it is not (A10, A15, A17)."""
    if not spec.epochs:
        return "public weights, not trained"
    rule = spec.convergence
    scores = [row["valid_MAP@all"] for row in state["curve"]]
    if rule is not None and converged(scores, rule.rise, rule.patience):
        return f"converged at epoch {state['epoch']}"
    if state["epoch"] >= spec.epochs:
        epochs = "epoch" if spec.epochs == 1 else "epochs"
        return f"{'all' if rule is None else 'cap of'} {spec.epochs} {epochs}"
    return ""


def _write(task: Task, key: str, state: dict, learner: Learner) -> None:
    """Write the curve, the last model, the test embeddings of the best, and the best model."""
    best, now, machine = state["best"], state["now"], learner.machine
    stopped = _why_stopped(state, learner.spec)
    curve = (task.output / paths.CURVE, task.output / paths.CURVE_IMAGE)
    write_curve(*curve, state["curve"], f"{learner.spec}: {stopped}")
    facts = task.facts(key, machine.device, machine.precision, state, stopped)
    last_score = state["curve"][-1]["valid_MAP@all"]
    last = {**facts, "epoch": state["epoch"], "valid_MAP@all": last_score}
    best_score = state["curve"][state["best_row"]]["valid_MAP@all"]
    facts |= {"epoch": state["best_epoch"], "valid_MAP@all": best_score}
    task.save(paths.LAST, now["network"], now["training"], last)
    if task.embeddings:
        learner.network.load_state_dict(best["network"])
        batch = learner.spec.evaluation_batch
        arrays = embed_split(
            learner.network, task.packed, task.index, "test", machine.device, batch
        )
        if learner.objective.centers is not None:
            learner.objective.load_state_dict(best["training"]["objective"], strict=False)
            arrays["centers"] = learner.objective.centers.cpu().numpy()
        write_embeddings(task.embeddings, arrays, task.index, facts)
    task.save(paths.MODEL, best["network"], best["training"], facts)
    log.info("%s: %s, best epoch %d", learner.spec, stopped, state["best_epoch"])


def _copied(value: object) -> object:
    """Return a copy on the CPU of all tensors in nested dictionaries and lists."""
    if isinstance(value, Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, dict):
        return {name: _copied(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_copied(part) for part in value]
    return value

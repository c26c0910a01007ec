"""How fast a GPU is: every network and stage, the public way, the metrics, the paper's grid."""

import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import repeat
from pathlib import Path

import gpu_stages
import numpy as np
import torch
from ceilings import bytes_a_second, must_do, operations_a_second
from gpu_step import ROOT, Context, Skipped
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from modc import config as configuration
from modc import rates
from modc.data.device_images import Budget, DeviceImages
from modc.provenance import training_code
from modc.rates import EVALUATION
from modc.stage import StageSpec
from modc.training.batches import Batch
from modc.training.determinism import be_deterministic
from modc.training.probe import Subject, endless_batches, made_up_task, measured, tensor_bytes
from modc.training.train import Learner, Machine, set_up, train_batch

# Images of a stage's memory map, a side and a size; half of them are labeled.
IMAGES, FEW_IMAGES = 1024, 64
ROUNDS, SECONDS = 3, 0.7
# Steps that a GPU has to do at most before it is waited for.
QUEUED = 8
KEPT, HOST, FIXED = "real input", "read from the host", "fixed batch"
METRIC_ROUNDS = 3
EMBEDDING_SECONDS = 3.0
# In the folder of what the steps make: the measured rates, for `modc plan`.
RATES = "rates.json"


def asen(context: Context) -> Iterator[dict]:
    """Measure ASEN's stages."""
    return stages(context, "ASEN")


def asen_v2(context: Context) -> Iterator[dict]:
    """Measure ASENv2's stages."""
    return stages(context, "ASENv2")


def asen_pp(context: Context) -> Iterator[dict]:
    """Measure ASEN++'s stages."""
    return stages(context, "ASEN++")


def stages(context: Context, network: str) -> Iterator[dict]:
    """Measure a network's stages beside the card's ceilings; a stage may lack the memory."""
    be_deterministic()
    machine = gpu_stages.machine(context.device)
    config = gpu_stages.config(context.small)
    products = operations_a_second(machine, 256 if context.small else None)
    copies = bytes_a_second(machine, 2**20 if context.small else 2**28)
    precision = str(machine.precision).removeprefix("torch.")
    text = (
        f"{precision}; ceilings: products {products / 1e12:.4g} T/s, copies {copies / 1e9:.4g} "
        f"GB/s; median of {ROUNDS} rounds; images/s unless said otherwise"
    )
    chosen = gpu_stages.pairs(network)
    for name, stage in chosen[:1] if context.small else chosen:
        spec = gpu_stages.spec(config, name, stage)
        try:
            row = _measured(spec, machine, context, products, copies)
            _keep(_rate(config, name, stage, row, machine), context, machine)
            yield {"stage": stage, **row}
        except torch.OutOfMemoryError as error:
            yield {"stage": stage, "note": f"needs more memory: {str(error).splitlines()[0]}"}
        if machine.device.type == "cuda":
            torch.cuda.empty_cache()
    whole = Subject(gpu_stages.cell(network), "", EVALUATION)
    embedding = measured(config, whole, machine, EMBEDDING_SECONDS)
    _keep(embedding, context, machine)
    yield {"stage": "embedding", KEPT: embedding["images_per_second"]}
    yield {"text": text}


def _rate(config: dict, network: str, stage: str, row: dict, machine: Machine) -> dict:
    """Return what was measured of a stage as `modc plan` reads it."""
    gigabytes = row.get("peak memory, GiB")
    return {
        "subject": rates.subject(config, gpu_stages.cell(network), gpu_stages.method(stage), stage),
        "images_per_second": row[KEPT],
        "dtype": str(machine.precision).removeprefix("torch."),
        "model_bytes": row["model, bytes"],
        "embedding_dim": None,
        "gpu_bytes": round(gigabytes * 2**30) if gigabytes else None,
        "host_bytes": None,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _keep(rate: dict, context: Context, machine: Machine) -> None:
    """Add a rate to the file from which `plan` reads."""
    on_gpu = machine.device.type == "cuda"
    name = torch.cuda.get_device_name(0) if on_gpu else f"CPU {platform.machine()}"
    on = {"device": name, "threads": None, "code": training_code()}
    rates.add(Path(context.work) / RATES, [rate | on])


def _measured(
    spec: StageSpec, machine: Machine, context: Context, products: float, copies: float
) -> dict:
    on_gpu = machine.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    steps = {}
    for name, budget in ((KEPT, None), (HOST, Budget(0))):
        packed = random_images(spec.sizes, context, budget)
        learner = set_up(made_up_task(spec, packed), machine)
        batches = endless_batches(learner)
        steps[name] = partial(_step, learner, batches)
    steps[FIXED] = partial(_step, learner, repeat(next(batches)))
    images = spec.batch_size * spec.images_per_triplet
    paces = turns(dict.fromkeys(steps, images), steps, context, machine)
    operations, moved = must_do(steps[FIXED], list(learner.network.parameters()))
    least = {"operations": operations / products, "bytes": moved / copies}
    bound = max(least, key=least.get)
    return {
        "images a step": images,
        **paces,
        "of the fixed batch": paces[KEPT] / paces[FIXED],
        **_profiled(steps[KEPT], images / paces[KEPT], machine),
        "operations, T": operations / 1e12,
        "bytes, GB": moved / 1e9,
        "bound by": bound,
        "at the bound": images / least[bound],
        "of the bound": paces[KEPT] * least[bound] / images,
        "model, bytes": tensor_bytes(
            [
                learner.network.state_dict(),
                learner.adam.state_dict()["state"],
                learner.objective.state_dict(),
            ]
        ),
        **({"peak memory, GiB": torch.cuda.max_memory_reserved() / 2**30} if on_gpu else {}),
    }


def _step(learner: Learner, batches: Iterator[Batch]) -> None:
    train_batch(learner, next(batches))


def random_images(
    sizes: dict[str, int], context: Context, budget: Budget | None = None
) -> dict[str, DeviceImages]:
    """Return images of random pixels in memory maps on disk, written once.

    budget: what of them the device may keep; None for what a training lets it.
    """
    count = FEW_IMAGES if context.small else IMAGES
    budget = budget or Budget()
    found = {}
    for name, side in sizes.items():
        path = Path(context.work) / f"random-{count}-{side}.npy"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            whole = path.with_suffix(".tmp.npy")
            rng = np.random.default_rng(side)
            array = np.lib.format.open_memmap(whole, "w+", np.uint8, (count, side, side, 3))
            for row in array:
                row[:] = rng.integers(0, 256, row.shape, np.uint8)
            array.flush()
            whole.rename(path)
        found[name] = DeviceImages(np.load(path, mmap_mode="r"), budget)
    return found


def turns(
    images: dict[str, int], steps: dict[str, Callable], context: Context, machine: Machine
) -> dict[str, float]:
    """Return the median images/s of each way; a round takes each once."""
    rounds, seconds = (1, 0.0) if context.small else (ROUNDS, SECONDS)
    found: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        per_second(step, 1, seconds, machine)  # what is done once
    for _ in range(rounds):
        for name, step in steps.items():
            found[name].append(per_second(step, images[name], seconds, machine))
    return {name: statistics.median(rates) for name, rates in found.items()}


def per_second(step: Callable, images: int, seconds: float, machine: Machine) -> float:
    """Return the images a second of a step, repeated for so long, at least once."""
    gpu_stages.wait(machine)
    begun, made = time.perf_counter(), 0
    while not made or time.perf_counter() - begun < seconds:
        step()
        made += 1
        if made % QUEUED == 0:  # the queue is kept full, as in training, but short
            gpu_stages.wait(machine)
    gpu_stages.wait(machine)
    return made * images / (time.perf_counter() - begun)


def _profiled(step: Callable, seconds: float, machine: Machine) -> dict:
    """Return the launches of a step, and the share of its `seconds` in which the GPU works.

    The profiler slows the host, not the kernels: their time is compared with that of steps without
    it. On a CPU, torch's operations are counted, those within others as well.
    """
    on_gpu = machine.device.type == "cuda"
    activity = ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU
    with profile(activities=[activity]) as found:
        step()
        gpu_stages.wait(machine)
    if not on_gpu:
        count = sum(event.name.startswith("aten::") for event in found.events())
        return {"aten operations a step": count}
    work = [event for event in found.events() if event.device_type == DeviceType.CUDA]
    spans = sorted((event.time_range.start, event.time_range.end) for event in work)
    busy = union(spans) / 1e6
    launches = sum(not event.name.startswith(("Memcpy", "Memset")) for event in work)
    return {
        "launches a step": launches,
        "GPU works, ms a step": 1e3 * busy,
        "GPU works, of the time": busy / seconds,
    }


def union(spans: list[tuple[float, float]]) -> float:
    """Return the length of the union of intervals, which are sorted by their starts."""
    total, end = 0.0, float("-inf")
    for start_, stop in spans:
        total += max(0.0, stop - max(start_, end))
        end = max(end, stop)
    return total


def public(context: Context) -> Iterator[dict]:
    """Measure training and embedding beside the public way: images/s, and of the public way."""
    size, count, rounds, seconds = (32, 8, 1, 0.0) if context.small else (224, 256, 3, 2.0)
    machine = gpu_stages.machine(context.device)
    try:
        from training import draw, measure_embedding, measure_training

        drawn = draw(Path(context.work) / f"drawn-{time.time():.0f}", count, size)
    except ModuleNotFoundError as error:
        raise Skipped(f"{error.name} is not installed") from None
    repository = Path(context.public_repo) if context.public_repo else None
    for network in ("ASENv2",) if context.small else ("ASENv2", "ASEN++", "ASEN"):
        for what, measure in (("training", measure_training), ("embedding", measure_embedding)):
            # A clone is of some of the networks alone, and says so in one line.
            try:
                rows = measure(network, drawn, rounds, seconds, machine, repository)
            except Exception as error:
                note = (str(error).strip() or type(error).__name__).splitlines()[0]
                yield {"network": network, "what": what, "note": f"not measured: {note}"}
                continue
            for way, rate, ratio in rows:
                yield {
                    "network": network,
                    "what": what,
                    "way": way,
                    "images/s": rate,
                    "of the public way": ratio,
                }


def metrics(context: Context) -> Iterator[dict]:
    """Measure the scores of a test split on the device, its uploads counted, and on the CPU."""
    from metrics import SPLITS, split

    from modc.evaluation.scores import score

    threads = torch.get_num_threads()
    ways = {context.device: {"device": context.device}, "CPU threads": {"threads": threads}}
    for name in ("tiny",) if context.small else ("FashionAI", "DARN"):
        arrays = split(*SPLITS[name], 64 if context.small else 1024)
        score(**arrays, device=context.device)  # what is done once
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(METRIC_ROUNDS):
            for way, how in ways.items():
                begun = time.perf_counter()
                score(**arrays, **how)
                seconds[way].append(time.perf_counter() - begun)
        for way, taken in seconds.items():
            what = f"{threads} {way}" if way == "CPU threads" else way
            yield {"split": name, "way": what, "seconds": statistics.median(taken)}


def plan(context: Context) -> Iterator[dict]:
    """Let `modc plan` say what the paper's grid takes at the rates that were measured before."""
    work = Path(context.work)
    config = configuration.load([ROOT / "config.yaml"])
    if context.small:
        config = gpu_stages.config(small=True)
        cells = {"networks": ["ASENv2"], "datasets": ["FashionAI"]}
        config["grid"] |= cells | {"labeled_percent": {"FashionAI": [100]}}
    if not (work / RATES).exists():
        raise Skipped("no stage was measured before it")
    configuration.write(work / "plan.yaml", config)
    command = [sys.executable, "-m", "modc.cli", "plan", "--gpus", "4"]
    command += ["--config", work / "plan.yaml", "--rates", work / RATES]
    answer = subprocess.run(
        list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False
    )
    if answer.returncode:
        why = (answer.stderr.strip().splitlines() or [f"exit status {answer.returncode}"])[-1]
        raise Skipped(why) if "is not installed" in why else RuntimeError(why)
    yield {"text": answer.stdout.rstrip()}

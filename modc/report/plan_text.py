"""A plan as text; each number is marked as measured, stored, stated, assumed or computed."""

from collections.abc import Callable

from tabulate import tabulate

from modc import rates
from modc.grid import methods, stage_spec
from modc.provenance import training_code
from modc.rates import EVALUATION, evaluation_sizes
from modc.readable import counted, duration
from modc.readable import size as in_bytes
from modc.report.plan import Line, Pace, Plan, hours, images

MAXIMUM = "Every stage is counted with its maximum number of epochs"
CONVERGENCE = (
    "; MODC's stages end earlier, and cost less, if they converge (methods.modc.convergence)"
)


# The last column of a table that says where its numbers come from.
SOURCE = "source"
NO_PROBE = "without --probe"
BUSY = (
    "Rates measured on a busy machine are too low, and the hours too high: measure again with "
    "--probe when nothing else is running."
)


def plan_text(plan: Plan, device: str, gpus: int, measured: set[str], rates_from: str) -> str:
    """Return the plan of a run.

    device: what the rates were measured on; gpus: how many of it the run will have; measured: times
    of the rates measured in this call; rates_from: the file with the others.
    """
    counts = [
        counted(len({line.cost.cell for line in plan.lines}), "cell"),
        counted(len(plan.lines), "stage"),
    ]
    own = [plan.config["methods"][name] for name in methods(plan.config)]
    converges = CONVERGENCE if any("convergence" in settings for settings in own) else ""
    parts = [
        f"{plan.config['run']}: {', '.join(counts)}. {MAXIMUM}{converges}.",
        _images(plan),
        _rates(plan, device, measured, rates_from),
    ]
    if plan.is_whole:
        parts += [_hours(plan, device), _makespan(plan, device, gpus)]
    else:
        parts.append(
            "Hours: not all rates are known; measure them with --probe on the machine that will "
            "train, or pass a file from there with --rates."
        )
    return "\n\n".join([*parts, _disk(plan, gpus), _memory(plan, device)])


def _images(plan: Plan) -> str:
    def millions(lines: list[Line], kind: str | None) -> float:
        return images(lines, kind) / 1e6

    sources = "; ".join(f"{name}: from {size.source}" for name, size in plan.sizes.items())
    return f"Millions of images (computed; {sources})\n{_table(plan, millions)}"


def _hours(plan: Plan, device: str) -> str:
    return f"Hours on one {device} (computed: images / images per second)\n{_table(plan, hours)}"


def _table(plan: Plan, number: Callable[[list[Line], str | None], float]) -> str:
    kinds = tuple(dict.fromkeys(line.cost.kind for line in plan.lines))
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in plan.lines:
        cell = line.cost.cell
        groups.setdefault((cell.dataset, cell.network), []).append(line)
    rows = []
    for names, lines in [*groups.items(), (("all", ""), list(plan.lines))]:
        numbers = [number(lines, kind) for kind in (*kinds, None)]
        rows.append([*names, *map(_number, [*numbers, sum(numbers)])])
    return _aligned(rows, ["dataset", "network", *kinds, EVALUATION, "all"], texts=2)


def _rates(plan: Plan, device: str, measured: set[str], rates_from: str) -> str:
    rows: dict[tuple, list[str]] = {}
    for line in plan.lines:
        cell = line.cost.cell
        for stage, pace in ((line.cost.stage, line.training), (EVALUATION, line.embedding)):
            if stage != EVALUATION and not line.cost.trained:
                continue
            # Embedding after ASEN++'s first part is assumed to cost as much as after its second.
            if stage == EVALUATION:
                sizes = evaluation_sizes(plan.config, cell)
            else:
                sizes = stage_spec(plan.config, cell, line.cost.method, stage).sizes
            shown = " and ".join(map(str, sizes.values()))
            key = (cell.network, stage == EVALUATION, shown, stage)
            rows.setdefault(key, [cell.network, stage, shown, *_rate(pace, measured)])
    title = f"Images per second on {device} (stored: in {rates_from})"
    if all(line.training is None and line.embedding is None for line in plan.lines):
        return f"{title}: none yet"
    table = tabulate(
        [rows[key] for key in sorted(rows, key=lambda key: key[:2])],
        ["network", "stage", "pixels", "images/s", "GPU memory", SOURCE],
        disable_numparse=True,
        colalign=("left", "left", "left", "right", "right", "left"),
    )
    paces = [pace for line in plan.lines for pace in (line.training, line.embedding)]
    is_busy = any(pace and rates.is_busy(pace.rate) for pace in paces)
    return f"{title}\n{table}" + (f"\n{BUSY}" if is_busy else "")


def _rate(pace: Pace | None, measured: set[str]) -> list[str]:
    if pace is None:
        return ["?", "", "not measured"]
    rate = pace.rate
    shown = _number(rate["images_per_second"])
    if not pace.is_own:
        return [shown, "", f"computed: same as {rate['subject']['stage']}{_how(rate)}"]
    where = f"stored on {rate['measured'][:10]}"
    if rate["code"] != training_code():
        where += " with other code"
    elif rate["measured"] in measured:
        where = "measured now"
    return [shown, in_bytes(rate["gpu_bytes"]) if rate["gpu_bytes"] else "", where + _how(rate)]


def _how(rate: dict) -> str:
    """Return the special circumstances of a measurement, "" if there were none."""
    batch = rate.get("probe_batch", rate["subject"]["batch"])
    said = f", with batches of {batch}" if batch != rate["subject"]["batch"] else ""
    return said + (", the machine was busy" if rates.is_busy(rate) else "")


def _makespan(plan: Plan, device: str, gpus: int) -> str:
    seconds, least = plan.makespan(gpus)
    total = sum(line.seconds for line in plan.lines)
    return (
        f"On {gpus} x {device}: {duration(seconds)} from start to end (computed; the stages of a "
        f"cell run in sequence, the longest chain first; at least {duration(least)} in any "
        f"order; {duration(total)} on one). Downloads, packing and scoring come on top, and "
        f"parallel jobs may slow each other down."
    )


def _disk(plan: Plan, gpus: int) -> str:
    rows = []
    for name, size in plan.sizes.items():
        if size.downloaded:
            rows.append([f"{name}: images", in_bytes(size.downloaded), size.downloaded_source])
        rows += [
            [f"{name}: packed at {side} pixels", in_bytes(taken), "computed"]
            for side, taken in plan.packed_bytes(name).items()
        ]
    unknown = f"unknown {NO_PROBE}"
    for what, taken, how in (
        ("models, best and last of each stage", plan.model_bytes(), "computed from one of each"),
        ("embeddings of the test splits", plan.embedding_bytes(), "computed"),
        (
            "checkpoint of the training"
            if gpus == 1
            else f"checkpoints of {gpus} parallel trainings",
            None if plan.checkpoint_bytes() is None else gpus * plan.checkpoint_bytes(),
            "at most, computed from the largest model",
        ),
    ):
        rows.append([what, "?" if taken is None else in_bytes(taken), how if taken else unknown])
    return "Disk\n" + _aligned(rows, ["what", "bytes", SOURCE], texts=1)


def _memory(plan: Plan, device: str) -> str:
    host, gpu = plan.peak("host_bytes"), plan.peak("gpu_bytes")
    said = []
    if gpu:
        said.append(f"of the GPU: {in_bytes(gpu)} (measured by the probe), plus images kept there")
    elif not device.startswith("CPU"):
        said.append(f"of the GPU: unknown {NO_PROBE}")
    if host:
        said.append(f"of the host: {in_bytes(host)} per job (measured: peak of the probe)")
    else:
        why = "since the probe used smaller batches" if plan.is_whole else NO_PROBE
        said.append(f"of the host: unknown {why}")
    packed = sum(sum(plan.packed_bytes(name).values()) for name in plan.sizes)
    said.append(
        f"the packed images, {in_bytes(packed)} (computed), are memory-mapped: the part that fits "
        f"into free memory is read only once"
    )
    return f"Memory {'; '.join(said)}."


def _aligned(rows: list[list[str]], headers: list[str], texts: int) -> str:
    """Return a table whose first `texts` columns are text."""
    aligned = ["left"] * texts + ["right"] * (len(headers) - texts)
    if headers[-1] == SOURCE:
        aligned[-1] = "left"
    return tabulate(rows, headers, disable_numparse=True, colalign=aligned)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

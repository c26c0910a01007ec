"""Is a GPU right: `gpu.py`'s gates against golden files, the CPU, and itself."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from unittest.mock import patch

import gpu_stages
import numpy as np
import torch
from gpu_step import ROOT, Context, Skipped, gate
from torch import Tensor

from modc.clustering.pseudo_labels import pseudo_labels
from modc.networks.network import CloserLook, Embedded, Network
from modc.networks.region import crop_detail, region_of_interest
from modc.stage import StageSpec
from modc.training.determinism import be_deterministic
from modc.training.probe import endless_batches, made_up_task
from modc.training.train import Machine, set_up, train_batch

CPU = torch.device("cpu")
# As the tests have them: the largest difference as a share of the largest entry, and gray levels.
GOLDEN, GREY_LEVELS = 1e-4, 1e-3
# Of a first step's loss terms in float32, between two devices; and of scores' means.
LOSS, MEAN, EXACT = 2e-4, 1e-5, 1e-12
STEPS = 3
# Batches after which a stage waits for the device no more than it always will, and those counted.
SETTLED, COUNTED = 4, 4
# What torch says where the host waits, apart from that this mode is a prototype.
SYNC = "called a synchronizing"
# Stages whose iterations wait once: which triplets are mined decides what follows.
MINING = ("pseudo_triplets", "pseudo_clusters")
PUBLIC_NAMES = {"ASEN": "ASENet", "ASENv2": "ASENet_V2", "ASEN++": "ASENpp"}
TESTS = (
    "tests/networks",
    "tests/training",
    "tests/evaluation",
    "tests/data/test_device_images.py",
)
FEW_TESTS = ("tests/data/test_device_images.py",)
# Processes of pytest, where its xdist is installed.
TESTS_AT_ONCE = 4
# Seconds in which pytest says what it has found so far.
PYTEST_ENDS = 20


def golden(context: Context) -> Iterator[dict]:
    """Compare embeddings and attention with what the public networks compute, all by one recipe."""
    from PIL import Image

    from modc.evaluation.embed_images import embed
    from modc.networks.public_checkpoints import restore

    be_deterministic()
    folder = ROOT / "tests" / "golden"
    sys.path.insert(0, str(folder))
    import recipe

    expected = np.load(folder / "networks_FashionAI.npz")
    keys = json.loads((folder / "networks_FashionAI_keys.json").read_text())
    paths = []
    drawn = [*recipe.images("public", 3, 300, 260), *recipe.images("public/wide", 1, 240, 320)]
    for number, pixels in enumerate(drawn):
        paths.append(Path(context.work) / f"golden-{number}.png")
        Image.fromarray(pixels).save(paths[-1])
    device = gpu_stages.machine(context.device).device
    for network in list(PUBLIC_NAMES)[-1:] if context.small else PUBLIC_NAMES:
        public = PUBLIC_NAMES[network]
        state = {
            key: torch.from_numpy(np.array(recipe.draw("public", key, shape)))
            for key, shape in keys[public]
        }
        made = restore({"state_dict": state}, folder, network, 8)
        chosen = paths if network == "ASEN++" else paths[:3]
        found = embed(_sent(made, device), chosen, 224, batch=3)
        for name in ("embedding", "attention"):
            wanted = expected[f"{public}_{name}"]
            apart = np.abs(found[name] - wanted).max() / np.abs(wanted).max()
            yield gate(f"{network}: {name}", float(apart), GOLDEN)
    yield from _crops(torch.from_numpy(found["attention"]).flatten(0, 1), device)


def _crops(attention: Tensor, device: torch.device) -> Iterator[dict]:
    """Compare ASEN++'s regions (N, h, w), and the crops of the same ones, with the CPU's."""
    regions = region_of_interest(attention, 224)
    there = region_of_interest(attention.to(device), 224).cpu()
    yield gate("ASEN++: pixels by which a region moves", int((regions - there).abs().max()), 1)
    rng = np.random.default_rng(0)
    details = rng.integers(0, 256, (len(regions), 3, 448, 448)).astype(np.uint8)
    details = torch.from_numpy(details)
    crops = crop_detail(details, regions, 224)
    found = crop_detail(details.to(device), regions.to(device), 224).cpu()
    yield gate("ASEN++: crops, gray levels", float((crops - found).abs().max()), GREY_LEVELS)


def _sent(network: Network, device: torch.device) -> Network:
    """Return the network on the device, called with tensors of the CPU and answering with such."""
    network = network.to(device, memory_format=torch.channels_last)
    features, embed_on = network.features, network.embed

    def embedded(of_images: Tensor, attribute: Tensor, look: CloserLook) -> Embedded:
        def there(attention: Tensor) -> Tensor:
            return look(attention.cpu()).to(device)

        found = embed_on(of_images.to(device), attribute.to(device), there)
        attention = found.attention.cpu()
        return Embedded(found.vector.cpu(), found.embedding.cpu(), attention=attention)

    network.features = lambda images: features(images.to(device)).cpu()
    network.embed = embedded
    return network


def stages(context: Context) -> Iterator[dict]:
    """Compare every small stage's losses with the CPU's; float32, and bfloat16 beside it."""
    be_deterministic()
    config = gpu_stages.config(small=True)
    chosen = gpu_stages.pairs()
    if context.small:
        chosen = [pair for pair in chosen if pair[1] in ("warm_up", "pseudo_clusters")]
    for network, stage in chosen:
        yield from _compared(config, network, stage, context, 1 if context.small else STEPS)


def full_size(context: Context) -> Iterator[dict]:
    """Compare a step of the paper's size, of a few stages."""
    if context.small:
        raise Skipped("a step of the paper's size is for a GPU")
    be_deterministic()
    config = gpu_stages.config(small=False)
    for network, stage in (
        ("ASENv2", "warm_up"),
        ("ASEN++", "warm_up"),
        ("ASENv2", "pseudo_clusters"),
    ):
        yield from _compared(config, network, stage, context, steps=1)


def _compared(
    config: dict, network: str, stage: str, context: Context, steps: int
) -> Iterator[dict]:
    spec = gpu_stages.spec(config, network, stage)
    there = gpu_stages.machine(context.device, "float32")
    here, decided = losses(spec, Machine(CPU, torch.float32), steps)
    found, own = losses(spec, there, steps, pinned=decided)
    notes = [f"after {steps} steps {_apart(here[-1], found[-1]):.1e}"] if steps > 1 else []
    for name, wanted in decided.items():
        moved = (wanted - own[name]).abs().reshape(len(wanted), -1).amax(dim=1)
        by = f" by {int(moved.max())} pixels at most" if name == "regions" else ""
        notes.append(f"own {name} differ in {int((moved > 0).sum())} of {len(moved)}{by}")
    name = f"{network} {stage}"
    apart = _apart(here[0], found[0])
    yield gate(f"{name}: first step's loss, float32", apart, LOSS, note="; ".join(notes))
    rounded, _ = losses(spec, Machine(there.device, torch.bfloat16), 1)
    yield {"what": f"{name}: the same in bfloat16", "value": _apart(found[0], rounded[0])}


def losses(
    spec: StageSpec, machine: Machine, steps: int, pinned: dict | None = None
) -> tuple[list[dict], dict[str, Tensor]]:
    """Return the terms of the losses of the first steps, and what was decided on the way.

    pinned: decisions to take instead of the stage's own.
    """
    torch.manual_seed(0)
    with _decisions(pinned) as made:
        learner = set_up(made_up_task(spec), machine)
        batches = islice(endless_batches(learner), steps)
        terms = [train_batch(learner, batch)[0] for batch in batches]
    decided = {name: torch.cat(parts) for name, parts in made.items()}
    return [{name: float(term) for name, term in one.items()} for one in terms], decided


@contextmanager
def _decisions(pinned: dict[str, Tensor] | None) -> Iterator[dict[str, list[Tensor]]]:
    """Yield what gets ASEN++'s regions and the pseudo labels; pinned: take those, in their order.

    Where rounding differs, a region may move by a pixel, and the nearest of two centers may be the
    other one: rare, right on either device, and far above the difference of what is computed.
    """
    made: dict[str, list[Tensor]] = {}

    def decided(name: str, function):
        taken = 0

        def called(*arguments):
            nonlocal taken
            own = function(*arguments)
            made.setdefault(name, []).append(own.cpu())
            if pinned is None:
                return own
            taken += len(own)
            return pinned[name][taken - len(own) : taken].to(own.device)

        return called

    region = decided("regions", region_of_interest)
    with (
        patch("modc.networks.region.region_of_interest", region),
        patch("modc.methods.modc_objective.pseudo_labels", decided("labels", pseudo_labels)),
    ):
        yield made


def _apart(one: dict, other: dict) -> float:
    """Return the largest difference of two steps' loss terms; NaN where one has a NaN."""
    if one.keys() != other.keys():
        return float("nan")
    return float(np.max(np.abs([one[name] - other[name] for name in one])))


def waits(context: Context) -> Iterator[dict]:
    """Count how often a step waits for the GPU, by its own warnings, in every stage."""
    if context.device != "cuda":
        raise Skipped("nothing waits for a CPU")
    be_deterministic()
    config, machine = gpu_stages.config(small=True), gpu_stages.machine(context.device)
    for network, name in gpu_stages.pairs():
        learner = set_up(made_up_task(gpu_stages.spec(config, network, name)), machine)
        batches = endless_batches(learner)
        for batch in islice(batches, SETTLED):
            train_batch(learner, batch)
        torch.cuda.synchronize()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                for batch in islice(batches, COUNTED):
                    train_batch(learner, batch)
            finally:
                torch.cuda.set_sync_debug_mode("default")
        where = [warning for warning in caught if SYNC in str(warning.message)]
        places = sorted({f"{Path(one.filename).name}:{one.lineno}" for one in where})
        limit = int(name in MINING)
        yield gate(
            f"{network} {name}: waits a step", len(where) / COUNTED, limit, note=", ".join(places)
        )


def metrics(context: Context) -> Iterator[dict]:
    """Compare the scores of made-up splits with the CPU's."""
    from metrics import SPLITS, split

    from modc.evaluation.scores import score

    be_deterministic()
    queries, values = SPLITS["tiny" if context.small else "FashionAI"]
    arrays = split(queries, values, 64 if context.small else 1024)
    rng = np.random.default_rng(0)
    for name, has_ties in (("random", False), ("cosines that are exact, with ties", True)):
        if has_ties:
            # Unit vectors of entries +-1/8: whatever the order of sums, products are exact.
            for role in ("query", "candidate"):
                shape = (len(arrays[f"{role}_value"]), 64)
                arrays[f"{role}_embedding"] = rng.choice(np.float32([-1, 1]), shape)
        dim = arrays["query_embedding"].shape[1]
        centers = rng.choice(np.float32([-1, 1]), (len(values), max(values), dim))
        here = score(**arrays, centers=centers)
        there = score(**arrays, centers=centers, device=context.device)
        apart = float((here - there).mean().abs().max())
        yield gate(f"{name}: means", apart, MEAN, note=f"{len(here)} queries, all columns")
        differ = int(((here - there).abs() > EXACT).any(axis=1).sum())
        row = gate(f"{name}: queries whose scores differ", differ, 0)
        yield row if has_ties else {"what": row["what"], "value": differ}


def tests(context: Context) -> Iterator[dict]:
    """Run the tests of what computes, with every training in this process's place on the device."""
    report = Path(context.work) / "tests.xml"
    report.unlink(missing_ok=True)
    chosen = FEW_TESTS if context.small else TESTS
    command = [sys.executable, "-m", "pytest", "-q", "-p", "gpu_tests", "-p", "no:cacheprovider"]
    command += [*chosen, f"--junitxml={report}", "-m", "not slow"]
    if importlib.util.find_spec("pytest") is None:
        raise Skipped("pytest is not installed")
    if importlib.util.find_spec("xdist") and not context.small:
        command += ["-n", str(TESTS_AT_ONCE), "--dist", "loadfile"]
    begun = time.monotonic()
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "MODC_TEST_DEVICE": context.device}
    )
    note = ""
    try:
        process.wait(max(1, context.left - PYTEST_ENDS))
    except subprocess.TimeoutExpired:
        note = "time was over: these alone"
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PYTEST_ENDS - 5)
    if note and not report.exists():
        yield {"what": "stopped", "note": "time is over"}
        return
    if not report.exists():
        raise RuntimeError(f"pytest ended with {process.returncode} and without a report")
    suite = ElementTree.parse(report).getroot().find("testsuite")
    counts = {name: int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")}
    passed = counts["tests"] - counts["failures"] - counts["errors"] - counts["skipped"]
    yield {"what": "passed", "value": passed, "note": note}
    yield {"what": "skipped", "value": counts["skipped"]}
    broken = [
        f"{case.get('classname')}.{case.get('name')}"
        for case in suite.iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    ]
    yield gate("failed", counts["failures"] + counts["errors"], 0, note=", ".join(broken))
    yield {"what": "seconds", "value": round(time.monotonic() - begun, 1)}

"""What a training step must do, what this machine could do at best, and where the time goes.

Operations: of the products and convolutions of a warm-up step's forward and backward pass, counted
by torch. Bytes: each activation that the backward pass needs is written once and read once, each
parameter, gradient and moment of Adam's read and written once; what is recomputed or copied between
kernels is not counted, so it is a lower bound. Ceilings: the fastest product of two large matrices,
in the training's precision, and the fastest copy of a large array. A step takes at least the longer
of operations / (products' ceiling) and bytes / (copies' ceiling).
"""

import platform
import time
from collections import Counter
from collections.abc import Callable

import click
import torch
from gpu_record import table
from gpu_stages import config, spec
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from modc.training.determinism import be_deterministic
from modc.training.device import lease, torch_device, training_dtype
from modc.training.freed_memory import keep_freed_memory
from modc.training.probe import endless_batches, made_up_task
from modc.training.train import Machine, set_up, train_batch

ROUNDS = 5
# What a kernel's time is counted under, by a part of its name.
KINDS = {
    "convolution_backward": "convolutions, backward",
    "convolution": "convolutions, forward",
    "batch_norm": "batch normalization",
    "threshold": "ReLU",
    "clamp_min": "ReLU",
    "addmm": "linear layers",
    "bmm": "linear layers",
    "aten::mm": "linear layers",
    "max_pool": "pooling",
    "adam": "Adam",
    "_foreach": "Adam",
    "cat": "copies",
    "copy_": "copies",
    "add": "additions",
}


def fastest(work: Callable[[], object], machine: Machine) -> float:
    """Return the seconds of the fastest of ROUNDS calls, after one that is not counted."""
    wait = torch.cuda.synchronize if machine.device.type == "cuda" else lambda: None
    work()
    found = []
    for _ in range(ROUNDS):
        wait()
        begun = time.perf_counter()
        work()
        wait()
        found.append(time.perf_counter() - begun)
    return min(found)


def operations_a_second(machine: Machine, side: int | None = None) -> float:
    """Return the operations a second of a product of two large matrices."""
    side = side or (8192 if machine.device.type == "cuda" else 2048)
    a, b = (torch.randn(side, side, device=machine.device).to(machine.precision) for _ in range(2))
    return 2 * side**3 / fastest(lambda: a @ b, machine)


def bytes_a_second(machine: Machine, numbers: int = 2**28) -> float:
    """Return the bytes a second, read and written, of a copy of so many float32: 1 GiB."""
    source = torch.ones(numbers, device=machine.device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / fastest(lambda: target.copy_(source), machine)


def must_do(step: Callable[[], object], parameters: list) -> tuple[int, int]:
    """Return the operations and the bytes of a step."""
    saved = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    counter = FlopCounterMode(display=False)
    with counter, torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        step()
    # Written and read: activations; parameter, gradient and two moments.
    moved = 2 * sum(saved.values()) + 2 * 4 * sum(p.nbytes for p in parameters)
    return counter.get_total_flops(), moved


def where_time_goes(step: Callable[[], object], machine: Machine) -> list[list]:
    """Return the kinds of work and their shares of a step's time."""
    on_gpu = machine.device.type == "cuda"
    activity = ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU
    with profile(activities={ProfilerActivity.CPU, activity}) as found:
        step()
    seconds = Counter()
    for event in found.key_averages():
        if event.device_type != DeviceType.CPU:  # a GPU's time stands beside the call as well
            continue
        spent = event.self_device_time_total if on_gpu else event.self_cpu_time_total
        kind = next((kind for part, kind in KINDS.items() if part in event.key.lower()), "rest")
        seconds[kind] += spent
    whole = sum(seconds.values())
    return [[kind, f"{spent / whole:.1%}"] for kind, spent in seconds.most_common()]


@click.command(help="Count a training step's work and measure this machine's ceilings.")
@click.option("--network", default="ASENv2", show_default=True)
@click.option("--stage", default="warm_up", show_default=True)
@click.option("--threads", default=2, show_default=True)
def main(network: str, stage: str, threads: int) -> None:
    """Measure and print."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    be_deterministic()
    with lease() as leased:
        device = torch_device(leased)
        machine = Machine(device, training_dtype("auto", device))
        chosen = spec(config(small=False), network, stage)
        learner = set_up(made_up_task(chosen), machine)
        batch = next(endless_batches(learner))
        images = chosen.batch_size * chosen.images_per_triplet

        def step() -> object:
            return train_batch(learner, batch)

        step()
        operations, moved = must_do(step, list(learner.network.parameters()))
        by_products, by_copies = operations_a_second(machine), bytes_a_second(machine)
        seconds = fastest(step, machine)
        bound = max(operations / by_products, moved / by_copies)
        kind = torch.cuda.get_device_name() if device.type == "cuda" else platform.machine()
        click.echo(
            f"{network} {stage}, {chosen.sizes['image']} pixels, {images} images a step, "
            f"{machine.precision}, {kind}, {threads} threads, torch {torch.__version__}\n"
        )
        rows = {
            "operations of a step": f"{operations / 1e12:.3f} T",
            "bytes of a step": f"{moved / 1e9:.2f} GB",
            "ceiling of products": f"{by_products / 1e12:.3f} T/s",
            "ceiling of copies": f"{by_copies / 1e9:.1f} GB/s",
            "operations at their ceiling": f"{operations / by_products:.3f} s",
            "bytes at their ceiling": f"{moved / by_copies:.3f} s",
            "a step, fastest of five": f"{seconds:.3f} s",
            "share of the bound": f"{bound / seconds:.0%}",
        }
        click.echo(table([{"what": what, "": value} for what, value in rows.items()]) + "\n")
        rows = where_time_goes(step, machine)
        click.echo(table([{"work": kind, "share of the time": share} for kind, share in rows]))


if __name__ == "__main__":
    main()

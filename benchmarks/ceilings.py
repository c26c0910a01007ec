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
import numpy as np
import torch
from tabulate import tabulate
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode
from training import our_stage

from modc.data.device_images import DeviceImages
from modc.training.determinism import be_deterministic
from modc.training.device import lease, torch_device, training_dtype
from modc.training.freed_memory import keep_freed_memory
from modc.training.train import Machine, train_batch

ROUNDS = 5
# What a kernel's time is counted under, by a part of its name.
KINDS = {
    "convolution_backward": "convolutions, backward",
    "convolution": "convolutions, forward",
    "batch_norm": "batch normalisation",
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


def operations_a_second(machine: Machine) -> float:
    """Return the operations a second of a product of two large matrices."""
    side = 8192 if machine.device.type == "cuda" else 2048
    a, b = (torch.randn(side, side, device=machine.device).to(machine.precision) for _ in range(2))
    return 2 * side**3 / fastest(lambda: a @ b, machine)


def bytes_a_second(machine: Machine) -> float:
    """Return the bytes a second, read and written, of a copy of 1 GiB."""
    source = torch.ones(2**28, device=machine.device)
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
@click.option("--network", type=click.Choice(["ASEN", "ASENv2"]), default="ASENv2")
@click.option("--size", default=224, show_default=True, help="Side of the view in pixels.")
@click.option("--threads", default=2, show_default=True)
def main(network: str, size: int, threads: int) -> None:
    """Measure and print."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    be_deterministic()
    with lease() as leased:
        device = torch_device(leased)
        machine = Machine(device, training_dtype("auto", device))
        rng = np.random.default_rng(0)
        images = DeviceImages(rng.integers(0, 256, (48, size, size, 3), np.uint8))
        stage, adam = our_stage(network, {"image": images}, size, 16, machine)
        batch = next(stage.batches(0))

        def step() -> object:
            return train_batch(stage, adam, batch, machine)

        step()
        operations, moved = must_do(step, list(stage.network.parameters()))
        by_products, by_copies = operations_a_second(machine), bytes_a_second(machine)
        seconds = fastest(step, machine)
        bound = max(operations / by_products, moved / by_copies)
        kind = torch.cuda.get_device_name() if device.type == "cuda" else platform.machine()
        click.echo(
            f"{network}, {size} pixels, 48 images a step, {machine.precision}, {kind}, {threads} "
            f"threads, torch {torch.__version__}\n"
        )
        rows = [
            ["operations of a step", f"{operations / 1e12:.3f} T"],
            ["bytes of a step", f"{moved / 1e9:.2f} GB"],
            ["ceiling of products", f"{by_products / 1e12:.3f} T/s"],
            ["ceiling of copies", f"{by_copies / 1e9:.1f} GB/s"],
            ["operations at their ceiling", f"{operations / by_products:.3f} s"],
            ["bytes at their ceiling", f"{moved / by_copies:.3f} s"],
            ["a step, fastest of five", f"{seconds:.3f} s"],
            ["share of the bound", f"{bound / seconds:.0%}"],
        ]
        click.echo(tabulate(rows, ["", ""], tablefmt="github") + "\n")
        rows = where_time_goes(step, machine)
        click.echo(tabulate(rows, ["work", "share of the time"], tablefmt="github"))


if __name__ == "__main__":
    main()

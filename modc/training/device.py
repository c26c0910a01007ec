"""Which device a job trains on: a place on one leased GPU, or the CPU where there is none.

Snakemake bounds how many jobs hold a GPU, but not which. A lease is a lock on a file: the kernel
frees it when the process dies, however it dies. This module must not import torch before the lease
is taken, since CUDA reads CUDA_VISIBLE_DEVICES once.
"""

import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modc.errors import UserError
from modc.lock import take
from modc.training.gpus import NUMBER, VARIABLE, asked_for, show_only, visible_gpus

log = logging.getLogger(__name__)

WAIT_SECONDS = 0.5
CPU_INSTEAD = f"set {VARIABLE}= (empty) to train on the CPU"


@contextmanager
def lease(jobs_per_gpu: int = 1) -> Iterator[str | None]:
    """Hold a place on one visible GPU for the time of the context; wait while all are taken.

    A card has so many places, and one with more free places is taken first. A job that wants its
    card alone (jobs_per_gpu 1) shares it with no other. Sets CUDA_VISIBLE_DEVICES to the leased GPU
    and yields its name, or None where there is no GPU. Raises UserError if a GPU was asked for and
    none is there.
    """
    names = visible_gpus()
    if not names:
        asked = asked_for()
        if asked:
            raise UserError(f"{asked} asks for a GPU, but there is none here; {CPU_INSTEAD}")
        log.warning("NO GPU IS VISIBLE: training on the CPU")
        yield None
        return
    announced = False
    while (taken := _taken(names, jobs_per_gpu)) is None:
        if not announced:
            log.info("all GPUs (%s) are leased by other jobs: waiting", ", ".join(names))
            announced = True
        time.sleep(WAIT_SECONDS)
    name, locks = taken
    show_only(name)
    try:
        yield name
    finally:
        _release(locks)


def _taken(names: list[str], jobs_per_gpu: int) -> tuple[str, list[int]] | None:
    """Take a place on the card that has most; return its name and locks, None if all are taken."""
    # Two jobs that look at once would each see the other's hand on every place.
    choosing = take(_folder() / "choosing.lock", wait=True)
    try:
        best: tuple[str, list[int]] | None = None
        for name in names:
            locks = _free(name, jobs_per_gpu)
            if best is None or len(locks) > len(best[1]):
                best, locks = (name, locks), best[1] if best else []
            _release(locks)
        name, locks = best
        # Of a shared card: its own lock, and one place.
        _release(locks[2:])
        return (name, locks[:2]) if locks else None
    finally:
        os.close(choosing)


def _free(name: str, jobs_per_gpu: int) -> list[int]:
    """Lock a card and all its free places, and return the locks; [] if it has no free place."""
    path = _folder(name) / name.replace("/", "_")
    alone = jobs_per_gpu == 1
    card = take(path.with_name(f"{path.name}.lock"), shared=not alone)
    if card is None or alone:
        return [] if card is None else [card]
    files = (path.with_name(f"{path.name}.{place}.lock") for place in range(jobs_per_gpu))
    places = [lock for file in files if (lock := take(file)) is not None]
    if not places:
        _release([card])
        return []
    return [card, *places]


def _release(locks: list[int]) -> None:
    for lock in locks:
        os.close(lock)


def _folder(name: str = "") -> Path:
    """Return where the locks of a card lie.

    A Slurm job numbers its cards from 0, so the numbers of two jobs may not collide; a UUID is one
    card's in all of them. Raises UserError where another user put a folder of that name.
    """
    own = f"gpu-{os.environ.get('SLURM_JOB_ID', 'local')}" if NUMBER.fullmatch(name) else "gpu"
    users = Path(tempfile.gettempdir()) / f"modc-{os.getuid()}"
    users.mkdir(exist_ok=True, mode=0o700)
    if users.is_symlink() or users.stat().st_uid != os.getuid():
        raise UserError(
            f"{users}: belongs to another user; set TMPDIR to a folder that only you write to"
        )
    folder = users / own
    folder.mkdir(exist_ok=True)
    return folder


def torch_device(leased: str | None):
    """Return the torch device of a lease. Raises UserError if torch cannot use the leased GPU."""
    import torch

    if leased is None:
        return torch.device("cpu")
    device = torch.device("cuda", 0)
    try:
        torch.ones(1, device=device).add(1).item()
    except Exception as error:  # a driver, a card, a build without CUDA: torch has a kind for each
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise UserError(
            f"GPU {leased} cannot be used by PyTorch {torch.__version__}: {reason}; free the card, "
            f"take a PyTorch that fits its driver (docs/running.md), or {CPU_INSTEAD}"
        ) from None
    return device


def training_dtype(precision: str, device, cpuinfo: Path = Path("/proc/cpuinfo")):
    """Return torch.bfloat16 or torch.float32 for the setting auto, float32 or bfloat16.

    auto takes bfloat16 where it pays: on a GPU with bfloat16 units, on a CPU with AMX tiles, and on
    an AMD one with AVX-512 BF16. Elsewhere it was measured to be as fast as float32 (AVX-512 of
    Intel) or slower. cpuinfo: what the kernel says of the CPU.
    """
    import torch

    if precision != "auto":
        return getattr(torch, precision)
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float32
    # torch.cpu.get_capabilities would say so too, but older versions of torch lack it.
    words = set(cpuinfo.read_bytes().split() if cpuinfo.exists() else [])
    pays = b"amx_bf16" in words or {b"avx512_bf16", b"AuthenticAMD"} <= words
    return torch.bfloat16 if pays else torch.float32

"""Which device a job trains on: one leased GPU, or the CPU where there is none.

Snakemake bounds how many jobs hold a GPU, but not which. The lease is a lock on one file a device:
the kernel frees it when the process dies, however it dies. This module must not import torch before
the lease is taken, since CUDA reads CUDA_VISIBLE_DEVICES once.
"""

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modc.errors import UserError

log = logging.getLogger(__name__)

WAIT_SECONDS = 0.5


def visible_devices(devices: Path = Path("/dev")) -> list[str]:
    """Return the GPUs this process may use, as CUDA_VISIBLE_DEVICES names them; [] without any."""
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is None:
        nodes = [path for path in devices.glob("nvidia*") if path.name[6:].isdigit()]
        return [str(number) for number in range(len(nodes))]
    names = []
    for name in listed.split(","):
        if not name.strip() or name.strip() == "-1":  # CUDA ignores what follows the first such
            break
        names.append(name.strip())
    return names


@contextmanager
def lease() -> Iterator[str | None]:
    """Hold one visible GPU for the time of the context; wait while all are held by others.

    Sets CUDA_VISIBLE_DEVICES to the leased GPU and yields its name, or None where there is no GPU.
    """
    names = visible_devices()
    if not names:
        log.warning("NO GPU IS VISIBLE: training on the CPU")
        yield None
        return
    folder = _lock_folder()
    announced = False
    while True:
        for name in names:
            lock = os.open(folder / f"{name.replace('/', '_')}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            os.environ["CUDA_VISIBLE_DEVICES"] = name
            try:
                yield name
            finally:
                os.close(lock)
            return
        if not announced:
            log.info("all GPUs (%s) are leased by other jobs: waiting", ", ".join(names))
            announced = True
        time.sleep(WAIT_SECONDS)


def _lock_folder() -> Path:
    # A Slurm job sees its own devices numbered from 0, so numbers of two jobs may not collide.
    job = os.environ.get("SLURM_JOB_ID", "local")
    folder = Path(tempfile.gettempdir()) / f"modc-{os.getuid()}" / f"gpu-{job}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def torch_device(leased: str | None):
    """Return the torch device of a lease. Raises UserError if torch cannot use the leased GPU."""
    import torch

    if leased is None:
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise UserError(
            f"GPU {leased} is visible but PyTorch {torch.__version__} cannot use it: update the "
            f"NVIDIA driver, or set CUDA_VISIBLE_DEVICES= (empty) to train on the CPU"
        )
    return torch.device("cuda", 0)


def training_dtype(precision: str, device):
    """Return torch.bfloat16 or torch.float32 for the setting auto, float32 or bfloat16.

    auto takes bfloat16 where it pays: on a GPU with bfloat16 units, on a CPU with AMX tiles, and on
    an AMD one with AVX-512 BF16. Elsewhere it was measured to be as fast as float32 (AVX-512 of
    Intel) or slower.
    """
    import torch

    if precision != "auto":
        return getattr(torch, precision)
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float32
    cpu = torch.cpu.get_capabilities()
    pays = cpu.get("amx_bf16") or (cpu.get("avx512_bf16") and "AMD" in cpu["cpu_name"])
    return torch.bfloat16 if pays else torch.float32

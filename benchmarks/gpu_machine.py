"""What `gpu.py` runs on, or one line of why it cannot: asked in a process of its own."""

import json
import platform
import shutil
import subprocess
import sys

LARGEST_TEST = 2**20


def facts(device: str) -> dict:
    """Return the card, the driver and the versions.

    Raises RuntimeError, in one line, where the device cannot compute.
    """
    import torch

    if device != "cpu" and not torch.cuda.is_available():
        raise RuntimeError(_why_not(torch))
    # Behind that, since it takes seconds.
    import torchvision

    found = {
        "device": device,
        "Python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "system": platform.platform(),
        "CPU threads": torch.get_num_threads(),
    }
    if device == "cpu":
        return {**found, "card": f"none: {platform.processor() or platform.machine()}"}
    # What a card that is in exclusive use, full or too new for this torch, refuses.
    torch.ones(LARGEST_TEST, device="cuda").sum().item()
    card = torch.cuda.get_device_properties(0)
    free, total = torch.cuda.mem_get_info(0)
    return {
        **found,
        "card": card.name,
        "driver": _driver(),
        "memory, GiB": total / 2**30,
        "free memory, GiB": free / 2**30,
        "compute capability": f"{card.major}.{card.minor}",
        "processors": card.multi_processor_count,
        "CUDA": torch.version.cuda or f"ROCm {torch.version.hip}",
        "cuDNN": str(torch.backends.cudnn.version()),
        "bfloat16": torch.cuda.is_bf16_supported(False),
    }


def _why_not(torch) -> str:
    if torch.version.cuda is None and torch.version.hip is None:
        return f"torch {torch.__version__} is built for CPUs alone; expected one for CUDA"
    try:
        torch.cuda.init()
    except Exception as error:
        return str(error).strip().splitlines()[0]
    return "PyTorch sees no GPU"


def _driver() -> str | None:
    """Return the driver's version, as nvidia-smi says it."""
    if shutil.which("nvidia-smi") is None:
        return None
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return answer.splitlines()[0] if answer else None


if __name__ == "__main__":
    try:
        print(json.dumps(facts(sys.argv[1])))
    except Exception as error:
        sys.exit((str(error).strip() or type(error).__name__).splitlines()[0])

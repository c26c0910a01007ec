"""Which GPUs this process may use, each under a name that no other card has.

CUDA_VISIBLE_DEVICES spells a card by its number or by its UUID, and a number means another card in
another Slurm job. The driver's tool, `nvidia-smi -L`, knows both. No torch here: CUDA reads the
variable once, when torch first asks it.
"""

import importlib.util
import os
import re
import subprocess
from functools import cache
from pathlib import Path

VARIABLE = "CUDA_VISIBLE_DEVICES"
# Under ROCm, torch takes this before the other one.
OF_ROCM = "HIP_VISIBLE_DEVICES"
# A machine without a persistent driver loads it for this call.
SECONDS = 60
# What Slurm sets where a job has GPUs, and what it says where it has none: the first two list them.
SLURM = {"SLURM_JOB_GPUS": "", "SLURM_STEP_GPUS": "", "SLURM_GPUS_ON_NODE": "0"}
NUMBER, UUID = re.compile(r"\d+"), re.compile(r"(GPU|MIG)-.+")
LISTED = re.compile(r"^(GPU \d+:|\s+MIG ).*\(UUID: (\S+)\)", re.MULTILINE)


def visible_gpus(root: Path = Path("/")) -> list[str]:
    """Return the names of the GPUs that this process may use, as CUDA_VISIBLE_DEVICES takes them.

    A name is the UUID of a card, or of a MIG instance where a card is divided; it is a number where
    the driver's tool is not there to ask (ROCm, some containers). As in CUDA, a word that names no
    device hides those after it. root: where /dev and /sys are.
    """
    _, listed = _listed()
    if listed is not None and not _names_a_device(listed.split(",")[0]):
        return []
    cards = _cards(root)
    if listed is None:
        return [name for own in cards.values() for name in own]
    names = []
    for word in listed.split(","):
        name = _name(word.strip(), cards)
        if name is None:
            break
        names.append(name)
    return list(dict.fromkeys(names))


def show_only(name: str) -> None:
    """Let this process, and those that it starts, see one GPU."""
    os.environ[VARIABLE] = name
    if OF_ROCM in os.environ:
        os.environ[OF_ROCM] = name


def asked_for() -> str | None:
    """Return what in the environment asks for a GPU, None if nothing does.

    An empty CUDA_VISIBLE_DEVICES, or -1, asks for the CPU, in a Slurm job with GPUs too.
    """
    variable, listed = _listed()
    if listed is not None:
        first = listed.partition(",")[0].strip()
        if first in ("", "-1"):
            return None
        if _names_a_device(first):
            return f"{variable}={listed}"
    given = ((name, os.environ.get(name, none), none) for name, none in SLURM.items())
    return next((f"{name}={value}" for name, value, none in given if value not in ("", none)), None)


def _listed() -> tuple[str, str | None]:
    """Return the variable that lists the GPUs, and what it says, None if it is not set."""
    variable = OF_ROCM if OF_ROCM in os.environ and _is_rocm() else VARIABLE
    return variable, os.environ.get(variable)


def _names_a_device(word: str) -> bool:
    return bool(NUMBER.fullmatch(word.strip()) or UUID.fullmatch(word.strip()))


def _name(word: str, cards: dict[str, list[str]]) -> str | None:
    """Return the name of the device that a word of the variable means, None for none.

    Of a divided card CUDA takes the first instance, and the beginning of a UUID for the whole.
    """
    if NUMBER.fullmatch(word):
        own = list(cards.values())
        return own[int(word)][0] if int(word) < len(own) else None
    if not UUID.fullmatch(word):
        return None
    named = {card: own[0] for card, own in cards.items()}
    named |= {name: name for own in cards.values() for name in own}
    found = [name for spelled, name in named.items() if spelled.startswith(word)]
    return found[0] if len(found) == 1 else word


def _cards(root: Path) -> dict[str, list[str]]:
    """Return the cards of this machine, each with its instances, or with itself alone.

    Their order is that of their numbers in CUDA_VISIBLE_DEVICES, if all cards are of one kind.
    """
    instances: dict[str, list[str]] = {}
    for kind, uuid in LISTED.findall(_nvidia_smi()):
        if kind.startswith("GPU"):
            card = uuid
            instances[card] = []
        else:
            instances[card].append(uuid)
    cards = {card: own or [card] for card, own in instances.items()}
    return cards or {str(number): [str(number)] for number in range(_counted(root))}


def _nvidia_smi() -> str:
    try:
        done = subprocess.run(
            ["nvidia-smi", "-L"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _counted(root: Path) -> int:
    """Return how many GPUs the kernel has that torch may use, where no tool says so."""
    nvidia = [path for path in root.glob("dev/nvidia*") if NUMBER.fullmatch(path.name[6:])]
    # A fresh machine has no device files before the first call of CUDA.
    nvidia = nvidia or list(root.glob("proc/driver/nvidia/gpus/*"))
    if nvidia:
        return len(nvidia)
    # WSL2 does not say how many there are; with a card that is not NVIDIA's it lacks the library.
    if (root / "dev/dxg").exists() and (root / "usr/lib/wsl/lib/libcuda.so.1").exists():
        return 1
    if not (root / "dev/kfd").exists() or not _is_rocm():
        return 0
    nodes = (root / "sys/class/kfd/kfd/topology/nodes").glob("*/gpu_id")
    count = sum(map(_has_id, nodes))
    hidden = os.environ.get("ROCR_VISIBLE_DEVICES")
    return count if hidden is None else min(count, len(hidden.split(",")) if hidden else 0)


def _has_id(file: Path) -> bool:
    """Return whether a node of ROCm is a GPU: a processor's id is 0, a hidden one's is secret."""
    try:
        return file.read_text(encoding="utf-8").strip() not in ("", "0")
    except OSError:
        return False


@cache
def _is_rocm() -> bool:
    """Return whether the torch that is installed is built for ROCm, without importing it."""
    torch = importlib.util.find_spec("torch")
    version = Path(torch.origin).with_name("version.py") if torch and torch.origin else None
    text = version.read_text(encoding="utf-8") if version and version.exists() else ""
    return bool(re.search(r"^hip\b[^=]*= *['\"]", text, re.MULTILINE))

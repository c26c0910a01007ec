"""Which GPUs this process may use, each under a name that no other card has.

CUDA_VISIBLE_DEVICES spells a card by its number or by its UUID, and a number means another card in
another Slurm job. The driver's tool, `nvidia-smi -L`, knows both. No torch here: CUDA reads the
variable once, when torch first asks it.
"""

import os
import re
import subprocess
from pathlib import Path

VARIABLE = "CUDA_VISIBLE_DEVICES"
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
    listed = os.environ.get(VARIABLE)
    if listed is not None and not _names_a_device(listed.split(",")[0]):
        return []
    cards = _cards(root)
    if listed is None:
        return [name for card in cards for name in card]
    names = []
    for word in listed.split(","):
        name = _name(word.strip(), cards)
        if name is None:
            break
        names.append(name)
    return names


def asked_for() -> str | None:
    """Return what in the environment asks for a GPU, None if nothing does.

    An empty CUDA_VISIBLE_DEVICES, or -1, asks for the CPU, in a Slurm job with GPUs too.
    """
    listed = os.environ.get(VARIABLE)
    if listed is not None and listed.partition(",")[0].strip() in ("", "-1"):
        return None
    if listed is not None and _names_a_device(listed.split(",")[0]):
        return f"{VARIABLE}={listed}"
    given = ((name, os.environ.get(name, none), none) for name, none in SLURM.items())
    return next((f"{name}={value}" for name, value, none in given if value not in ("", none)), None)


def _names_a_device(word: str) -> bool:
    return bool(NUMBER.fullmatch(word.strip()) or UUID.fullmatch(word.strip()))


def _name(word: str, cards: list[list[str]]) -> str | None:
    """Return the name of the card that a word of CUDA_VISIBLE_DEVICES means, None for no card."""
    if NUMBER.fullmatch(word):
        # Of a divided card CUDA takes the first instance.
        number = int(word)
        return word if not cards else cards[number][0] if number < len(cards) else None
    if not UUID.fullmatch(word):
        return None
    # CUDA takes the beginning of a UUID for the whole.
    found = [name for card in cards for name in card if name.startswith(word)]
    return found[0] if len(found) == 1 else word


def _cards(root: Path) -> list[list[str]]:
    """Return the cards of this machine, each as the names of its instances, or as its own alone.

    Their order is that of their numbers in CUDA_VISIBLE_DEVICES, if all cards are of one kind.
    """
    cards: list[list[str]] = []
    for kind, uuid in LISTED.findall(_nvidia_smi()):
        if kind.startswith("GPU"):
            cards.append([uuid])
        elif cards[-1][0].startswith("GPU"):
            cards[-1] = [uuid]
        else:
            cards[-1].append(uuid)
    return cards or [[str(number)] for number in range(_counted(root))]


def _nvidia_smi() -> str:
    try:
        done = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _counted(root: Path) -> int:
    """Return how many GPUs the kernel has, where no tool says so."""
    nvidia = [path for path in root.glob("dev/nvidia*") if NUMBER.fullmatch(path.name[6:])]
    # A fresh machine has no device files before the first call of CUDA.
    nvidia = nvidia or list(root.glob("proc/driver/nvidia/gpus/*"))
    if nvidia:
        return len(nvidia)
    if (root / "dev/dxg").exists():  # WSL2, which does not say how many
        return 1
    if not (root / "dev/kfd").exists():
        return 0
    # ROCm. Its nodes are the processors too; those have no id of a GPU.
    nodes = (root / "sys/class/kfd/kfd/topology/nodes").glob("*/gpu_id")
    ids = [path.read_text().strip() for path in nodes]
    hidden = os.environ.get("ROCR_VISIBLE_DEVICES")
    count = sum(number != "0" for number in ids)
    return count if hidden is None else min(count, len(hidden.split(",")) if hidden else 0)

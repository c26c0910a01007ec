"""Packed images on the device that trains: kept there once seen, as far as its memory goes."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

# What a job that trains in bfloat16 leaves of a GPU's memory to its steps, in bytes: a step of the
# last stage of ASEN++ at 224 pixels keeps 10 GB of activations. In float32 it is twice as much.
STEP = 16 * 2**30
ABSENT = -1


@dataclass(frozen=True)
class Gathered:
    """What is read from the packed array for one batch, still in the computer's memory."""

    numbers: np.ndarray  # int64 (B,), the images asked for
    missing: np.ndarray  # int64 (M,), ascending: those that were not on the device
    pixels: Tensor  # uint8 (M, S, S, 3)


class Budget:
    """The bytes that packed images may take on the device, all arrays of a process together.

    left: None for this job's part of the GPU that is asked first, less the room of a step, and for
    nothing on a CPU: there the memory map is as near. jobs: how many share the GPU; precision: of
    the training.
    """

    def __init__(
        self, left: int | None = None, jobs: int = 1, precision: torch.dtype = torch.bfloat16
    ):
        self.left, self.jobs = left, jobs
        self.step = STEP * precision.itemsize // torch.bfloat16.itemsize

    def take(self, wanted: int, device: torch.device) -> int:
        """Return how many of the wanted bytes there are, and count them as taken."""
        if self.left is None:
            free, whole = torch.cuda.mem_get_info(device) if device.type == "cuda" else (0, 0)
            self.left = max(0, min(free, whole // self.jobs) - self.step)
        taken = min(wanted, self.left)
        self.left -= taken
        return taken


class DeviceImages:
    """A packed array whose images stay on the device after their first use.

    array: uint8 (N, S, S, 3), usually a memory map. As many images are kept as `budget` has room
    for, in the order of their first use; the others are sent each time.
    """

    def __init__(self, array: np.ndarray, budget: Budget | None = None):
        self.array, self.budget = array, budget or Budget()
        self.kept: Tensor | None = None
        self.used = 0
        # Where each image lies in `kept`.
        self.place = np.full(len(array), ABSENT)

    @property
    def shape(self) -> tuple[int, ...]:
        """The packed array's."""
        return self.array.shape

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.array)

    def gather(self, numbers: np.ndarray, device: torch.device) -> Gathered:
        """Read what a batch needs and the device lacks.

        A thread may call this while another one calls `send`: an image that arrives meanwhile is
        read once too often, no more.
        """
        missing = np.unique(numbers[self.place[numbers] == ABSENT])
        if device.type == "cpu":
            return Gathered(numbers, missing, torch.from_numpy(self.array[missing]))
        # Pinned, so that the copy to the GPU runs beside the training.
        pixels = torch.empty((len(missing), *self.shape[1:]), dtype=torch.uint8, pin_memory=True)
        np.take(self.array, missing, axis=0, out=pixels.numpy(), mode="clip")
        return Gathered(numbers, missing, pixels)

    def send(self, gathered: Gathered, device: torch.device) -> Tensor:
        """Return the batch on the device: uint8 (B, 3, S, S), channels last in memory."""
        if self.kept is None:
            self._reserve(device)
        sent = gathered.pixels.to(device, non_blocking=True)
        self._keep(gathered.missing, sent)
        place = self.place[gathered.numbers]
        is_kept = place != ABSENT
        # Not index_copy_, of which a GPU makes a sort and a dozen kernels to be deterministic.
        found = None
        if is_kept.any():
            found = self.kept.index_select(0, _sent(np.where(is_kept, place, 0), device))
        if not is_kept.all():
            row = np.searchsorted(gathered.missing, gathered.numbers)
            other = sent.index_select(0, _sent(np.where(is_kept, 0, row), device))
            is_kept = _sent(is_kept, device)[:, None, None, None]
            found = other if found is None else torch.where(is_kept, found, other)
        return found.permute(0, 3, 1, 2)

    def take(self, numbers: np.ndarray, device: torch.device) -> Tensor:
        """Gather and send."""
        return self.send(self.gather(numbers, device), device)

    def _reserve(self, device: torch.device) -> None:
        each = int(np.prod(self.shape[1:]))
        room = self.budget.take(each * len(self), device) // each
        self.kept = torch.empty((room, *self.shape[1:]), dtype=torch.uint8, device=device)

    def _keep(self, missing: np.ndarray, sent: Tensor) -> None:
        new = np.flatnonzero(self.place[missing] == ABSENT)[: len(self.kept) - self.used]
        if not len(new):
            return
        end = self.used + len(new)
        self.kept[self.used : end] = sent.index_select(0, _sent(new, sent.device))
        self.place[missing[new]] = np.arange(self.used, end)
        self.used = end


def _sent(rows: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(rows).to(device, non_blocking=True)

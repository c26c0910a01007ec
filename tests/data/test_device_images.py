"""Images kept on the device are the packed ones, whatever there is room for."""

import numpy as np
import pytest
import torch

from modc.data import device_images
from modc.data.device_images import Budget, DeviceImages

CPU = torch.device("cpu")


@pytest.fixture
def array() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 4, 4, 3)).astype(np.uint8)


def expected(array, numbers) -> torch.Tensor:
    return torch.from_numpy(array[numbers]).permute(0, 3, 1, 2)


@pytest.mark.parametrize("capacity", [None, 0, 1, 7, 20, 50])
def test_batches_are_the_packed_images(array, capacity):
    budget = None if capacity is None else Budget(capacity * array[0].nbytes)
    images, rng = DeviceImages(array, budget), np.random.default_rng(1)
    for _ in range(30):
        numbers = rng.integers(0, len(array), 6)  # some of them twice
        found = images.take(numbers, CPU)
        assert torch.equal(found, expected(array, numbers))
        assert found.is_contiguous(memory_format=torch.channels_last)
    assert len(images.kept) == min(capacity or 0, len(array))


def test_what_was_kept_is_not_read_again(array):
    images = DeviceImages(array.copy(), Budget(array.nbytes))
    images.take(np.arange(20), CPU)
    images.array[:] = 0
    assert torch.equal(images.take(np.arange(20), CPU), expected(array, np.arange(20)))


def test_batches_that_are_read_beforehand_may_overlap(array):
    images = DeviceImages(array, Budget(5 * array[0].nbytes))
    batches = [np.array([1, 2, 3]), np.array([3, 1, 4]), np.array([9, 3, 3])]
    gathered = [images.gather(numbers, CPU) for numbers in batches]
    for numbers, part in zip(batches, gathered, strict=True):
        assert torch.equal(images.send(part, CPU), expected(array, numbers))
    assert images.used == 5


def test_all_arrays_share_one_budget(array):
    budget = Budget(28 * array[0].nbytes)
    first, second = DeviceImages(array, budget), DeviceImages(array, budget)
    for images in (first, second):
        for _ in range(2):
            found = images.take(np.arange(20), CPU)
            assert torch.equal(found, expected(array, np.arange(20)))
    assert (first.used, second.used, budget.left) == (20, 8, 0)


@pytest.mark.parametrize(
    ("free", "jobs", "kept"),
    [(80, 1, 64), (40, 1, 24), (16, 1, 0), (8, 1, 0), (80, 2, 24), (30, 2, 14), (80, 5, 0)],
)
def test_a_step_has_room_beside_the_images_of_every_job(monkeypatch, free, jobs, kept):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free * 2**30, 80 * 2**30))
    budget = Budget(jobs=jobs)
    assert budget.take(2**50, torch.device("cuda", 0)) == kept * 2**30
    assert budget.take(1, torch.device("cuda", 0)) == 0
    assert device_images.STEP == 16 * 2**30
    budget = Budget(jobs=jobs, precision=torch.float32)
    assert budget.take(2**50, torch.device("cuda", 0)) == max(0, kept - 16) * 2**30


def test_shape_and_length_are_the_arrays(array):
    images = DeviceImages(array)
    assert images.shape == array.shape and len(images) == len(array)

"""Images kept on the device are the packed ones, whatever there is room for."""

import numpy as np
import pytest
import torch

from modc.data.device_images import DeviceImages

CPU = torch.device("cpu")


@pytest.fixture
def array() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 4, 4, 3)).astype(np.uint8)


def expected(array, numbers) -> torch.Tensor:
    return torch.from_numpy(array[numbers]).permute(0, 3, 1, 2)


@pytest.mark.parametrize("capacity", [None, 0, 1, 7, 20, 50])
def test_batches_are_the_packed_images(array, capacity):
    images, rng = DeviceImages(array, capacity), np.random.default_rng(1)
    for _ in range(30):
        numbers = rng.integers(0, len(array), 6)  # some of them twice
        found = images.take(numbers, CPU)
        assert torch.equal(found, expected(array, numbers))
        assert found.is_contiguous(memory_format=torch.channels_last)
    assert len(images.kept) == min(capacity or 0, len(array))


def test_what_was_kept_is_not_read_again(array):
    images = DeviceImages(array.copy(), 20)
    images.take(np.arange(20), CPU)
    images.array[:] = 0
    assert torch.equal(images.take(np.arange(20), CPU), expected(array, np.arange(20)))


def test_batches_that_are_read_beforehand_may_overlap(array):
    images = DeviceImages(array, 5)
    batches = [np.array([1, 2, 3]), np.array([3, 1, 4]), np.array([9, 3, 3])]
    gathered = [images.gather(numbers, CPU) for numbers in batches]
    for numbers, part in zip(batches, gathered, strict=True):
        assert torch.equal(images.send(part, CPU), expected(array, numbers))
    assert images.used == 5


def test_shape_and_length_are_the_arrays(array):
    images = DeviceImages(array)
    assert images.shape == array.shape and len(images) == len(array)

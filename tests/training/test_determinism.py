"""Deterministic algorithms, and memory that is left as it is."""

import pytest
import torch

from modc.training.determinism import be_deterministic


@pytest.fixture
def as_torch_begins():
    torch.use_deterministic_algorithms(False)
    torch.utils.deterministic.fill_uninitialized_memory = True


def test_nothing_is_filled_before_it_is_written(as_torch_begins):
    be_deterministic()
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.utils.deterministic.fill_uninitialized_memory

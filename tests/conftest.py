"""Fixtures that every test may use."""

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def shared() -> Path:
    """The team's golden outputs and real annotation lists, where they are at hand."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the shared golden outputs are not at hand")
    return folder

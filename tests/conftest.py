"""Fixtures that every test may use."""

import gc
import os
import signal
from pathlib import Path

import pytest

# Where the tests are started with SIGINT ignored, as in `make test &`, their children would ignore
# it too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Workers of as many threads as cores would wait for each other; read when torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Garbage collection takes a third of the time of importing and collecting, and finds little: most
# of what they make stays.
gc.disable()

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture
def shared() -> Path:
    """The team's golden outputs and real annotation lists, where they are at hand."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the shared golden outputs are not at hand")
    return folder


@pytest.fixture(autouse=True)
def handlers_as_before():
    """Put back the handler of SIGTERM that a command sets which is called in this process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)

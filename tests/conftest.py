"""Fixtures that every test may use."""

import gc
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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


@pytest.fixture
def modc(monkeypatch, capsys):
    """Return a function that runs `modc ...` here and returns its exit status, stdout, stderr."""
    from modc import cli

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["modc", *map(str, arguments)])
        capsys.readouterr()
        status = 0
        try:
            cli.main()
        except SystemExit as end:
            status = end.code or 0
            if isinstance(status, str):  # what sys.exit prints
                print(status, file=sys.stderr)
                status = 1
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def files_up_to(monkeypatch):
    """Return a context in which no file of this process may grow beyond so many bytes.

    One that may not grow fails as one on a full disk does, in the middle of a write.
    """
    # Else what is imported only then would leave cut files in the package's __pycache__.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    @contextmanager
    def limited(most: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@pytest.fixture(autouse=True)
def handlers_as_before():
    """Put back the handler of SIGTERM that a command sets which is called in this process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)

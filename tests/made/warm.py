"""Commands that start warm: forks of a process that has imported their libraries.

Importing Snakemake or torch takes longer than most jobs of the tests' runs. A server imports them
once, nothing of this package, and forks for each command. Trainings are made quicker by `quick`;
the tokens of files that are the same as here are computed once. A signal that is sent to a command
does not reach its fork, so tests of kills start real processes.
"""

import fcntl
import json
import os
import runpy
import shutil
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from uuid import uuid4

from warm_client import call

LIBRARIES = (
    *("snakemake.cli", "snakemake.workflow", "torch", "torch._dynamo", "torchvision", "pandas"),
    *("jsonschema", "matplotlib.figure", "sklearn.manifold", "sklearn.decomposition", "quick"),
)
ENTRIES = {"snakemake": "snakemake.cli", "modc": "modc.cli"}

# Beside it in a folder of PATH, as `modc`.
_SCRIPT = f"""#!{sys.executable} -IS
import sys
sys.path.append({str(Path(__file__).parent)!r})
from warm_client import call
sys.exit(call({{server!r}}, "modc", sys.argv[1:]))
"""


def run(name: str, arguments: list[str], folder: Path, environment: dict, output: Path) -> int:
    """Run `snakemake` or `modc` in a folder; stdout and stderr go to a file. Return its status."""
    with output.open("w") as file:
        return call(_server(), name, arguments, folder, environment, file.fileno())


def commands() -> Path:
    """Return a folder for PATH with a `modc` that starts warm."""
    return Path(_server()).parent / "bin"


@cache
def _server() -> str:
    """Return the path of the server's socket; one serves all workers, and ends with pytest."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid4().hex)
    pytest = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    folder = Path(tempfile.gettempdir()) / f"modc-warm-{run[:8]}"
    folder.mkdir(mode=0o700, exist_ok=True)
    address = str(folder / "socket")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not Path(address).exists():
            process = subprocess.Popen(
                [sys.executable, __file__, address, str(pytest)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
            )
            assert process.stdout.readline() == b"ready\n", "the warm server did not start"
            _STARTED.append(process)
    return address


# Kept, so that Python does not warn that they still run.
_STARTED: list[subprocess.Popen] = []


def _serve(address: str, pytest: int) -> None:
    import gc
    import importlib
    import signal

    folder = Path(address).parent

    def end(*_):
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    for library in LIBRARIES:
        importlib.import_module(library)
    # So that Snakemake looks for its plugins once, not in each fork.
    sys.modules["snakemake.cli"].get_argument_parser()
    meanings = _meanings()
    # So that no fork looks through all of it for garbage.
    gc.collect()
    gc.freeze()
    # So that a copy of the package is compiled once, by the first command that runs in it.
    sys.dont_write_bytecode = False
    script = folder / "bin" / "modc"
    script.parent.mkdir(exist_ok=True)
    script.write_text(_SCRIPT.format(server=address))
    script.chmod(0o755)
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen()
    server.settimeout(1)
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        try:
            connection, _ = server.accept()
        except TimeoutError:
            if not _is_alive(pytest):
                end()
            continue
        if os.fork():
            connection.close()
            continue
        server.close()
        for number, handler in (before | {signal.SIGCHLD: signal.SIG_DFL}).items():
            signal.signal(number, handler)
        status = _answer(connection, meanings)
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(bytes([status]))
        os._exit(0)


def _is_alive(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    if stat.exists():  # Linux; a zombie is none
        return stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _meanings() -> dict[str, str]:
    """Return what `modc.tokens.meaning` makes of each file of this package, by its text."""
    package = Path(__file__).resolve().parents[2] / "modc"
    meaning = runpy.run_path(str(package / "tokens.py"))["meaning"]
    texts = [path.read_text("utf-8") for path in package.rglob("*.py")]
    return {text: meaning(text) for text in texts}


def _answer(connection: socket.socket, meanings: dict[str, str]) -> int:
    """Run what the client asks for, with its standard streams; return the exit status."""
    import importlib
    import traceback

    length, streams, _, _ = socket.recv_fds(connection, 8, 3)
    text = b""
    while len(text) < int(length):
        text += connection.recv(1 << 16)
    asked = json.loads(text)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.path[0] = asked["environment"]["PYTHONPATH"]
    sys.argv = [asked["name"], *asked["arguments"]]
    try:
        tokens = importlib.import_module("modc.tokens")
        tokens.meaning = lambda text, plain=tokens.meaning: meanings.get(text) or plain(text)
        if asked["arguments"][:1] == ["train"]:
            for (module, name), value in sys.modules["quick"].PATCHES.items():
                setattr(importlib.import_module(module), name, value)
        importlib.import_module(ENTRIES[asked["name"]]).main()
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))

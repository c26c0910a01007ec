"""Packing, really killed: at each of its steps in the file system, and two packers at once."""

import subprocess
import sys

import pytest

from modc.data import index as index_module
from modc.data import pack as pack_module
from modc.data import partial_array
from modc.data.packed import open_packed
from modc.data.square import Form

# Forks, so that torch is imported once. `kill_at(n)` kills the process before the n-th time that it
# opens, renames or removes a file of the output folder; `pack` takes the folder's name.
SCRIPT = """
import dataclasses, os, shutil, signal, sys
from pathlib import Path
from modc.data import index as index_module, pack as pack_module
from modc.data.square import Form

place = Path(sys.argv[1])
index = index_module.read(place / "index")
pack_module.BLOCK = pack_module.SAVE_EVERY = 1


def pack(name, of=index):
    pack_module.pack(of, place / "pictures", [Form(16), Form(32)], place / name, 2)


def forked(run):
    child = os.fork()
    if child:
        return child
    run()
    os._exit(0)


def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_at(count, name):
    left = [count]

    def hook(event, arguments):
        if event in ("open", "os.rename", "os.remove") and f"/{name}/" in str(arguments[0]):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def files(name):
    return {p.name: p.read_bytes() for p in (place / name).iterdir() if p.suffix != ".lock"}
"""

KILLED = (
    SCRIPT
    + """
pack("alone")
other = dataclasses.replace(index, images=index.images[::-1].reset_index(drop=True))
pack("other", other)
assert files("other")["16.npy"] != files("alone")["16.npy"]
for step in range(1, 1000):
    # Arrays of another index are there before.
    name = f"killed-{step}"
    shutil.copytree(place / "other", place / name)

    def first():
        kill_at(step, name)
        pack(name)

    status = ended(forked(first))
    if not status:
        break
    assert status == -signal.SIGKILL
    for size in ("16", "32"):
        # Facts never stand beside an array that is not theirs.
        here = [files(folder) for folder in (name, "alone", "other")]
        facts, array = ([made.get(size + end) for made in here] for end in (".json", ".npy"))
        if facts[0]:
            assert array[0] == array[facts.index(facts[0], 1)], name
    assert ended(forked(lambda: pack(name))) == 0
    assert files(name) == files("alone"), name
print(step)
"""
)

TOGETHER = (
    SCRIPT
    + """
pack("alone")
children = [forked(lambda: pack("together")) for _ in range(3)]
assert [ended(child) for child in children] == [0, 0, 0]
assert files("together") == files("alone")
"""
)


@pytest.fixture
def place(tmp_path, pictures, index):
    index_module.write(index, tmp_path / "index")
    return tmp_path


def output_of(script: str, place) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, str(place)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_killed_at_any_step_it_ends_with_the_same_files(place):
    # Ten rows of two arrays are each saved: a file opened, one renamed.
    assert int(output_of(KILLED, place)) > 40


def test_packers_at_the_same_time_do_not_disturb_each_other(place):
    output_of(TOGETHER, place)


def test_killed_before_its_last_step_it_decodes_nothing_again(
    tmp_path, pictures, index, monkeypatch
):
    write_json = partial_array.write_json

    def killed(path, value):
        if path.name == "32.json":
            raise KeyboardInterrupt
        write_json(path, value)

    with monkeypatch.context() as killing:
        killing.setattr(partial_array, "write_json", killed)
        with pytest.raises(KeyboardInterrupt):
            pack_module.pack(index, pictures, [Form(32)], tmp_path, 1)
    assert (tmp_path / "32.npy").exists() and not (tmp_path / "32.json").exists()
    monkeypatch.setattr(pack_module, "squares", None)
    pack_module.pack(index, pictures, [Form(32)], tmp_path, 1)
    assert open_packed(tmp_path / "32.npy", index, Form(32)).shape == (10, 32, 32, 3)
    assert not (tmp_path / ".32.npy.progress").exists()

"""The lock: one process at a time, freed when it dies."""

import subprocess
import sys

from modc.lock import alone, is_held


def test_a_second_process_waits_until_the_first_is_gone(tmp_path):
    path = tmp_path / "stages" / "stage.pt"
    holder = (
        "import sys, time; from pathlib import Path; from modc.lock import alone\n"
        "with alone(Path(sys.argv[1]), 'at work'): print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", holder, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "held\n"
        second = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert "stage.pt: another process is at work; waiting for it" in second.stderr.readline()
        assert second.poll() is None
        first.kill()
        assert second.stdout.readline() == "held\n"
        second.kill()
        second.communicate()


def test_a_lock_is_held_while_its_process_lives_and_asking_takes_nothing(tmp_path):
    path = tmp_path / "stage.pt"
    assert not is_held(path)
    assert not list(tmp_path.iterdir())
    with alone(path, "at work"):
        assert is_held(path)
        assert is_held(path)
    assert not is_held(path)
    with alone(path, "at work"):
        pass
    (tmp_path / "folder.pt.lock").mkdir()
    assert not is_held(tmp_path / "folder.pt")

"""The lock: one process at a time, freed when it dies."""

import subprocess
import sys


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

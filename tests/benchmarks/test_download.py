"""The benchmark of the download runs and counts what it got; how fast is not looked at."""

import os
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "download.py"


def test_ours_is_in_the_table():
    # Without the others, which need not be installed.
    environment = os.environ | {"PATH": str(Path(sys.executable).parent)}
    done = subprocess.run(
        [sys.executable, BENCHMARK, "--urls", "40", "--rounds", "1", "--broken", "0.15"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "aria2c is not installed and left out" in done.stdout
    [row] = [line.split() for line in done.stdout.splitlines() if line.startswith("15%")]
    # Six fail: gone, refused, error, a page and a truncated picture; the placeholder is a picture.
    assert row[:2] == ["15%", "ours"] and row[-2:] == ["35", "0"]

"""The benchmark of decoding runs and names every way; what it measures is not looked at."""

import runpy
from pathlib import Path

from click.testing import CliRunner

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "decode.py"


def test_every_way_is_in_the_table_for_one_size_and_for_two():
    benchmark = runpy.run_path(str(BENCHMARK))
    run = CliRunner().invoke(benchmark["main"], ["--quick", "--repeats", "1"])
    assert run.exit_code == 0, run.output
    lines = run.output.splitlines()
    for way in benchmark["WAYS"]:
        for sizes in ("224 ", "224 and 448 "):
            assert any(line.startswith(sizes) and way in line for line in lines), (way, sizes)

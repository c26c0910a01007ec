"""The benchmark of the metrics runs and its ways agree; what it measures is not looked at."""

import runpy
from pathlib import Path

import pytest
from click.testing import CliRunner

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "metrics.py"
CALL = ["--split", "tiny", "--dim", "64", "--rounds", "1"]


@pytest.fixture
def benchmark():
    return runpy.run_path(str(BENCHMARK))


def test_every_way_that_is_installed_is_in_the_table(benchmark):
    run = CliRunner().invoke(benchmark["main"], CALL)
    assert run.exit_code == 0, run.output
    for way, (_, needs) in benchmark["WAYS"].items():
        missing = benchmark["absent"](needs)
        assert any(f" {way} " in line for line in run.output.splitlines()) != bool(missing)
        assert all(name in run.output for name in missing)


@pytest.mark.parametrize("mean", [2.0, float("nan")])
def test_a_way_that_is_wrong_is_named(benchmark, mean):
    benchmark["main"].callback.__globals__["WAYS"]["wrong"] = (lambda _: {"MAP@all": mean}, ())
    run = CliRunner().invoke(benchmark["main"], CALL)
    assert run.exit_code == 1 and "tiny: wrong differs by" in run.output

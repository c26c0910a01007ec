"""The benchmark of the views runs and names every way; what it measures is not looked at."""

import runpy
from pathlib import Path

from click.testing import CliRunner

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "views.py"


def test_every_way_is_in_the_table():
    main = runpy.run_path(str(BENCHMARK))["main"]
    run = CliRunner().invoke(main, ["--images", "2", "--repeats", "1", "--case", "32", "resnet10"])
    assert run.exit_code == 0, run.output
    for way in ("ours", "torchvision v2, tensors", "torchvision v2, Pillow", "resnet10"):
        assert way in run.output

"""Seeds from names: the same everywhere, different for every axis."""

import subprocess
import sys

from modc.seeds import derive, generator


def test_a_seed_is_the_same_in_another_process_and_known():
    code = "from modc.seeds import derive; print(derive(3, dataset='DARN', percent=10))"
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert (
        int(other) == derive(3, dataset="DARN", percent=10) == derive(3, percent=10, dataset="DARN")
    )


def test_every_axis_changes_the_seed():
    seeds = {
        derive(seed, dataset=dataset, epoch=epoch)
        for seed in range(3)
        for dataset in ("DARN", "FashionAI")
        for epoch in range(10)
    }
    assert len(seeds) == 60
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_generator_starts_at_its_seed():
    assert generator(1, use="a").integers(10**9) == generator(1, use="a").integers(10**9)
    assert generator(1, use="a").integers(10**9) != generator(1, use="b").integers(10**9)

"""The grid in images: the numbers of docs/performance.md, and what training really takes."""

from pathlib import Path

import pytest

from modc import datasets
from modc.cell import Cell
from modc.config import load, merge
from modc.cost import (
    Counts,
    cell_stages,
    chains,
    images_left,
    stage_costs,
)
from modc.data.index import SPLITS
from modc.grid import cells, stage_spec, stages
from modc.methods.modc import STAGES

CONFIG = Path(__file__).resolve().parents[1] / "config.yaml"


@pytest.fixture(scope="module")
def config() -> dict:
    return load([CONFIG])


def listed(config: dict, dataset: str) -> Counts:
    counts = datasets.of(config, dataset).counts
    return Counts(*(counts[split]["images"] for split in SPLITS))


def all_costs(config: dict) -> list:
    counts = {name: listed(config, name) for name in config["datasets"]}
    return [
        one for cell in cells(config) for one in stage_costs(config, cell, counts[cell.dataset])
    ]


def test_the_papers_run_costs_what_the_readme_says(config):
    every = all_costs(config)
    costs = [one for one in every if one.cell.seed == 0]

    def trained(kind):
        return sum(one.trained for one in costs if one.kind == kind) / 1e6

    of_all = sum(one.trained for one in every) / 1e6
    of_seed = sum(one.trained for one in costs) / 1e6
    assert (of_seed, of_all - of_seed) == (4809, 1710)

    assert (trained("warm-up"), trained("supervised")) == (2 * 672, 315)
    assert trained("semi-supervised") == 3150
    valid = {"FashionAI": 18_000, "DARN": 21_461}
    baseline = [one for one in costs if one.stage in ("warm_up_global", "warm_up")]
    assert sum(one.epochs * valid[one.cell.dataset] for one in baseline) == 42_535_040


def test_images_left_are_those_of_the_stages_to_come(config):
    cell = Cell("FashionAI", "ASEN++", 10, 0)
    counts = listed(config, "FashionAI")
    trained = {one.stage: one.trained for one in stage_costs(config, cell, counts)}
    baseline = trained["warm_up_global"] + trained["warm_up"]
    assert images_left(config, cell, "baseline", "warm_up_global") == baseline
    assert images_left(config, cell, "baseline", "warm_up") == trained["warm_up"]
    assert (
        images_left(config, cell, "modc", "warm_up_global_apart")
        == sum(trained.values()) - baseline
    )
    assert images_left(config, cell, "modc", "pseudo_clusters") == trained["pseudo_clusters"]
    shared = merge(config, {"methods": {"modc": {"warm_up": {"ASEN++": "shared"}}}})
    left = sum(trained.values()) - baseline
    assert images_left(shared, cell, "baseline", "warm_up_global") == left


def test_evaluation_counts_validation_test_and_what_centers_are_taken_from(config):
    counts = Counts(train=1000, valid=10, test=7)
    found = {
        one.stage: one.embedded
        for one in stage_costs(config, Cell("FashionAI", "ASEN++", 10, 0), counts)
    }
    assert found["warm_up_global"] == 50 * 10
    assert found["warm_up"] == 20 * 10 + 7
    assert found["supervised"] == 50 * 10 + 100
    assert found["unlabeled"] == 50 * 10
    assert found["pseudo_clusters"] == 50 * 10 + 7
    other = merge(
        config, {"methods": {"modc": {"centers": "memory_bank", "pseudo_labels": "each_epoch"}}}
    )
    found = {
        one.stage: one.embedded
        for one in stage_costs(other, Cell("FashionAI", "ASEN++", 10, 0), counts)
    }
    assert found["unlabeled"] == 50 * 10 + 100
    assert found["pseudo_triplets"] == 50 * 10 + 100 + 50 * 900


def test_public_weights_are_validated_and_not_trained(config):
    public = {"networks": {"ASEN++": {"public_checkpoints": {"DARN": "x.pth.tar"}}}}
    cell = Cell("DARN", "ASEN++", 100, 0)
    costs = stage_costs(merge(config, public), cell, Counts(1000, 10, 7))
    assert (costs[0].stage, costs[0].trained, costs[0].embedded) == ("warm_up", 0, 17)


@pytest.mark.parametrize("warm_up", ["shared", "apart"])
def test_chains_are_those_of_the_grid(config, warm_up):
    warm_ups = dict.fromkeys(("ASEN", "ASENv2", "ASEN++"), warm_up)
    config = merge(config, {"methods": {"modc": {"warm_up": warm_ups}}, "grid": {"seeds": [0, 1]}})
    found = [
        (chain[0].cell, tuple(one.stage for one in chain))
        for chain in chains(config, all_costs(config))
    ]
    expected = []
    for cell in cells(config):
        baseline, modc = (stages(config, cell, method) for method in ("baseline", "modc"))
        expected += [(cell, modc)] if warm_up == "shared" else [(cell, baseline), (cell, modc)]
    assert found == expected


@pytest.mark.parametrize("views_from", ["warm_up", "supervised", "self_supervised"])
@pytest.mark.parametrize(("ratio", "triplets"), [(1.0, 40), (0.34, 43), (2.0, 3)])
def test_an_epoch_has_the_images_of_its_triplets_views_and_groups(
    config, views_from, ratio, triplets
):
    small = {
        "training": {"triplets_per_epoch": triplets, "batch": 4},
        "methods": {"modc": {"views_from": views_from, "unlabeled_ratio": ratio}},
    }
    config, cell = merge(config, small), Cell("FashionAI", "ASEN++", 10, 0)
    groups = {1.0: 3, 0.34: 1, 2.0: 6}[ratio]
    for method, stage in cell_stages(config, cell):
        first = ("warm_up_apart", *STAGES).index(views_from.replace("warm_up", "warm_up_apart"))
        views = {"warm_up_global_apart", "warm_up_apart", *STAGES}
        views -= {"supervised"} if first > 1 else set()
        views -= {"warm_up_global_apart", "warm_up_apart"} if first > 0 else set()
        of_triplet = 3 + (groups if stage in STAGES[2:] else 0)
        whole_batches = triplets // min(4, triplets) * min(4, triplets)
        expected = whole_batches * of_triplet * (2 if stage in views else 1)
        assert stage_spec(config, cell, method, stage).images_an_epoch == expected

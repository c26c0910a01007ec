from typing import NamedTuple

import numpy as np
import pytest
from made_queries import TWO_SEEDS

from modc.evaluation.bootstrap import interval
from modc.report.pairs import paired_interval
from modc.report.results import collect
from modc.report.uncertainty import widened


class Place(NamedTuple):
    dataset: str = "FashionAI"
    network: str = "ASEN"
    method: str = "baseline"
    labeled_percent: int = 100
    query_label: str = ""
    top_n: str = ""
    attribute: str = "neck_design"
    metric: str = "MAP@100"


def test_the_interval_between_any_two_places_of_a_dataset(made, tmp_path, config):
    written = made()
    known = Place(method="modc", query_label="known", top_n="1")
    of = paired_interval(collect(tmp_path, config), config)
    pairs = [
        (known, known._replace(top_n="2"), ("top1/known/MAP@100/hits", "top2/known/MAP@100/hits")),
        (known._replace(metric="Acc"), Place(metric="MAP@all"), ("Acc", "MAP@all")),
    ]
    for first, second, columns in pairs:
        rows = written["modc", 0]["attribute"] == 0
        by_seed = [
            (written[first.method, seed][columns[0]] - written[second.method, seed][columns[1]])
            .loc[rows]
            .to_numpy()
            for seed in (0, 1)
        ]
        difference = sum(by_seed) / 2
        between = np.std([one.mean() for one in by_seed], ddof=1)
        expected = widened(difference.mean(), *interval(difference), between, 2)
        assert of(first, second) == pytest.approx(expected)
    assert of(known, Place(network="ASENv2")) is None
    (tmp_path / TWO_SEEDS[1].folder / "baseline" / "queries.csv").unlink()
    of = paired_interval(collect(tmp_path, config), config)
    assert of(known, Place()) is None and of(known, known) == (0, 0)

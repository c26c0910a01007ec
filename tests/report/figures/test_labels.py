from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from modc.errors import UserError
from modc.report.figures import labels
from modc.report.figures.run import Run


@pytest.fixture
def overall(write_run, config, without_ink) -> pd.DataFrame:
    """The overall places of a run of ASENv2 on FashionAI with 10 and 100 % of the labels."""
    return Run(write_run(config), config).overall


def test_a_row_a_place_of_the_lines(overall, config):
    data = labels.draw(SimpleNamespace(overall=overall, config=config), "FashionAI").data
    # 3 networks x 5 percentages x baseline and MODC.
    assert len(data) == 30 == data["published"].notna().sum()
    assert not data.duplicated(["network", "method", "labeled_percent"]).any()
    there = data[data["ours"].notna()]
    assert set(zip(there["network"], there["labeled_percent"], strict=True)) == {
        ("ASENv2", 10),
        ("ASENv2", 100),
    }
    place = data[(data["network"] == "ASENv2") & (data["labeled_percent"] == 10)]
    # Table 4: the baseline, and MODC's top1 with the label known.
    assert dict(zip(place["method"], place["published"], strict=True)) == {
        "baseline": pytest.approx(0.5020),
        "modc": pytest.approx(0.6478),
    }


def test_what_is_absent_is_said(overall, config):
    lost = (overall["network"] == "ASENv2") & (overall["labeled_percent"] == 10)
    overall.loc[lost, ["ours", "status"]] = [np.nan, "not run"]
    caption = labels.draw(SimpleNamespace(overall=overall, config=config), "FashionAI").caption
    # Other cells are not in the run's grid.
    assert "Not yet run: ASENv2 10 %. " in caption


def test_ties_are_not_above(overall, config):
    level = overall.assign(ours=0.5, published=0.5)
    alt = labels.draw(SimpleNamespace(overall=level, config=config), "FashionAI").alt
    assert "ours, MODC is above its baseline in 0 of 15 places" in alt


def test_intervals_and_seeds_are_said_where_there_are_some(overall, config):
    plain = labels.draw(
        SimpleNamespace(overall=overall.assign(half_width=np.nan), config=config), "FashionAI"
    ).caption
    assert "Thin bars" not in plain and "Broad bars" not in plain
    wide = overall.assign(half_width=0.1, spread=0.05)
    caption = labels.draw(SimpleNamespace(overall=wide, config=config), "FashionAI").caption
    assert "Thin bars" in caption and "Broad bars" in caption


def test_no_number_of_the_dataset_is_no_figure(overall, config):
    with pytest.raises(UserError, match="no score of DARN: not in this run's grid"):
        labels.draw(SimpleNamespace(overall=overall, config=config), "DARN")


def test_a_dataset_that_the_paper_does_not_have(overall, config):
    chosen = (overall["network"] == "ASENv2") & (overall["dataset"] == "FashionAI")
    own = overall[chosen].assign(dataset="Other", published=np.nan)
    figure = labels.draw(SimpleNamespace(overall=own, config=config), "Other")
    assert "published" not in figure.caption and "published" not in figure.alt

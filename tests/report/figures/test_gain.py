from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from modc.errors import UserError
from modc.report.figures import gain
from modc.report.figures.run import Run


@pytest.fixture
def overall(write_run, config, without_ink) -> pd.DataFrame:
    """The overall places of a run of one network on FashionAI, with made-up gains."""
    frame = Run(write_run(config), config).overall
    has_gain = (frame["method"] == "modc") & frame["ours"].notna() & (frame["metric"] != "Acc")
    made = frame["ours"].where(has_gain) / 2
    return frame.assign(gain=made, gain_low=made - 0.01, gain_high=made + 0.01)


def test_every_published_place_and_ours(overall):
    data = gain.draw(SimpleNamespace(overall=overall)).data
    # 3 networks x 2 percentages x 2 datasets x 2 query labels; ours are ASENv2's on FashionAI.
    assert data.groupby("who").size().to_dict() == {"ours": 4, "published": 24}
    assert set(data.loc[data["who"] == "ours", "network"]) == {"ASENv2"}
    place = data[(data["who"] == "published") & (data["network"] == "ASENv2")]
    place = place.set_index(["dataset", "labeled_percent", "query_label"]).loc[
        ("FashionAI", 10, "unknown")
    ]
    # Table 4: 54.56 - 50.20 at Acc 62.30.
    assert place["gain"] == pytest.approx(0.0436)
    assert place["Acc"] == pytest.approx(0.6230)
    assert np.isnan(place["low"])


def test_the_correlation_is_said(overall):
    figure = gain.draw(SimpleNamespace(overall=overall))
    own = figure.data[(figure.data["who"] == "published") & (figure.data["query_label"] == "known")]
    r = np.corrcoef(own["Acc"], own["gain"])[0, 1]
    assert f"published, known: {r:+.2f} (12 places)" in figure.alt
    assert "ours, known: too few places" in figure.alt


@pytest.mark.parametrize("column", ["gain", "ours"])
def test_published_numbers_alone_are_no_figure(overall, column):
    with pytest.raises(UserError, match="no place has scores"):
        gain.draw(SimpleNamespace(overall=overall.assign(**{column: np.nan})))

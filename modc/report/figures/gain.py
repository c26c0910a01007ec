"""MODC's gain against the accuracy of its pseudo labels (supplement, 2.3)."""

import pandas as pd
from matplotlib.lines import Line2D

from modc.colors import COLORS
from modc.errors import UserError
from modc.plot_style import MARKS, new_figure, svg
from modc.report.figures.figure import PAPERS_METHOD, Figure
from modc.report.figures.run import Run, not_comparable

METRIC, ACCURACY = "MAP@100", "Acc"
QUERY_LABELS = ("known", "unknown")
PLACE = ["dataset", "network", "labeled_percent", "query_label"]
COLUMNS = ["who", *PLACE, "Acc", "gain", "low", "high"]


def draw(run: Run) -> Figure:
    """Draw the gain of MODC(top1) over its baseline against Acc, one point per place.

    Raises UserError if the run has none: the published numbers alone make no figure.
    """
    frame = _points(run.overall)
    if not (frame["who"] == "ours").any():
        raise UserError("no place has scores of MODC, its baseline, and Acc: not run")
    people = list(dict.fromkeys(frame["who"]))
    figure = new_figure(9, 6.6)
    grid = figure.subplots(
        len(QUERY_LABELS), len(people), sharex="col", sharey="row", squeeze=False
    )
    networks = list(dict.fromkeys(frame["network"]))
    datasets = list(dict.fromkeys(frame["dataset"]))
    for label, row in zip(QUERY_LABELS, grid, strict=True):
        for who, axes in zip(people, row, strict=True):
            own = frame[(frame["who"] == who) & (frame["query_label"] == label)]
            _scatter(axes, own, networks, datasets)
            axes.set_title(f"{who}, query label {label}", fontsize="medium")
            axes.tick_params(labelleft=True)
        row[0].set_ylabel("gain in MAP@100, points")
    for axes in grid[-1]:
        axes.set_xlabel("Acc, percent")
    mark = " – ours not comparable to the paper" if _why(run.overall) else ""
    figure.suptitle(
        f"MODC's gain against the accuracy of its pseudo labels{mark}", fontsize="medium"
    )
    handles = [
        Line2D([], [], ls="", color=COLORS[n], marker="o", label=name)
        for n, name in enumerate(networks)
    ]
    handles += [
        Line2D([], [], ls="", color="#555555", marker=MARKS[n], mfc="none", label=name)
        for n, name in enumerate(datasets)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=6, fontsize="small")
    return Figure(
        picture=svg(figure),
        data=frame,
        title="Gain against Acc",
        caption=f"Gain in overall MAP@100 of MODC (top1) over its baseline, against Acc, the share "
        f"of test queries whose nearest cluster center is that of their own value. Each point is "
        f"one network with the percentage of labels written in it. The paper claims that a higher "
        f"Acc goes with a larger gain. Bars: 95 % interval of the mean gain, where the spread "
        f"between trainings is known. Correlation: {_correlations(frame)}.{_why(run.overall)}",
        alt=f"Scatter plots of MODC's gain against Acc. Correlation: {_correlations(frame)}.",
    )


def _points(overall: pd.DataFrame) -> pd.DataFrame:
    """Return one row per place with gain and Acc, published and ours; columns COLUMNS."""
    is_top1 = (overall["method"] == PAPERS_METHOD) & (overall["top_n"] == "1")
    own = overall[is_top1].drop_duplicates([*PLACE, "metric"])
    accuracy = own[own["metric"] == ACCURACY].set_index(PLACE)
    gains = own[own["metric"] == METRIC].set_index(PLACE)
    parts = []
    for who, acc, gain, low, high in (
        ("published", "published", "published_gain", None, None),
        ("ours", "ours", "gain", "gain_low", "gain_high"),
    ):
        columns = {"gain": gains.get(gain), "low": gains.get(low), "high": gains.get(high)}
        part = pd.DataFrame({"Acc": accuracy[acc], **columns}, index=gains.index)
        parts.append(part.dropna(subset=["Acc", "gain"]).reset_index().assign(who=who))
    numbers = dict.fromkeys(("Acc", "gain", "low", "high"), float)
    return pd.concat(parts, ignore_index=True)[COLUMNS].astype(numbers)


def _scatter(axes, own: pd.DataFrame, networks: list[str], datasets: list[str]) -> None:
    axes.axhline(0, color="black", lw=0.8)
    axes.grid(alpha=0.3)
    for place in own.itertuples():
        color, mark = COLORS[networks.index(place.network)], MARKS[datasets.index(place.dataset)]
        x, gain = 100 * place.Acc, 100 * place.gain
        if pd.notna(place.low):
            axes.plot([x, x], [100 * place.low, 100 * place.high], c=color, lw=1)
        axes.plot(x, gain, mark, c=color, mec="white", ms=15, alpha=0.85)
        percent = str(place.labeled_percent)
        axes.annotate(percent, (x, gain), ha="center", va="center", fontsize=6, c="white")
    axes.margins(0.08)


def _correlations(frame: pd.DataFrame) -> str:
    """Return Pearson's correlation of each chart in words, given three points or more."""
    texts = []
    for (who, label), part in frame.groupby(["who", "query_label"], sort=False):
        r = part["Acc"].corr(part["gain"]) if len(part) > 2 else float("nan")
        said = f"{r:+.2f} ({len(part)} places)" if pd.notna(r) else "too few places"
        texts.append(f"{who}, {label}: {said}")
    return "; ".join(texts)


def _why(overall: pd.DataFrame) -> str:
    return not_comparable(overall[overall["metric"] == ACCURACY])

"""MAP against the number of labels: our curve beside the published one."""

import numpy as np
import pandas as pd

from modc.errors import UserError
from modc.plot_style import BASELINE, MODC, new_figure, svg
from modc.report.figures.figure import BASELINE_METHOD, PAPERS_METHOD, Figure
from modc.report.figures.run import Run, not_comparable
from modc.report.results import NOT_IN_GRID

METRIC = "MAP@100"
COLUMNS = [
    "dataset",
    "network",
    "method",
    "labeled_percent",
    "ours",
    "spread",
    "half_width",
    "seeds",
    "published",
    "status",
]
# Method, query label and top_n of each line; its name, color, mark and horizontal offset.
LINES = (
    (BASELINE_METHOD, "", "", "baseline", BASELINE, "s", 0.96),
    (PAPERS_METHOD, "known", "1", "MODC, top1, known", MODC, "o", 1.04),
)


def draw(run: Run, dataset: str) -> Figure:
    """Draw overall MAP@100 of the baselines and of MODC against the percentage of labels.

    Raises UserError if the run has no number of the dataset.
    """
    frame = _places(run.overall, dataset)
    # Not those that only another paper has.
    frame = frame[frame["network"].isin(run.config["networks"])].reset_index(drop=True)
    if frame["ours"].isna().all():
        why = ", ".join(dict.fromkeys(frame["status"])) or "not run"
        raise UserError(f"no score of {dataset}: {why}")
    networks = list(dict.fromkeys(frame["network"]))
    figure = new_figure(3.4 * max(len(networks), 2), 3.8)
    axes = figure.subplots(1, len(networks), sharey=True, squeeze=False)[0]
    for ax, network in zip(axes, networks, strict=True):
        own = frame[frame["network"] == network]
        for line in LINES:
            _line(ax, own[own["method"] == line[0]].sort_values("labeled_percent"), *line[3:])
        percents = sorted(set(frame["labeled_percent"]))
        ax.set_xscale("log")
        ax.set_xticks(percents, [str(percent) for percent in percents])
        ax.minorticks_off()
        ax.set_xlim(percents[0] * 0.75, percents[-1] * 1.33)
        ax.set_title(network, fontsize="medium")
        ax.set_xlabel("percent of the training images with labels", fontsize="small")
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("MAP@100, percent")
    mark = " – ours not comparable to the paper" if not_comparable(frame) else ""
    figure.suptitle(f"{dataset}: MAP@100 by labels{mark}", fontsize="medium")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, fontsize="small")
    return Figure(
        picture=svg(figure),
        data=frame,
        title=f"MAP@100 by labels on {dataset}",
        caption=_caption(frame),
        alt=_alt(frame, dataset),
    )


def _places(overall: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Return the places of the lines; columns COLUMNS, NaN where a number is absent."""
    chosen = (overall["dataset"] == dataset) & (overall["metric"] == METRIC)
    own = overall[chosen]
    is_line = [
        (row.method, row.query_label, row.top_n) in [line[:3] for line in LINES]
        for row in own.itertuples()
    ]
    return own[is_line].reindex(columns=COLUMNS).reset_index(drop=True)


def _line(axes, own: pd.DataFrame, name: str, color: str, mark: str, aside: float) -> None:
    x = aside * own["labeled_percent"].to_numpy(float)
    ours = 100 * own["ours"].to_numpy(float)
    bars = 100 * own["half_width"].to_numpy(float)
    spread = 100 * own["spread"].to_numpy(float)
    there = np.isfinite(ours)
    axes.plot(x[there], ours[there], c=color, marker=mark, ms=5, label=f"{name}: ours", zorder=3)
    axes.errorbar(x, ours, bars, fmt="none", ecolor=color, capsize=3, lw=1, zorder=2)
    axes.errorbar(x, ours, spread, fmt="none", ecolor=color, lw=5, alpha=0.35, zorder=1)
    published = own["published"].notna().to_numpy()
    if published.any():
        axes.plot(
            x[published],
            100 * own["published"].to_numpy(float)[published],
            "--",
            c=color,
            marker=mark,
            mfc="white",
            ms=5,
            lw=1,
            label=f"{name}: published",
        )


def _caption(frame: pd.DataFrame) -> str:
    interval, spread = frame["half_width"].notna().any(), frame["spread"].notna().any()
    what = "where one more training would fall in 95 % of cases, given the spread between trainings"
    bars = f" Thin bars: {what}." if interval else ""
    bars += " Broad bars: one standard deviation over the seeds." if spread else ""
    absent = frame[frame["ours"].isna() & (frame["status"] != NOT_IN_GRID)]
    places = dict.fromkeys(f"{p.network} {p.labeled_percent} %" for p in absent.itertuples())
    without = f" Not yet run: {', '.join(places)}." if places else ""
    published = " dashed with open marks: published." if frame["published"].notna().any() else ""
    return (
        f"Overall MAP@100 on the test split; MODC with prioritized retrieval, top1, query label "
        f"known. Solid with filled marks: ours;{published}".rstrip(";")
        + f"{'' if published else '.'}{bars} The axis of percentages is logarithmic."
        + f"{without}{not_comparable(frame)}"
    )


def _alt(frame: pd.DataFrame, dataset: str) -> str:
    parts = []
    for what in ("ours", "published"):
        wide = frame.pivot(
            index=["network", "labeled_percent"], columns="method", values=what
        ).reindex(columns=[BASELINE_METHOD, PAPERS_METHOD])
        wide = wide.dropna()
        if len(wide):
            above = int((wide[PAPERS_METHOD] > wide[BASELINE_METHOD]).sum())
            parts.append(f"{what}, MODC is above its baseline in {above} of {len(wide)} places")
    return f"Line charts of MAP@100 on {dataset} by percentage of labels: {'; '.join(parts)}."

"""Learning curves of one network's cells: validation and losses over all stages, by method."""

from dataclasses import replace

import pandas as pd

from modc import paths
from modc.cell import Cell
from modc.colors import GRAY
from modc.errors import UserError
from modc.grid import method_of, methods, stages
from modc.grid import seeds as seeds_of
from modc.jobs import stage_folder
from modc.learning_curve import SCORE, draw_line, finish, is_fraction, looks, read_curve
from modc.papers.paper import Course, courses
from modc.plot_style import new_figure, png
from modc.report.figures.figure import Figure
from modc.report.figures.run import Run

VALIDATION = (SCORE, "valid_Acc")
# Marks on a line of all epochs.
MARKS_A_LINE = 30
# Published trainings are taken to have had all labels.
PUBLISHED_PERCENT = 100
ROW = ["labeled_percent", "method"]
COLUMNS = [*ROW, "seed", "stage", "epoch_of_stage", "epoch", "quantity", "value"]


def draw(run: Run, dataset: str, network: str) -> Figure:
    """Draw the curves of all seeds, one row of two charts per percentage and method.

    The first seed with curves is drawn with marks, the others as thin lines. A baseline with all
    labels is drawn with the courses of published trainings (`_published`), whose points are the
    last rows of the data, without seed and stage. Raises UserError if no stage has a curve.
    """
    percents = run.config["grid"]["labeled_percent"][dataset]
    cells = [
        Cell(dataset, network, percent, seed)
        for percent in percents
        for seed in seeds_of(run.config, dataset, network, percent)
    ]
    every = [_curve(run, cell, method) for cell in cells for method in methods(run.config)]
    frame = pd.concat(every, ignore_index=True)
    if frame.empty:
        raise UserError(f"no stage of {network} on {dataset} has a curve.csv: not trained yet")
    charts = dict(iter(frame.groupby(ROW, sort=False)))
    rows = [(percent, method) for percent in percents for method in methods(run.config)]
    shown = [row for row in rows if row in charts]
    published = {row: _published(run, dataset, charts[row]) for row in shown}
    losses = [name for name in dict.fromkeys(frame["quantity"]) if not is_fraction(name)]
    figure = new_figure(10, 1 + 1.9 * len(shown))
    grid_of_axes = figure.subplots(len(shown), 2, squeeze=False)
    for row, (left, right) in zip(shown, grid_of_axes, strict=True):
        percent, method = row
        _lines(left, charts[row], VALIDATION)
        _lines(right, charts[row], losses)
        for course in published[row]:
            _draw_course(left, course)
        left.set_ylabel(f"{method}, {percent} % labels\nvalidation, percent", fontsize="small")
        right.set_ylabel("training loss", fontsize="small")
        for axes in (left, right):
            _stage_numbers(axes, charts[row], run, cells[0])
    for axes in grid_of_axes[-1]:
        axes.set_xlabel("epoch, over all stages")
    trained = set(frame["seed"])
    seeds = [seed for seed in dict.fromkeys(cell.seed for cell in cells) if seed in trained]
    which = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    figure.suptitle(f"Learning curves: {network}, {dataset}, {which}", fontsize="medium")
    handles = {}
    for axes in grid_of_axes.flat:
        handles |= {h.get_label(): h for h in axes.get_legend_handles_labels()[0]}
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=5, fontsize="small")
    absent = [f"{row[1]} at {row[0]} %" for row in rows if row not in charts]
    without = f" Not trained yet: {', '.join(absent)} of the labels." if absent else ""
    if len(seeds) > 1:
        without = (
            f" Lines with marks: the first seed, whose stages are numbered. Thin lines: the other "
            f"seeds, whose stages may begin at other epochs.{without}"
        )
    drawn = {_label(course): course for own in published.values() for course in own}
    if drawn:
        sources = "; ".join(dict.fromkeys(course.source for course in drawn.values()))
        without = (
            f" Gray and dotted: validation MAP@all in a published training of another network "
            f"({sources}).{without}"
        )
    return Figure(
        picture=png(figure),
        data=_with_courses(frame, published),
        title=f"Learning curves of {network} on {dataset}",
        caption=f"Validation scores (left) and training losses (right) at every epoch, one row per "
        f"method and share of labels, all stages in sequence. Numbers above the charts: the stages "
        f"1 warm-up, 2 supervised, 3.1 with self-supervision, 3.2 with unlabeled images, 3.3 with "
        f"pseudo triplets, 3.4 with pseudo clusters. Each stage adds losses, so total losses are "
        f"not comparable across stages. Each starts from the model chosen by assumption A2, by "
        f"default the best epoch of the previous stage. Dashed lines with open marks: losses on "
        f"unlabeled images. Acc starts with the first cluster centers.{without}",
        alt=_alt(frame, dataset, network),
    )


def _curve(run: Run, cell: Cell, method: str) -> pd.DataFrame:
    """Return the curves of a method's stages that have them, in long form; columns COLUMNS."""
    parts, before = [], 0
    for stage in stages(run.config, cell, method):
        path = run.folder / stage_folder(run.config, cell, method, stage) / paths.CURVE
        try:
            curve = read_curve(path)
        except FileNotFoundError:
            continue
        names = [name for name in curve if name != "epoch" and not is_fraction(name)]
        names += [name for name in VALIDATION if name in curve]
        own = curve.melt("epoch", names, "quantity").rename(columns={"epoch": "epoch_of_stage"})
        own = own.astype({"epoch_of_stage": int})
        own["epoch"] = own["epoch_of_stage"] + before
        before += len(curve)
        parts.append(own.assign(stage=stage))
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    place = {"labeled_percent": cell.labeled_percent, "method": method, "seed": cell.seed}
    return pd.concat(parts).assign(**place)[COLUMNS]


def _lines(axes, own: pd.DataFrame, names) -> None:
    """Draw each quantity, one line per stage: a stage need not start from the last one's end."""
    mark_every = max(1, own["epoch"].max() // MARKS_A_LINE)
    first = own["seed"].iloc[0]
    for name, own_look in looks(names).items():
        part = own[own["quantity"] == name]
        for (seed, _), line in part.groupby(["seed", "stage"], sort=False):
            is_thin = seed != first
            draw_line(axes, name, line["epoch"], line["value"], own_look, mark_every, is_thin)
    finish(axes)
    axes.tick_params(labelsize="x-small")


def _published(run: Run, dataset: str, own: pd.DataFrame) -> list[Course]:
    """Return the published courses to compare a row of charts with, as far as its first stage goes.

    None but beside a baseline with all labels on real images; none with fewer than two points.
    """
    percent, method = own[ROW].iloc[0]
    is_drawn = "generate" in run.config["datasets"][dataset]
    if is_drawn or percent != PUBLISHED_PERCENT or method_of(run.config, method).compared_with:
        return []
    end = own.loc[own["stage"] == own["stage"].iloc[0], "epoch"].max()
    within = [
        replace(course, points=tuple(point for point in course.points if point[0] <= end))
        for course in courses(run.config, dataset)
    ]
    return [course for course in within if len(course.points) > 1]


def _label(course: Course) -> str:
    return f"public log ({course.name})"


def _draw_course(axes, course: Course) -> None:
    epochs, values = zip(*course.points, strict=True)
    percents = [100 * value for value in values]
    axes.plot(epochs, percents, ":", marker=".", ms=4, lw=1, c=GRAY, label=_label(course))


def _with_courses(frame: pd.DataFrame, published: dict[tuple, list[Course]]) -> pd.DataFrame:
    """Return the curves with a row more for each point of a course that is drawn beside them."""
    rows = [
        [percent, _label(course), pd.NA, "", epoch, epoch, SCORE, value]
        for (percent, _), own in published.items()
        for course in own
        for epoch, value in course.points
    ]
    if not rows:
        return frame
    whole = dict.fromkeys(("seed", "epoch_of_stage", "epoch"), "Int64")
    points = pd.DataFrame(rows, columns=COLUMNS).astype(whole)
    return pd.concat([frame.astype(whole), points], ignore_index=True)


def _stage_numbers(axes, own: pd.DataFrame, run: Run, cell: Cell) -> None:
    """Separate the first seed's stages with lines and number them above, at alternating heights."""
    last = own["epoch"].max()
    axes.set_xlim(0.5, last + 0.5)
    method = method_of(run.config, own["method"].iloc[0])
    numbered = own[own["seed"] == own["seed"].iloc[0]]
    for turn, (stage, part) in enumerate(numbered.groupby("stage", sort=False)):
        first, end = part["epoch"].min() - 0.5, part["epoch"].max() + 0.5
        if end < last:
            axes.axvline(end, color=GRAY, lw=0.8, ls=":")
        axes.annotate(
            method.stage_label(cell, stage),
            ((first + end) / 2, 1.01 + 0.09 * (turn % 2)),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            fontsize="x-small",
        )


def _alt(frame: pd.DataFrame, dataset: str, network: str) -> str:
    scores = frame[frame["quantity"] == SCORE]
    ends = [
        f"{method} at {percent} % of the labels: {100 * part['value'].iloc[0]:.1f} to "
        f"{100 * part['value'].max():.1f}"
        for (percent, method), part in scores.groupby(ROW, sort=False)
    ]
    return (
        f"Line charts of {network} on {dataset}: validation MAP@all in percent at the first and "
        f"the best epoch, {'; '.join(ends)}."
    )

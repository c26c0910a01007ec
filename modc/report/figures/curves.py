"""Learning curves: every stage of the cells of one network, validation beside losses."""

import pandas as pd

from modc import paths
from modc.colors import BLACK, GRAY
from modc.errors import UserError
from modc.grid import APART, Cell, stages
from modc.grid import seeds as seeds_of
from modc.jobs import stage_folder
from modc.report.figures.figure import Figure
from modc.report.figures.run import Run
from modc.report.figures.style import look, new_figure, png

VALIDATION = ("valid_MAP@all", "valid_Acc")
NO_LOSSES = ("epoch", "learning_rate", "valid_MAP@100", *VALIDATION)
# Colour and mark of each quantity; of unlabelled images it has the same, dashed and open.
LOOKS = {
    "valid_MAP@all": look(0),
    "valid_Acc": look(1),
    "triplet": look(2),
    "local_triplet": look(3),
    "alignment": look(4),
    "cluster": look(5),
    "self_supervision": look(7),
    "loss": (BLACK, "."),
}
# The supplement's numbers of the stages; ASEN++ warms up in two parts.
NUMBERS = {
    "warm_up_global": "1, global",
    "warm_up": "1",
    "supervised": "2",
    "self_supervised": "3.1",
    "unlabeled": "3.2",
    "pseudo_triplets": "3.3",
    "pseudo_clusters": "3.4",
}
# Marks on a line of all epochs.
MARKS_A_LINE = 30
COLUMNS = ["labeled_percent", "seed", "stage", "epoch_of_stage", "epoch", "quantity", "value"]


def draw(run: Run, dataset: str, network: str) -> Figure:
    """Draw the curves of all seeds, a row of two charts a percentage.

    The first seed that has curves is drawn with marks, the others as thin lines. Raises UserError
    if no stage has a curve.
    """
    grid = run.config["grid"]
    percents = grid["labeled_percent"][dataset]
    cells = [
        Cell(dataset, network, percent, seed)
        for percent in percents
        for seed in seeds_of(run.config, dataset, network, percent)
    ]
    frame = pd.concat([_curve(run, cell) for cell in cells], ignore_index=True)
    if frame.empty:
        raise UserError(f"no stage of {network} on {dataset} has a curve.csv: not trained yet")
    shown = list(dict.fromkeys(frame["labeled_percent"]))
    losses = [name for name in dict.fromkeys(frame["quantity"]) if name not in VALIDATION]
    figure = new_figure(10, 1 + 1.9 * len(shown))
    grid_of_axes = figure.subplots(len(shown), 2, squeeze=False)
    for percent, (left, right) in zip(shown, grid_of_axes, strict=True):
        own = frame[frame["labeled_percent"] == percent]
        _lines(left, own, VALIDATION, 100)
        _lines(right, own, losses, 1)
        left.set_ylabel(f"{percent} % of the labels\nvalidation, percent", fontsize="small")
        right.set_ylabel("training loss", fontsize="small")
        for axes in (left, right):
            _stage_numbers(axes, own)
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
    absent = [str(percent) for percent in percents if percent not in shown]
    without = f" Not trained yet: {', '.join(absent)} % of the labels." if absent else ""
    if len(seeds) > 1:
        without = (
            f" With marks: the first seed, whose stages are numbered above. Thin lines: the "
            f"others, whose stages may begin at other epochs.{without}"
        )
    return Figure(
        picture=png(figure),
        data=frame,
        title=f"Learning curves of {network} on {dataset}",
        caption=f"Validation scores (left) and training losses (right) of every epoch, from the "
        f"warm-up to MODC's last stage. Above: the stages, 1 warm-up, 2 supervised, 3.1 with "
        f"self-supervision, 3.2 with unlabelled images, 3.3 with pseudo triplets, 3.4 with pseudo "
        f"clusters. Each adds losses, so totals of different stages do not compare, and starts "
        f"from the model that the settings say (A2), by default the best epoch of the one before. "
        f"Dashed with open marks: losses of unlabelled images. Acc is there once there are cluster "
        f"centres.{without}",
        alt=_alt(frame, dataset, network),
    )


def _curve(run: Run, cell: Cell) -> pd.DataFrame:
    """Return the curves of all stages of a cell that has them, in long form; columns COLUMNS."""
    parts, before = [], 0
    for stage in stages(run.config, cell, "modc"):
        path = run.folder / stage_folder(run.config, cell, stage) / paths.CURVE
        try:
            curve = pd.read_csv(path)
            names = [n for n in curve if n not in NO_LOSSES and not n.startswith("share_")]
            names += [name for name in VALIDATION if name in curve]
            curve = curve[["epoch", *names]].astype(float)
        except FileNotFoundError:
            continue
        except (ValueError, KeyError):
            raise UserError(f"{path}: not a curve that training writes; train again") from None
        own = curve.melt("epoch", names, "quantity").rename(columns={"epoch": "epoch_of_stage"})
        own = own.astype({"epoch_of_stage": int})
        own["epoch"] = own["epoch_of_stage"] + before
        before += len(curve)
        parts.append(own.assign(labeled_percent=cell.labeled_percent, seed=cell.seed, stage=stage))
    return pd.concat(parts)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)


def _lines(axes, own: pd.DataFrame, names, scale: float) -> None:
    """Draw each quantity, a line a stage, since a stage starts from another model than it ends."""
    for name in names:
        base = name.removeprefix("pseudo_").removeprefix("unlabeled_")
        colour, mark = LOOKS[base] if base in LOOKS else look(len(LOOKS))
        of_unlabeled = base != name
        marked = {
            "marker": mark,
            "mfc": "white" if of_unlabeled else colour,
            "ms": 4,
            "markevery": max(1, own["epoch"].max() // MARKS_A_LINE),
            "lw": 1.2,
            "label": name.replace("valid_", "validation ").replace("_", " "),
        }
        part = own[own["quantity"] == name]
        for (seed, _), line in part.groupby(["seed", "stage"], sort=False):
            axes.plot(
                line["epoch"],
                scale * line["value"],
                "--" if of_unlabeled else "-",
                c=colour,
                **(marked if seed == own["seed"].iloc[0] else {"lw": 0.6, "alpha": 0.6}),
            )
    axes.grid(alpha=0.3)
    axes.tick_params(labelsize="x-small")
    axes.xaxis.get_major_locator().set_params(integer=True)


def _stage_numbers(axes, own: pd.DataFrame) -> None:
    """Part the first seed's stages with lines and write their numbers above, in turn higher."""
    last = own["epoch"].max()
    axes.set_xlim(0.5, last + 0.5)
    numbered = own[own["seed"] == own["seed"].iloc[0]]
    for turn, (stage, part) in enumerate(numbered.groupby("stage", sort=False)):
        first, end = part["epoch"].min() - 0.5, part["epoch"].max() + 0.5
        if end < last:
            axes.axvline(end, color=GRAY, lw=0.8, ls=":")
        axes.annotate(
            NUMBERS[stage.removesuffix(APART)],
            ((first + end) / 2, 1.01 + 0.09 * (turn % 2)),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            fontsize="x-small",
        )


def _alt(frame: pd.DataFrame, dataset: str, network: str) -> str:
    scores = frame[frame["quantity"] == VALIDATION[0]]
    ends = [
        f"{percent} % of the labels: {100 * part['value'].iloc[0]:.1f} to "
        f"{100 * part['value'].max():.1f}"
        for percent, part in scores.groupby("labeled_percent")
    ]
    return (
        f"Line charts of {network} on {dataset}: validation MAP@all in percent from the first "
        f"epoch to the best one, {'; '.join(ends)}."
    )

"""The layout of a table: the paper's rows and columns, cell texts, marks, and notes."""

from dataclasses import dataclass, field

import pandas as pd

from modc.grid import further_seeds, method_of
from modc.papers.paper import Table, tables
from modc.papers.places import METRICS
from modc.report.assumptions import changed
from modc.report.comparable import coverage_notes
from modc.report.failures import FAILED, NOT_FINISHED
from modc.report.results import NOT_IN_GRID, NOT_RUN
from modc.report.row_names import row_name
from modc.report.trainings import POWER, THIS_RUN
from modc.report.verdicts import (
    COMMON_SEEDS,
    COPIES,
    MISSING,
    NO_GAIN,
    NO_INTERVAL,
    NO_SPREAD,
    NOT_COMPARABLE,
    OUTSIDE,
    WHAT_IS_COMPARED,
    rule,
    warning,
)

DIVISORS = {
    "hits": "the relevant items among the first 100",
    "min": "the smaller of 100 and the number of relevant items",
    "R": "the number of relevant items",
}
ABSENT = "–"
# Not requested: the run's grid has no such cell.
OUTSIDE_MARK = "·"
NOT_COMPARABLE_MARK = "†"
# Prefixes of statuses about numbers that exist; each gets a note below the table.
SAID = (NO_INTERVAL, NO_SPREAD, NO_GAIN, COPIES, f"gain {COMMON_SEEDS}")
PARTS = {
    "Ours": "ours",
    "Published": "published",
    "Difference": "difference",
    "Verdict": "verdict",
}
ROW = ["network", "method", "labeled_percent", "query_label", "top_n"]


@dataclass(frozen=True)
class Entry:
    """The text of one place; "" if the table has no such place.

    place: its row of the long form, None if there is none.
    """

    text: str
    best_of_network: bool = False
    best_of_all: bool = False
    place: dict | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Row:
    """A row's label, its entries, and the group of rows that it belongs to."""

    label: str
    group: str
    entries: list[Entry]


@dataclass(frozen=True)
class Page:
    """One table: title, columns as (group heading, heading), rows by part, and notes."""

    title: str
    columns: list[tuple[str, str]]
    parts: dict[str, list[Row]]
    notes: list[str]

    @property
    def is_compared(self) -> bool:
        """Whether there are published numbers to compare with."""
        return len(self.parts) > 1


def page(frame: pd.DataFrame, name: str, config: dict) -> Page:
    """Lay out the long form of a table: our numbers, the published ones, and their differences.

    name: a paper's table, or a dataset not in any paper, for which only our numbers are shown.
    Published numbers of networks that are not configured are listed among ours.
    """
    table = tables(config).get(name)
    own = frame[frame["network"].isin(config["networks"])]
    compared = bool(own["published"].notna().any())
    parts = PARTS if compared else {"Ours": "ours"}
    by_attribute = table is None or frame["attribute"].nunique() > 1
    # The paper shows its percentages side by side.
    across = [*(["labeled_percent"] if table else []), "attribute", "metric"]
    columns = _columns(frame, across)
    rows = [key for key in ROW if key not in across]
    places = _among_ours(frame, config).to_dict("records")
    return Page(
        _title(own, name, table),
        [_heading(dict(zip(across, column, strict=True)), by_attribute) for column in columns],
        {
            title: _rows(places, rows, across, columns, quantity, config)
            for title, quantity in parts.items()
        },
        _notes(own, compared, config),
    )


def _among_ours(frame: pd.DataFrame, config: dict) -> pd.DataFrame:
    """Return the long form, published numbers of unconfigured networks moved to ours."""
    is_own = frame["network"].isin(config["networks"])
    return frame.assign(
        ours=frame["ours"].where(is_own, frame["published"]),
        published=frame["published"].where(is_own),
        status=frame["status"].where(is_own, ""),
    )


def _columns(frame: pd.DataFrame, across: list[str]) -> list[tuple]:
    """Return the columns in the paper's order: percentages, attributes, then metrics."""
    columns = list(dict.fromkeys(frame[across].itertuples(index=False, name=None)))
    percents = list(dict.fromkeys(frame["labeled_percent"]))
    attributes = list(dict.fromkeys(frame["attribute"]))

    def order(column: tuple) -> tuple:
        place = dict(zip(across, column, strict=True))
        percent = percents.index(place["labeled_percent"]) if "labeled_percent" in place else 0
        return percent, attributes.index(place["attribute"]), METRICS.index(place["metric"])

    return sorted(columns, key=order)


def _heading(place: dict, by_attribute: bool) -> tuple[str, str]:
    if by_attribute:
        return place["metric"], place["attribute"].replace("_", " ")
    return f"{place['labeled_percent']} % of the labels", place["metric"]


def _rows(
    found: list[dict],
    down: list[str],
    across: list[str],
    columns: list[tuple],
    quantity: str,
    config: dict,
) -> list[Row]:
    places = {
        (tuple(place[name] for name in down), tuple(place[name] for name in across)): place
        for place in found
    }
    # Without published numbers there is only our row.
    shown = {
        key for (key, _), p in places.items() if quantity == "ours" or pd.notna(p["published"])
    }
    keys = [key for key in dict.fromkeys(key for key, _ in places) if key in shown]
    # Another paper's published numbers, which stand among ours, are not ranked with them.
    ranked = [key for key in keys if _first(places, key)["network"] in config["networks"]]
    best = {column: _best(places, ranked, column, quantity) for column in columns}
    # Tables 4 and 5: none, unknown, known.
    by_label = len({place["query_label"] for place in found}) > 2
    rows = []
    for key in keys:
        first = _first(places, key)
        is_ranked = key in ranked
        entries = [
            _entry(places.get((key, column)), quantity, best[column] if is_ranked else {})
            for column in columns
        ]
        group = first["query_label"] if by_label else first["network"]
        rows.append(Row(_label(first, down, by_label, config), group, entries))
    return rows


def _first(places: dict, key: tuple) -> dict:
    return next(place for (row_key, _), place in places.items() if row_key == key)


def _label(place: dict, down: list[str], by_label: bool, config: dict) -> str:
    percent = f", {place['labeled_percent']} %" if "labeled_percent" in down else ""
    label = row_name(config, place["network"], place["method"], place["top_n"])
    has_label = by_label and place["query_label"]
    published = "" if place["network"] in config["networks"] else ", published"
    return label + (f", {place['query_label']}" if has_label else "") + percent + published


def _best(places: dict, keys: list[tuple], column: tuple, quantity: str) -> dict[str, float]:
    """Return the best percentage, rounded as shown, of each group with more than one number.

    The groups are the networks and "all".
    """
    found: dict[str, list[float]] = {"all": []}
    if quantity in ("difference", "verdict"):
        return {}
    for key in keys:
        place = places.get((key, column))
        if place is not None and pd.notna(place[quantity]):
            for group in ("all", place["network"]):
                found.setdefault(group, []).append(round(100 * place[quantity], 2))
    return {group: max(values) for group, values in found.items() if len(values) > 1}


def _entry(place: dict | None, quantity: str, best: dict[str, float]) -> Entry:
    if place is None:
        return Entry("")
    if quantity == "verdict":
        word = place["verdict"]
        marks = {MISSING: ABSENT, OUTSIDE: OUTSIDE_MARK, NOT_COMPARABLE: NOT_COMPARABLE_MARK}
        return Entry(marks.get(word, word), place=place)
    if pd.isna(place[quantity]):
        mark = OUTSIDE_MARK if place["status"] == NOT_IN_GRID else ABSENT
        return Entry(mark, place=place)
    percent = round(100 * place[quantity], 2) + 0.0  # no -0.00
    mark = NOT_COMPARABLE_MARK if place["status"].startswith(NOT_COMPARABLE) else ""
    if quantity == "difference":
        return Entry(f"{percent:+.2f}{mark}", place=place)
    text = f"{percent:.2f}"
    if quantity == "ours":
        text += f" ± {100 * place['spread']:.2f}" if pd.notna(place["spread"]) else ""
        text += mark
    return Entry(text, percent == best.get(place["network"]), percent == best.get("all"), place)


def _title(frame: pd.DataFrame, name: str, table: Table | None) -> str:
    if table is None:
        return f"{name}, a dataset not in the paper"
    title = f"{table.title}: {table.caption}"
    if said := _warning(frame):
        title += f" – {said}"
    if (frame["status"] == NOT_IN_GRID).all():
        title += f" – {NOT_IN_GRID.upper()}"
    return title


def _warning(frame: pd.DataFrame) -> str:
    is_marked = frame["status"].str.startswith(NOT_COMPARABLE)
    return warning(is_marked[is_marked | frame["ours"].notna()])


def _notes(frame: pd.DataFrame, published: bool, config: dict) -> list[str]:
    notes = []
    status = frame["status"]
    said = dict.fromkeys(reason for text in status for reason in text.split("; "))
    why = [reason for reason in said if reason.startswith(NOT_COMPARABLE)]
    reasons = "; ".join(reason.removeprefix(f"{NOT_COMPARABLE}: ") for reason in why)
    if published and why:
        warned = _warning(frame)
        name = f"{frame['dataset'].iloc[0]}: " if warned.startswith("PARTLY") else ""
        notes.append(
            f"{warned}: {name}{reasons}. Our numbers and differences marked "
            f"{NOT_COMPARABLE_MARK} are no evidence about the method."
        )
    elif why:
        notes.append(f"{NOT_COMPARABLE_MARK}: {reasons}.")
    notes += coverage_notes(frame, config, NOT_COMPARABLE_MARK)
    divisor = DIVISORS[config["evaluation"]["map_at_100"]]
    divides = f" MAP@100 divides by {divisor}." if "MAP@100" in set(frame["metric"]) else ""
    notes.append(
        f"All numbers are in percent.{divides} Overall is the mean over all queries."
        + (" Differences are ours minus published, in points." if published else "")
    )
    notes.append("Bold: best of each network. Underlined: best of all.")
    notes.append(_seeds_note(frame, config))
    if published:
        notes += [WHAT_IS_COMPARED, rule(config["report"]["margin"])]
        notes += _spread_notes(frame)
    counts = frame.dropna(subset="labeled_images").drop_duplicates("labeled_percent")
    if len(counts):
        parts = zip(counts["labeled_images"], counts["labeled_percent"], strict=True)
        notes.append(f"Labeled images: {', '.join(f'{n:.0f} at {p} %' for n, p in parts)}.")
    settings = _settings(frame["dataset"].iloc[0], config) if len(frame) else ""
    if settings:
        notes.append(settings)
    other = changed(config)
    if other:
        notes.append(f"Assumptions not at their defaults: {'; '.join(other)}.")
    absent = frame[frame["absent_values"] > 0].drop_duplicates("labeled_percent")
    if len(absent):
        parts = zip(absent["absent_values"], absent["labeled_percent"], strict=True)
        notes.append(
            "Values without a labeled image, which have no center and are never predicted: "
            f"{', '.join(f'{n:.0f} at {p} %' for n, p in parts)}."
        )
    return notes + _absences(frame, config)


def _seeds_note(frame: pd.DataFrame, config: dict) -> str:
    seeds = config["grid"]["seeds"]
    listed = ", ".join(str(seed) for seed in seeds)
    text = f"Ours: one seed ({listed})"
    if len(seeds) > 1:
        text = f"Ours: mean ± standard deviation over seeds {listed}"
    percents: dict[tuple, list[str]] = {}
    for (dataset, network, percent), further in further_seeds(config).items():
        if dataset in set(frame["dataset"]):
            percents.setdefault((network, further), []).append(str(percent))
    cells = [
        f"{network} at {', '.join(own)} % (further seeds {', '.join(map(str, further))})"
        for (network, further), own in percents.items()
    ]
    if cells:
        text += f"; more seeds, with mean ± standard deviation, for {', '.join(cells)}"
    return f"{text}."


def _spread_notes(frame: pd.DataFrame) -> list[str]:
    """Return what the intervals rest on: spread, degrees of freedom, detectable differences."""
    notes = []
    known = frame[frame["noticeable"].notna()]
    for source, of_source in known.groupby("training_source", sort=False):
        texts = []
        for percent, own in of_source.groupby("labeled_percent", sort=False):
            sd, least = 100 * own["training_sd"], 100 * own["noticeable"]
            freedom = sorted({f"{dof:.0f}" for dof in own["training_dof"]}, key=int)
            texts.append(
                f"{percent} %: {sd.min():.2f} to {sd.max():.2f} points with "
                f"{' and '.join(freedom)} degrees of freedom (smallest difference detected with "
                f"{100 * POWER:g} % power: {least.min():.2f} to {least.max():.2f} points)"
            )
        where = "" if source == THIS_RUN else f" (not measured in this run, but from {source})"
        notes.append(f"Standard deviation between trainings{where} at {'; '.join(texts)}.")
    return notes


def _settings(dataset: str, config: dict) -> str:
    """Return how the run trains on `dataset`, "" if it does not."""
    if dataset not in config["grid"]["datasets"]:
        return ""
    networks = []
    for network in config["grid"]["networks"]:
        backbones = [v for k, v in config["networks"][network].items() if k.endswith("backbone")]
        epochs = [str(s["epochs"]) for s in config["training"]["stages"][network].values()]
        said = [
            said
            for method in config["grid"]["methods"]
            if (said := method_of(config, method).epochs_in_words(network))
        ]
        parts = [" and ".join(backbones), f"{' + '.join(epochs)} epochs", *said]
        networks.append(f"{network} ({', '.join(parts)})")
    return (
        f"Settings of the run: {', '.join(networks)}; images of "
        f"{config['datasets'][dataset]['image_size']} pixels, "
        f"{config['training']['triplets_per_epoch']} triplets per epoch."
    )


def _absences(frame: pd.DataFrame, config: dict) -> list[str]:
    """Return a note for each reason why a number is missing, has fewer seeds, or no interval."""
    where: dict[str, list[str]] = {}
    there = set()
    for place in frame.to_dict("records"):
        name = row_name(config, place["network"], place["method"])
        name += f" {place['labeled_percent']} %"
        there |= {name} if place["seeds"] else set()
        for reason in _reasons(place):
            where.setdefault(reason, []).append(name)
    absent = (NOT_RUN, NOT_FINISHED, FAILED)
    notes = []
    for reason, names in where.items():
        listed = ", ".join(dict.fromkeys(names))
        if reason.startswith(SAID) and {*names} == there:
            listed = "All our numbers"
        is_outside = reason == NOT_IN_GRID
        mark = OUTSIDE_MARK if is_outside else ABSENT if reason.startswith(absent) else ""
        notes.append(f"{mark} {listed}: {reason}.".lstrip())
    return notes


def _reasons(place: dict) -> list[str]:
    if not place["seeds"]:
        return [place["status"]] if place["status"] else []
    said = place["status"].split("; ")
    return [reason for reason in said if " seeds, " in reason or reason.startswith(SAID)]

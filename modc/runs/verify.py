"""A run checked: its tables and scores made again, and its makers compared with what is here."""

from dataclasses import asdict, dataclass
from pathlib import Path

from tabulate import tabulate

from modc import ablation
from modc.errors import UserError
from modc.grid import METHODS
from modc.report.results import Result, collect, result_of
from modc.runs.checked import CHANGED, MISSING, OTHER_LAYOUT, UNCHANGED, Checked, first_few
from modc.runs.origin import OTHER, Origin, origins, present
from modc.runs.scores import check_scores, outside_grid
from modc.runs.tables import check_tables

# Of the column that says what differs.
WIDTH = 80


@dataclass(frozen=True)
class Verified:
    """What was found of a run.

    tables: a check each file; scores: a check each result; origins: by the result's name; outside:
    results in the folder that the configuration's grid does not have and that were not checked.
    """

    tables: list[Checked]
    scores: list[Checked]
    origins: dict[str, list[Origin]]
    outside: list[str]

    @property
    def broken(self) -> list[str]:
        """The names of what does not hold: changed tables, scores that are not their queries'.

        A missing table is no number that changed, but scores without their queries are.
        """
        tables = [check.name for check in self.tables if check.state == CHANGED]
        return tables + [check.name for check in self.scores if check.state != UNCHANGED]

    @property
    def remarks(self) -> list[str]:
        """The tables that are missing or of another layout, and what other things made scores."""
        states = (MISSING, OTHER_LAYOUT)
        tables = [check.name for check in self.tables if check.state in states]
        grouped = self.grouped_origins
        return tables + list(dict.fromkeys(o.what for o in grouped if o.state == OTHER))

    @property
    def grouped_origins(self) -> dict[Origin, list[str]]:
        """The names of the results by what was found of their origin."""
        grouped: dict[Origin, list[str]] = {}
        for name, own in self.origins.items():
            for origin in own:
                grouped.setdefault(origin, []).append(name)
        return grouped


def verify(run: Path, config: dict) -> Verified:
    """Check the run in the folder `run` under `config`; it is only read.

    Raises UserError if it has neither scores nor tables.
    """
    datasets = {*config["grid"]["datasets"], config["ablation"]["cell"]["dataset"]}
    data = {name: present(config, name) for name in datasets}
    scores, made_by = [], {}
    for prefix, own, result in _results(run, config):
        check = check_scores(own, result)
        if check is None:
            continue
        name = prefix + check.name
        scores.append(Checked(name, check.state, check.details))
        if result.scores is not None:
            made_by[name] = origins(result, own, data[result.cell.dataset])
    if not scores and not (run / "tables").is_dir():
        raise UserError(
            f"{run}: neither tables nor scores of the configuration's grid; expected a run's "
            f"folder, such as results/paper"
        )
    return Verified(check_tables(run, config), scores, made_by, outside_grid(run, config))


def _results(run: Path, config: dict) -> list[tuple[str, dict, Result]]:
    """Return each result of the run and of its ablation: folder below it, configuration, result."""
    found = [("", config, result) for result in collect(run, config)]
    if not (run / "ablation").is_dir():
        return found
    for variant in ablation.variants(config):
        folder = f"ablation/{variant.name}/"
        found += [
            (folder, variant.config, result_of(run / folder, variant.config, cell, method))
            for cell in ablation.ablation_cells(config)
            for method in METHODS
        ]
    return found


def text(run: Path, verified: Verified) -> str:
    """Return what was found as tables for the terminal, and a closing line."""
    rows = [[check.name, check.state, first_few(check.details)] for check in verified.tables]
    hold = sum(check.state == UNCHANGED for check in verified.scores)
    rows.append([f"scores of {_results_of(hold)}", UNCHANGED, "the means of their queries"])
    for check in verified.scores:
        if check.state != UNCHANGED:
            rows.append([check.name, check.state, first_few(check.details)])
    blocks = [_table(["file", "state", ""], rows)]
    grouped: dict[tuple, dict[str, list[str]]] = {}
    for origin, names in verified.grouped_origins.items():
        grouped.setdefault((origin.what, origin.state), {})[origin.detail] = names
    made_by = []
    for (what, state), details in sorted(grouped.items(), key=lambda pair: pair[0]):
        names = [name for own in details.values() for name in own]
        is_part = state == OTHER and len(names) < len(verified.origins)
        said = first_few(list(details)) + (f" ({first_few(names)})" if is_part else "")
        made_by.append([what, f"{state}, {_results_of(len(names))}", said])
    if made_by:
        blocks.append(_table(["made by", "now", ""], made_by))
    if verified.outside:
        blocks.append(
            f"Not checked, as the configuration's grid does not have them: "
            f"{first_few(verified.outside)}"
        )
    return "\n\n".join([*blocks, closing(run, verified)])


def closing(run: Path, verified: Verified) -> str:
    """Return the verdict in one line."""
    what = f"{_results_of(len(verified.scores))}, {len(verified.tables)} files"
    count = len(verified.broken)
    head = f"{count} of these do not hold" if count else "all numbers hold"
    tail = f"; other or missing: {first_few(verified.remarks, ', ')}" if verified.remarks else ""
    return f"{run}: {what}: {head}{tail}"


def as_json(verified: Verified) -> dict:
    """Return all that was found as plain values."""
    return {
        "holds": not verified.broken,
        "broken": verified.broken,
        "remarks": verified.remarks,
        "tables": [asdict(check) for check in verified.tables],
        "scores": [asdict(check) for check in verified.scores],
        "made_by": {
            name: [asdict(origin) for origin in own] for name, own in verified.origins.items()
        },
        "outside_grid": verified.outside,
    }


def _table(headings: list[str], rows: list[list[str]]) -> str:
    widths = [None, None, WIDTH]
    return tabulate(rows, headings, disable_numparse=True, maxcolwidths=widths)


def _results_of(count: int) -> str:
    return "1 result" if count == 1 else f"{count} results"

"""A run checked: what it shows and its scores made again, its makers compared with what is here."""

from dataclasses import asdict, dataclass
from pathlib import Path

from tabulate import tabulate

from modc import ablation, paths
from modc.errors import UserError
from modc.grid import methods
from modc.report.results import Result, collect, result_of
from modc.runs.checked import (
    AS_WRITTEN,
    CHANGED,
    MISSING,
    NOT_COMPARED,
    NOT_RENDERED,
    OTHER_LAYOUT,
    UNCHANGED,
    Checked,
    first_few,
)
from modc.runs.origin import OTHER, UNKNOWN, Origin, origins, present
from modc.runs.rerendered import check_rendered, rendered_by, unchecked
from modc.runs.rescored import check_scores, outside_grid

# Of the column that says what differs.
WIDTH = 80


@dataclass(frozen=True)
class Verified:
    """What was found of a run.

    rendered: a check each file that it shows; rendered_by: the code of these; scores: a check each
    result; origins: by the result's name; outside: results in the folder that the configuration's
    grid does not have and that were not checked; unchecked: files that nobody can check.
    """

    rendered: list[Checked]
    rendered_by: list[Origin]
    scores: list[Checked]
    origins: dict[str, list[Origin]]
    outside: list[str]
    unchecked: list[str]

    @property
    def broken(self) -> list[str]:
        """The names of what does not hold: changed or missing files, scores not their queries'."""
        scores = [check.name for check in self.scores if check.state != UNCHANGED]
        return self.rendered_as(CHANGED, MISSING) + scores

    @property
    def remarks(self) -> list[str]:
        """What was never rendered or not compared, and what other things made scores or files."""
        made_by = [*self.rendered_by, *self.grouped_origins]
        files = self.rendered_as(NOT_RENDERED, OTHER_LAYOUT, NOT_COMPARED)
        return files + list(dict.fromkeys(o.what for o in made_by if o.state == OTHER))

    @property
    def not_checked(self) -> list[str]:
        """What cannot be checked, in words: makers of results, results outside the grid, files."""
        unknown: dict[str, set[str]] = {}
        for origin, names in self.grouped_origins.items():
            if origin.state == UNKNOWN:
                is_data = origin.what.startswith(("manifest of ", "index of "))
                unknown.setdefault("data" if is_data else origin.what, set()).update(names)
        said = [f"{what} of {_results_of(len(names))}" for what, names in unknown.items()]
        said += [own.what for own in self.rendered_by if own.state == UNKNOWN]
        if self.outside:
            said.append(f"{_results_of(len(self.outside))} outside the grid")
        return said + ([first_few(self.unchecked, ", ")] if self.unchecked else [])

    def rendered_as(self, *states: str) -> list[str]:
        """Return the names of the files of these states."""
        return [check.name for check in self.rendered if check.state in states]

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
    if not scores and not (run / paths.TABLES).is_dir():
        raise UserError(
            f"{run}: neither tables nor scores of the configuration's grid; expected a run's "
            f"folder, such as results/paper"
        )
    rendered = check_rendered(run, config)
    return Verified(
        rendered,
        rendered_by(run),
        scores,
        made_by,
        outside_grid(run, config),
        unchecked(run, rendered),
    )


def _results(run: Path, config: dict) -> list[tuple[str, dict, Result]]:
    """Return each result of the run and of its ablation: folder below it, configuration, result."""
    found = [("", config, result) for result in collect(run, config)]
    if not (run / paths.ABLATION).is_dir():
        return found
    for variant in ablation.variants(config):
        folder = paths.variant_folder(variant.name)
        found += [
            (f"{folder}/", variant.config, result_of(run / folder, variant.config, cell, method))
            for cell in ablation.ablation_cells(config)
            for method in methods(config)
        ]
    return found


def text(run: Path, verified: Verified, is_own: bool = False) -> str:
    """Return what was found as tables for the terminal, and a closing line; is_own: see there."""
    kept = verified.rendered_as(AS_WRITTEN)
    rows = [
        [check.name, check.state, first_few(check.details)]
        for check in verified.rendered
        if check.state != AS_WRITTEN
    ]
    if kept:
        rows.append([f"{_count(len(kept), 'file')} of figures", AS_WRITTEN, "not drawn again"])
    hold = sum(check.state == UNCHANGED for check in verified.scores)
    rows.append([f"scores of {_results_of(hold)}", UNCHANGED, "the means of their queries"])
    for check in verified.scores:
        if check.state != UNCHANGED:
            rows.append([check.name, check.state, first_few(check.details)])
    blocks = [_table(["file", "state", ""], rows)]
    grouped: dict[tuple, dict[str, list[str]]] = {}
    for origin, names in verified.grouped_origins.items():
        grouped.setdefault((origin.what, origin.state), {})[origin.detail] = names
    made_by = [[own.what, own.state, own.detail] for own in verified.rendered_by]
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
    return "\n\n".join([*blocks, closing(run, verified, is_own)])


def closing(run: Path, verified: Verified, is_own: bool = False) -> str:
    """Return the verdict in one line: what was compared, what holds, what was not compared.

    is_own: the configuration is the run's config.yaml; where it may be the wrong one, that is said.
    """
    passed_over = (AS_WRITTEN, NOT_COMPARED, NOT_RENDERED)
    compared = [check for check in verified.rendered if check.state not in passed_over]
    what = f"{_results_of(len(verified.scores))}, {_count(len(compared), 'file')}"
    count = len(verified.broken)
    parts = [f"{count} of these do not hold" if count else "all numbers hold"]
    other = verified.rendered_as(OTHER_LAYOUT, NOT_COMPARED)
    absent = verified.rendered_as(NOT_RENDERED)
    remarks = [name for name in verified.remarks if name not in (*other, *absent)]
    kept = verified.rendered_as(AS_WRITTEN)
    for said, names in (
        ("words not compared, as other code rendered them", other),
        ("missing", verified.rendered_as(MISSING)),
        ("not rendered", absent),
        ("other than here", remarks),
    ):
        if names:
            parts.append(f"{said}: {first_few(names, ', ')}")
    if verified.not_checked:
        parts.append(f"not checked: {', '.join(verified.not_checked)}")
    if kept:
        parts.append(f"{_count(len(kept), 'file')} of figures not drawn again, but as written")
    if is_own and _may_be_of_other_settings(verified):
        parts.append(f"under {run / paths.CONFIG}; if made under another: --config FILE")
    return f"{run}: {what}: {'; '.join(parts)}"


def _may_be_of_other_settings(verified: Verified) -> bool:
    is_other = any(remark.startswith("settings of ") for remark in verified.remarks)
    return is_other or bool(verified.outside or verified.rendered_as(CHANGED))


def as_json(verified: Verified) -> dict:
    """Return all that was found as plain values."""
    return {
        "holds": not verified.broken,
        "broken": verified.broken,
        "remarks": verified.remarks,
        "rendered": [asdict(check) for check in verified.rendered],
        "rendered_by": [asdict(origin) for origin in verified.rendered_by],
        "scores": [asdict(check) for check in verified.scores],
        "made_by": {
            name: [asdict(origin) for origin in own] for name, own in verified.origins.items()
        },
        "outside_grid": verified.outside,
        "unchecked": verified.unchecked,
        "not_checked": verified.not_checked,
    }


def _table(headings: list[str], rows: list[list[str]]) -> str:
    widths = [None, None, WIDTH]
    return tabulate(rows, headings, disable_numparse=True, maxcolwidths=widths)


def _results_of(count: int) -> str:
    return _count(count, "result")


def _count(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"

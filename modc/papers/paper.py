"""A paper as data: a folder with its tables' numbers, its claims and its assumptions.

    paper.yaml        title; by name of each table its title and caption; figures, see `Paper`
    <table>.csv       one row per published number, in the paper's order: the columns of `Place`
                      except table, and value in percent
    claims.yaml       the paper's claims about its numbers (`modc.papers.statements`)
    assumptions.yaml  what it leaves open (`modc.papers.assumptions`)
    courses.csv       how validation MAP@all rose in published trainings: COURSE_COLUMNS, a row an
                      epoch, epochs of a course ascending, value in percent

The last three are optional. Other columns of a table are ignored.
"""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from modc import datasets as dataset_classes
from modc import plugins
from modc.errors import UserError
from modc.papers import reading, statements
from modc.papers.assumptions import Assumption, setting
from modc.papers.places import ALLOWED, OVERALL, Place
from modc.papers.statements import Statement

FOLDER = Path(__file__).parent
PAPER, CLAIMS, ASSUMPTIONS = "paper.yaml", "claims.yaml", "assumptions.yaml"
COURSES = "courses.csv"
COURSE_COLUMNS = ("dataset", "course", "epoch", "value", "source")
# The figures whose network a paper may name.
FIGURES = ("figure1", "figure2")
# What a table may be called: its files are in one folder with those that are reserved.
TABLE_NAME = re.compile("[a-z][a-z0-9_]*")
RESERVED = ("assumptions", "claims", "courses", "paper", "stages", "summary")


@dataclass(frozen=True)
class Table:
    """A table of a paper; name: of its files; published: its numbers as fractions, in order."""

    name: str
    title: str
    caption: str
    published: Mapping[Place, float]

    @property
    def dataset(self) -> str:
        """The dataset of its numbers."""
        return next(iter(self.published)).dataset


@dataclass(frozen=True)
class Course:
    """How validation MAP@all rose in a published training on a dataset.

    name: what was trained; source: where it was published; points: (epoch from 1, fraction), epochs
    ascending, not every one.
    """

    dataset: str
    name: str
    source: str
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Paper:
    """A paper's tables, in its order, with its claims, assumptions and courses.

    figures: the network that a figure of the paper shows, by the figure's name here.
    """

    title: str
    tables: tuple[Table, ...]
    figures: Mapping[str, str] = field(default_factory=dict)
    claims: tuple[Statement, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    courses: tuple[Course, ...] = ()

    @property
    def published(self) -> dict[Place, float]:
        """Every number of the paper as a fraction."""
        return {place: value for table in self.tables for place, value in table.published.items()}


def papers(config: dict) -> tuple[Paper, ...]:
    """Return the papers that `report.papers` names (`folder_of`).

    Raises UserError if one is absent or malformed, if two have a table, claim or assumption of the
    same name, or if one names what the configuration does not have.
    """
    where = folders(config)
    found = tuple(read(folder) for folder in where)
    for kind, names in (
        ("tables", [table.name for paper in found for table in paper.tables]),
        ("claims", [claim.key for paper in found for claim in paper.claims]),
        ("assumptions", [own.id for paper in found for own in paper.assumptions]),
    ):
        for name, count in Counter(names).items():
            if count > 1:
                raise UserError(f"report.papers: {count} {kind} are called {name}; expected one")
    for folder, paper in zip(where, found, strict=True):
        _check_configured(folder, paper, config)
    return found


def tables(config: dict) -> dict[str, Table]:
    """Return the tables of a run's papers by name."""
    return {table.name: table for paper in papers(config) for table in paper.tables}


def datasets(config: dict) -> list[str]:
    """Return the datasets covered by the tables of a run's papers."""
    return list(dict.fromkeys(table.dataset for table in tables(config).values()))


def shipped() -> list[Path]:
    """Return the folders of the papers in modc/papers."""
    return sorted(path.parent for path in FOLDER.glob(f"*/{PAPER}"))


def fingerprint(folders: Iterable[Path]) -> str:
    """Return a hash of the files of papers."""
    digest = sha256()
    for folder in folders:
        for path in sorted(folder.glob("*.[cy]*")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def folders(config: dict) -> list[Path]:
    """Return the folders of a run's papers.

    Each name in `report.papers` is looked up in modc/papers, beside the configuration file, and in
    the current folder.
    """
    places = [FOLDER, *map(Path, config.get(plugins.FOLDERS, [])), Path()]
    found = []
    for name in config["report"]["papers"]:
        own = [place / name for place in places if (place / name / PAPER).is_file()]
        if not own:
            raise UserError(
                f"report.papers: {name}: no {PAPER} found; expected a folder in modc/papers, "
                f"beside the configuration file, or in the current folder"
            )
        found.append(own[0])
    return found


@cache
def read(folder: Path) -> Paper:
    """Return the paper in a folder.

    Raises UserError naming the file and the line, key or entry that is not as it should be.
    """
    types = {"title": str, "tables": dict[str, object], "figures": dict[str, str]}
    said = reading.mapping(folder / PAPER, types, optional=["figures"])
    figures = said.get("figures", {})
    for name in figures:
        if name not in FIGURES:
            known = " or ".join(FIGURES)
            raise UserError(f"{folder / PAPER}: figures: {name}: expected {known}")
    if not said["tables"]:
        raise UserError(f"{folder / PAPER}: tables: expected at least one")
    paper = Paper(
        said["title"],
        tuple(_table(folder, name, own) for name, own in said["tables"].items()),
        figures,
        tuple(reading.entries(folder / CLAIMS, Statement)),
        tuple(reading.entries(folder / ASSUMPTIONS, Assumption)),
        tuple(_courses(folder / COURSES)),
    )
    for number, claim in enumerate(paper.claims, 1):
        try:
            statements.check(claim, paper.published)
        except UserError as error:
            where = reading.entry_name(folder / CLAIMS, number, claim, Statement)
            raise UserError(f"{where}: {error}") from None
    return paper


def _table(folder: Path, name: str, said: object) -> Table:
    where = f"{folder / PAPER}: tables.{name}"
    if not TABLE_NAME.fullmatch(name) or name in RESERVED:
        raise UserError(
            f"{where}: expected a name of lower-case letters, digits and _, such as table1, other "
            f"than {', '.join(RESERVED)}"
        )
    reading.check(said, where, {"title": str, "caption": str})
    path = folder / f"{name}.csv"
    if not path.is_file():
        raise UserError(f"{where}: expected {path.name} beside it")
    published: dict[Place, float] = {}
    lines: dict[Place, int] = {}
    for line, row in reading.rows(path, [*Place._fields[1:], "value"]):
        place = _place(path, line, name, row)
        if place in lines:
            raise UserError(f"{path}, lines {lines[place]} and {line}: the same place; leave one")
        lines[place] = line
        published[place] = _fraction(path, line, row["value"])
    if len({place.dataset for place in published}) != 1:
        raise UserError(f"{path}: expected numbers of one dataset")
    return Table(name, said["title"], said["caption"], MappingProxyType(published))


def _courses(path: Path) -> list[Course]:
    """Return the courses of a file, none where it is absent."""
    if not path.is_file():
        return []
    found: dict[tuple[str, ...], dict[int, float]] = {}
    for line, row in reading.rows(path, COURSE_COLUMNS):
        points = found.setdefault(tuple(row[name] for name in ("dataset", "course", "source")), {})
        text, last = row["epoch"], max(points, default=0)
        if not (text.isdecimal() and int(text) > last):
            raise UserError(f"{path}, line {line}: epoch: expected a whole number above {last}")
        points[int(text)] = _fraction(path, line, row["value"])
    return [Course(*names, tuple(points.items())) for names, points in found.items()]


def _place(path: Path, line: int, table: str, row: dict[str, str]) -> Place:
    where = f"{path}, line {line}"
    texts = {name: row[name] for name in Place._fields[1:]}
    for name, text in texts.items():
        if name not in ALLOWED:
            if not text:
                raise UserError(f"{where}: {name} is empty")
        elif text not in ALLOWED[name]:
            *others, last = [one or "empty" for one in ALLOWED[name]]
            raise UserError(f"{where}: {name}: {text}; expected {', '.join(others)} or {last}")
    percent = texts["labeled_percent"]
    if not (percent.isdecimal() and 1 <= int(percent) <= 100):
        raise UserError(
            f"{where}: labeled_percent: {percent}; expected a whole number from 1 to 100"
        )
    return Place(table, **texts | {"labeled_percent": int(percent)})


def _fraction(path: Path, line: int, text: str) -> float:
    if not text:
        raise UserError(f"{path}, line {line}: value is empty")
    try:
        percent = float(text)
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        raise UserError(f"{path}, line {line}: value: expected a number from 0 to 100, not {text}")
    # Published in percent with two decimals.
    return round(percent / 100, 4)


def _check_configured(folder: Path, paper: Paper, config: dict) -> None:
    """Raise UserError if a paper names what a configuration has by another name, or not at all."""
    for table in paper.tables:
        _check_dataset(folder / f"{table.name}.csv", table, config)
    for number, assumption in enumerate(paper.assumptions, 1):
        try:
            setting(config, assumption)
        except UserError as error:
            where = reading.entry_name(folder / ASSUMPTIONS, number, assumption, Assumption)
            raise UserError(f"{where}: {error}") from None


def _check_dataset(path: Path, table: Table, config: dict) -> None:
    described, expected = config["datasets"], {"method": [*config["methods"]]}
    dataset = table.dataset
    if dataset in described:
        own = dataset_classes.class_of(described[dataset], dataset).attributes
        expected["attribute"] = [*own, OVERALL]
    elif close := [name for name in described if _is_slip(dataset, name)]:
        # A dataset of a quite different name may be one that the configuration does not have.
        expected["dataset"] = close
    for column, known in expected.items():
        unknown = {getattr(place, column) for place in table.published} - {*known}
        for line, row in reading.rows(path, ()) if unknown else ():
            if row[column] in unknown:
                raise UserError(
                    f"{path}, line {line}: {column}: {row[column]}; expected {', '.join(known)}"
                )


def _is_slip(text: str, name: str) -> bool:
    """Return whether `text` is `name` in another spelling, with a letter more or two swapped."""
    one, other = (re.sub(r"[\W_]", "", word.casefold()) for word in (text, name))
    ratio = difflib.SequenceMatcher(None, one, other).ratio()
    return sorted(one) == sorted(other) or ratio >= 0.9


def assumptions(config: dict) -> list[Assumption]:
    """Return the assumptions of a run's papers, in order."""
    return [assumption for paper in papers(config) for assumption in paper.assumptions]


def courses(config: dict, dataset: str) -> list[Course]:
    """Return the courses that a run's papers have of a dataset."""
    return [own for paper in papers(config) for own in paper.courses if own.dataset == dataset]

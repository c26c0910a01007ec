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

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

import yaml

from modc import plugins
from modc.errors import UserError
from modc.papers.assumptions import Assumption
from modc.papers.places import Place
from modc.papers.statements import Statement

FOLDER = Path(__file__).parent
PAPER, CLAIMS, ASSUMPTIONS = "paper.yaml", "claims.yaml", "assumptions.yaml"
COURSES = "courses.csv"
COURSE_COLUMNS = ("dataset", "course", "epoch", "value", "source")


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

    Raises UserError if one is absent or malformed, or if two have tables of the same name.
    """
    found = tuple(read(folder) for folder in folders(config))
    names = [table.name for paper in found for table in paper.tables]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"report.papers: two tables are called {name}; expected one")
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
    """Return the paper in a folder. Raises UserError as `papers` does."""
    said = _yaml(folder / PAPER, dict)
    _check_keys(folder / PAPER, {"figures": {}, **said}, {"title", "tables", "figures"})
    return Paper(
        said["title"],
        tuple(_table(folder, name, own) for name, own in said["tables"].items()),
        said.get("figures", {}),
        tuple(_entries(folder / CLAIMS, Statement)),
        tuple(_entries(folder / ASSUMPTIONS, Assumption)),
        tuple(_courses(folder / COURSES)),
    )


def _table(folder: Path, name: str, said: object) -> Table:
    where = f"{PAPER}: tables.{name}"
    if not isinstance(said, dict):
        raise UserError(f"{folder / where}: expected a title and a caption")
    _check_keys(folder / where, said, {"title", "caption"})
    path = folder / f"{name}.csv"
    published = {
        _place(path, line, name, row): _fraction(path, line, row["value"])
        for line, row in _rows(path, {*Place._fields[1:], "value"})
    }
    if len({place.dataset for place in published}) != 1:
        raise UserError(f"{path}: expected numbers of one dataset")
    return Table(name, said["title"], said["caption"], MappingProxyType(published))


def _courses(path: Path) -> list[Course]:
    """Return the courses of a file, none where it is absent."""
    if not path.is_file():
        return []
    found: dict[tuple[str, ...], dict[int, float]] = {}
    for line, row in _rows(path, {*COURSE_COLUMNS}):
        points = found.setdefault(
            tuple(row[name] or "" for name in ("dataset", "course", "source")), {}
        )
        text, last = row["epoch"] or "", max(points, default=0)
        if not (text.isdecimal() and int(text) > last):
            raise UserError(f"{path}, line {line}: epoch: expected a whole number above {last}")
        points[int(text)] = _fraction(path, line, row["value"])
    return [Course(*names, tuple(points.items())) for names, points in found.items()]


def _rows(path: Path, columns: set[str]) -> Iterator[tuple[int, dict]]:
    """Yield the rows of a CSV file that has `columns`, each with its line."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            lacking = columns - {*(rows.fieldnames or ())}
            if lacking:
                raise UserError(f"{path}: the columns {', '.join(sorted(lacking))} are missing")
            for row in rows:
                yield rows.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def _place(path: Path, line: int, table: str, row: dict) -> Place:
    texts = {name: row[name] or "" for name in Place._fields[1:]}
    if not texts["labeled_percent"].isdecimal():
        raise UserError(f"{path}, line {line}: labeled_percent: expected a whole number")
    return Place(table, **texts | {"labeled_percent": int(texts["labeled_percent"])})


def _fraction(path: Path, line: int, text: str) -> float:
    try:
        percent = float(text)
    except (TypeError, ValueError):
        percent = -1.0
    if not 0 <= percent <= 100:
        raise UserError(f"{path}, line {line}: value: expected a number from 0 to 100, not {text}")
    # Published in percent with two decimals.
    return round(percent / 100, 4)


def _entries(path: Path, kind: type) -> list:
    """Return the entries of a file as objects of `kind`, none if it is absent."""
    if not path.is_file():
        return []
    found = []
    for number, entry in enumerate(_yaml(path, list), 1):
        try:
            found.append(kind(**entry))
        except TypeError as error:
            raise UserError(f"{path}, entry {number}: {error}") from None
    return found


def _yaml(path: Path, kind: type) -> object:
    try:
        said = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except yaml.YAMLError as error:
        line = error.problem_mark.line + 1 if getattr(error, "problem_mark", None) else 1
        raise UserError(f"{path}, line {line}: not YAML") from None
    if not isinstance(said, kind):
        raise UserError(f"{path}: expected a {'mapping' if kind is dict else 'list'}")
    return said


def _check_keys(path: Path, said: dict, keys: set[str]) -> None:
    for key in sorted({*said} ^ keys):
        wrong = "is unknown" if key in said else "is missing"
        raise UserError(f"{path}: the key {key!r} {wrong}")


def assumptions(config: dict) -> list[Assumption]:
    """Return the assumptions of a run's papers, in order."""
    return [assumption for paper in papers(config) for assumption in paper.assumptions]


def courses(config: dict, dataset: str) -> list[Course]:
    """Return the courses that a run's papers have of a dataset."""
    return [own for paper in papers(config) for own in paper.courses if own.dataset == dataset]

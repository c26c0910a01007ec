"""The files of a paper as they are read: rows, mappings and entries, with what is wrong in them."""

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import yaml

from modc.config import UniqueKeys
from modc.errors import UserError

# The types of what is written in a paper's YAML, in words: one, and several.
_WORDS = {
    str: ("text", "texts"),
    bool: ("true or false", "truth values"),
    list: ("a list", "lists"),
    dict: ("a mapping", "mappings"),
    Mapping: ("a mapping", "mappings"),
}


def rows(path: Path, columns: Collection[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a CSV file that has `columns`, each with its line.

    Raises UserError if there are none, or one has more or fewer fields than the header.
    """
    number = None
    found = csv.DictReader(io.StringIO(text(path), newline=""))
    lacking = sorted({*columns} - {*(found.fieldnames or ())})
    if lacking:
        plural = "s" if len(lacking) > 1 else ""
        raise UserError(f"{path}: missing column{plural}: {', '.join(lacking)}")
    try:
        for row in found:
            number = found.line_num
            if None in row or None in row.values():
                size = "many" if None in row else "few"
                wanted = len(found.fieldnames)
                raise UserError(f"{path}, line {number}: too {size} fields; expected {wanted}")
            yield number, row
    except csv.Error as error:
        raise UserError(f"{path}, line {found.line_num}: {error}") from None
    if number is None:
        raise UserError(f"{path}: no rows; expected one per published number")


def mapping(path: Path, types: Mapping[str, object], optional: Collection[str] = ()) -> dict:
    """Return the mapping in a YAML file. Raises UserError as `check` does."""
    said = _yaml(path)
    check(said, str(path), types, optional)
    return said


def entries(path: Path, kind: type) -> list:
    """Return the entries of a YAML file as objects of the dataclass `kind`, none if it is absent.

    Raises UserError if an entry does not have the keys and types of `kind`.
    """
    if not path.is_file():
        return []
    said = _yaml(path)
    if not isinstance(said, list):
        raise UserError(f"{path}: expected a list")
    optional = [
        one.name
        for one in fields(kind)
        if not (one.default is MISSING and one.default_factory is MISSING)
    ]
    for number, entry in enumerate(said, 1):
        check(entry, entry_name(path, number, entry, kind), get_type_hints(kind), optional)
    return [kind(**entry) for entry in said]


def entry_name(path: Path, number: int, entry: object, kind: type) -> str:
    """Return where an entry is: its file, its number from 1, and its first field, if it has one."""
    first = fields(kind)[0].name
    name = entry.get(first) if isinstance(entry, dict) else getattr(entry, first, None)
    return f"{path}, entry {number}" + (f" ({name})" if isinstance(name, str) else "")


def check(
    said: object, where: str, types: Mapping[str, object], optional: Collection[str] = ()
) -> None:
    """Raise UserError unless `said` is a mapping with the keys of `types`, each value of its type.

    types: by key str, bool, list[...] or dict[..., ...]; `object` may be anything.
    """
    if not isinstance(said, dict):
        raise UserError(f"{where}: expected a mapping with the keys {', '.join(types)}")
    unknown = [f"the key {key!r} is unknown" for key in said if key not in types]
    missing = [
        f"the key {key!r} is missing" for key in types if key not in said and key not in optional
    ]
    if unknown or missing:
        wrong = ", ".join([*unknown, *missing])
        raise UserError(f"{where}: {wrong}; expected {', '.join(types)}")
    for key, value in said.items():
        if not _fits(value, types[key]):
            raise UserError(f"{where}: {key}: expected {_words(types[key])}")


def text(path: Path) -> str:
    """Return the text of a file in UTF-8."""
    try:
        # Spreadsheets begin UTF-8 with a byte order mark.
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8; save it as UTF-8") from None


def _yaml(path: Path) -> object:
    try:
        return yaml.load(text(path), UniqueKeys)
    except (yaml.YAMLError, TypeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None)
        why = f": {problem}" if problem else ""
        raise UserError(f"{path}{line}: not YAML{why}") from None


def _fits(value: object, hint: object) -> bool:
    kind, inner = get_origin(hint) or hint, get_args(hint)
    if not isinstance(value, kind):
        return False
    if kind is list:
        return all(_fits(one, inner[0]) for one in value)
    if kind in (dict, Mapping) and inner:
        return all(_fits(key, inner[0]) and _fits(one, inner[1]) for key, one in value.items())
    return True


def _words(hint: object, several: bool = False) -> str:
    kind, inner = get_origin(hint) or hint, get_args(hint)
    said = _WORDS[kind][several]
    # What a mapping maps to is worth a word only where it is not just anything.
    of = [one for one in inner[-1:] if one is not object]
    return f"{said} of {_words(of[0], several=True)}" if of else said

"""A list of URLs: a name and a URL a line, in the variants in which such lists go around."""

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath

from modc.data.image_file import SUFFIXES
from modc.data.states import BAD_ADDRESS, BAD_NAME, PENDING
from modc.errors import UserError
from modc.fetch.spelling import parse

# Of a file or folder; file systems allow 255.
LONGEST_PART = 200
LONGEST_URL = 4096
AS_PERCENT = "modc.percent"
# A field in quotes, or a URL in angle brackets.
_QUOTED = re.compile(r"(?<![^ \t,;|])([\"'<])([^\"'<>]*)[\"'>](?![^ \t,;|])")
# Of two letters at least: one is a drive.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
# Lists made for other tools name the folder of the images, too, and the dataset's.
_FOLDER = r"(?:\./)?(?:(?:data/)?{}/)?pic/"
_SEPARATORS = {" ": "blanks", "\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}


@dataclass(frozen=True, slots=True)
class Listed:
    """One line. state: pending if it can be asked for, else bad_name or bad_address, with why."""

    line: int
    name: str
    url: str
    state: str = PENDING
    detail: str = ""


@dataclass(frozen=True)
class _Naming:
    """How a dataset's images are called: folders that may stand before, what is usual."""

    dataset: str
    folder: re.Pattern[str]
    usual: re.Pattern[str]


@dataclass
class UrlList:
    """The lines of a list and what was inferred of it; `rows` may be walked through once."""

    path: Path
    sha256: str
    rows: Iterator[Listed]
    seen: Counter = field(default_factory=Counter)

    def inferred(self) -> str:
        """Return one line on how the list was read, after `rows` were walked through."""
        return "; ".join(f"{count:,} {what}" for what, count in sorted(self.seen.items()))


def read(path: Path, dataset: str = "", usual_name: str = "") -> UrlList:
    """Return the list at `path`.

    dataset: its name, which may stand before `pic/`. usual_name: a regular expression of its names;
    those unlike it are counted; "" for none.

    A line is `<name> <url>`, split at its first blank, tab, comma, semicolon or bar, or
    `<url> <name>`, split at its last; quotes around either are taken off. A leading `pic/` and a
    picture's extension are taken off the name. Blank lines and lines that begin with # are skipped.
    Raises UserError if no line has a URL.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: no such list of URLs") from None
    digest = sha256(data).hexdigest()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # Windows' "Unicode"
        data = data.decode("utf-16", errors="replace").encode()
    if b"://" not in data or data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        raise UserError(f"{path}: not a list of URLs; expected lines of `<name> <url>`")
    listed = UrlList(path, digest, iter(()))
    naming = _Naming(
        dataset, re.compile(_FOLDER.format(re.escape(dataset))), re.compile(usual_name or ".*")
    )
    listed.rows = _rows(data.decode("utf-8-sig", errors=AS_PERCENT), listed.seen, naming)
    return listed


def _percent(error: UnicodeDecodeError) -> tuple[str, int]:
    """Spell the bytes that are not UTF-8 as a URL does, so that they are asked for as they came."""
    wrong = error.object[error.start : error.end]
    return "".join(f"%{byte:02X}" for byte in wrong), error.end


codecs.register_error(AS_PERCENT, _percent)


def _rows(text: str, seen: Counter, naming: _Naming) -> Iterator[Listed]:
    # Not splitlines(): a name may hold what Unicode takes for the end of a line.
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text.rstrip("\r\n")), 1):
        # A NUL or an escape is part of a name, and makes it a bad one.
        line = _QUOTED.sub(r"\2", line.strip(" \t"))
        if not line or line.startswith("#"):
            seen["blank lines and comments"] += 1
            continue
        name, url, separator = _split(line, seen)
        seen[f"lines separated by {_SEPARATORS.get(separator, 'nothing')}"] += 1
        yield _listed(number, name, url, seen, naming)


def _split(line: str, seen: Counter) -> tuple[str, str, str]:
    if _SCHEME.match(line):
        seen["lines with the URL first"] += 1
        match = re.fullmatch(r"(.*?)[ \t]*([ \t,;|])[ \t]*([^ \t,;|]+)", line)
        return (match[3], match[1], match[2]) if match else ("", line, "")
    seen["lines with the name first"] += 1
    match = re.fullmatch(r"([^ \t,;|]+)[ \t]*([ \t,;|])[ \t]*(.*)", line)
    return (match[1], match[3], match[2]) if match else (line, "", "")


def _listed(number: int, name: str, url: str, seen: Counter, naming: _Naming) -> Listed:
    folder = naming.folder.match(name)
    if folder:
        seen["names with pic/"] += 1
        name = name[folder.end() :]
    if name.lower().endswith(SUFFIXES):
        seen["names with an extension"] += 1
        name = name[: name.rindex(".")]
    wrong = _what_is_wrong_with_name(name)
    if wrong:
        return Listed(number, name, url, BAD_NAME, wrong)
    if not naming.usual.fullmatch(name):
        seen[f"names unlike {naming.dataset}'s"] += 1
    wrong = _what_is_wrong_with_url(url)
    return Listed(number, name, url, BAD_ADDRESS, wrong) if wrong else Listed(number, name, url)


def _what_is_wrong_with_name(name: str) -> str:
    parts = name.split("/")
    if not name:
        return "no name"
    if PurePosixPath(name).is_absolute() or "\\" in name or ":" in name:
        return "an absolute path"
    if not name.isprintable():
        return "a control character"
    if any(part in ("", ".", "..") or part.startswith(".") for part in parts):
        return "a path outside its folder, or a hidden file"
    if any(len(part.encode("utf-8", "replace")) > LONGEST_PART for part in parts):
        return f"longer than {LONGEST_PART} bytes"
    return ""


def _what_is_wrong_with_url(url: str) -> str:
    if not url:
        return "no URL"
    if len(url) > LONGEST_URL:
        return f"longer than {LONGEST_URL} characters"
    # Browsers would send a blank; in a list it shows that there are more columns than two.
    if not url.isprintable() or " " in url:
        return "a blank or a control character in the URL"
    try:
        parse(url)
    except ValueError as error:
        return str(error)
    return ""

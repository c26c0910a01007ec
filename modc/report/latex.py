"""Tables as LaTeX: a float to \\input into a paper, and a standalone document around it.

The float fits the 12.2 cm text width of LNCS: headings are broken into lines, deviations are set
below their numbers, and the verdict is a sign at the difference.
"""

import re
from itertools import groupby

from modc.report.layout import (
    ABSENT,
    NOT_COMPARABLE_MARK,
    OUTSIDE_MARK,
    Entry,
    Page,
    Row,
)
from modc.report.verdicts import ABOVE, BELOW, CONSISTENT, ONE_TRAINING, REPRODUCED, UNDECIDED

SPECIAL = {
    "\\": r"\textbackslash{}",
    "%": r"\%",
    "_": r"\_",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "†": r"\dag{}",
    "‡": r"\ddag{}",
    ABSENT: "--",
    OUTSIDE_MARK: r"$\cdot$",
}
# These need no symbol package.
SIGNS = {
    CONSISTENT: "$^=$",
    REPRODUCED: r"$^\equiv$",
    BELOW: r"$^\downarrow$",
    ABOVE: r"$^\uparrow$",
    UNDECIDED: "$^?$",
    ONE_TRAINING: "$^1$",
}
LEGEND = {
    NOT_COMPARABLE_MARK: "not comparable",
    ABSENT: "missing",
    OUTSIDE_MARK: "not in this run's grid",
}
# Names of LaTeX commands consist of letters only.
SPELLED = {
    **dict(zip("01234", ("Zero", "One", "Two", "Three", "Four"), strict=True)),
    **dict(zip("56789", ("Five", "Six", "Seven", "Eight", "Nine"), strict=True)),
    "+": "Plus",
    "-": "Dash",
}

FLOAT = r"""%% %(title)s
%% A table for \input. The document must load booktabs and graphicx.
%% To replace the caption or the label, define these before the \input:
%%   \newcommand{\%(name)sCaption}{...}
%%   \newcommand{\%(name)sLabel}{...}
%% The notes (data, verdicts, seeds, settings) are not printed: put \%(name)sNotes where they fit.
\providecommand{\%(name)sCaption}{%(caption)s}
\providecommand{\%(name)sLabel}{tab:%(stem)s}
\providecommand{\%(name)sNotes}{{\emergencystretch=3em %(notes)s\par}}
\begin{table}
\caption{\%(name)sCaption}
\label{\%(name)sLabel}
\smallskip
\centering
\footnotesize
\setlength{\tabcolsep}{2pt}
\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%%
\begin{tabular}{@{}l%(columns)s@{}}
\toprule
%(body)s
\bottomrule
\end{tabular}}
\end{table}
"""
# A single table needs no number.
DOCUMENT = r"""\documentclass{article}
\usepackage[a4paper,hmargin=20mm,vmargin=15mm]{geometry}
\usepackage{booktabs}
\usepackage{graphicx}
\pagestyle{empty}
\makeatletter
\renewcommand{\@makecaption}[2]{#2\par\medskip}
\makeatother
\begin{document}
%(float)s
\begingroup
\footnotesize\raggedright
\setlength{\parindent}{0pt}
\%(name)sNotes
\par\endgroup
\end{document}
"""


def fragment(page: Page, stem: str) -> str:
    r"""Return the page as a float, which needs booktabs and graphicx.

    stem: the file name without its ending, such as "table1". Caption, label and notes are the
    commands \modcTableOneCaption, \modcTableOneLabel and \modcTableOneNotes; definitions made
    earlier in the document are kept. The notes are not printed.
    """
    return FLOAT % {
        "title": escape(page.title),
        "name": command(stem),
        "stem": stem,
        "caption": _caption(page),
        "notes": "\\par\n".join(map(_note, page.notes)),
        "columns": "r" * len(page.columns),
        "body": "\n\\midrule\n".join(_body(page)),
    }


def standalone(page: Page, stem: str) -> str:
    """Return a standalone document: the float, and the notes below it."""
    return DOCUMENT % {"float": fragment(page, stem), "name": command(stem)}


def command(stem: str) -> str:
    """Return the prefix of a table's commands: modcTableOne for "table1"."""
    words = [word[:1].upper() + word[1:] for word in stem.split("_")]
    return "modc" + "".join(SPELLED.get(c, c) for c in "".join(words))


def escape(text: str) -> str:
    """Return `text` with LaTeX's special characters escaped; other non-ASCII ones become "?"."""
    return "".join(SPECIAL.get(c, c if c.isascii() else "?") for c in " ".join(text.split()))


def _note(text: str) -> str:
    """Return a note in which the names of settings may break after a dot or an underscore."""
    return re.sub(r"(?<=\w)(\.|\\_)(?=[A-Za-z])", r"\1\\allowbreak{}", escape(text))


def _caption(page: Page) -> str:
    """Return the title and the meaning of the signs in this table."""
    entries = [e for rows in _parts(page).values() for row in rows for e in row.entries]
    is_reproduced = "Reproduction of " if page.is_compared else ""
    said = [f"{escape(is_reproduced + page.title)}."]
    if page.is_compared:
        said.append("Differences are ours minus published, in points.")
    if any(entry.best_of_network for entry in entries):
        said.append("Bold: best of each network; underlined: best of all.")
    signs = [
        f"{escape(mark)} {meaning}"
        for mark, meaning in LEGEND.items()
        if any(mark in entry.text for entry in entries)
    ]
    found = {_verdict(entry) for entry in entries} if page.is_compared else set()
    signs += [f"{sign} {verdict}" for verdict, sign in SIGNS.items() if verdict in found]
    return " ".join([*said, f"{', '.join(signs)}." if signs else ""]).strip()


def _parts(page: Page) -> dict[str, list[Row]]:
    """Return all parts but the verdicts, whose signs are set at the differences."""
    return {title: rows for title, rows in page.parts.items() if title != "Verdict"}


def _body(page: Page) -> list[str]:
    """Return the headings, then the rows of each part below its name."""
    found = [_headings(page)]
    for title, rows in _parts(page).items():
        name = [rf"\multicolumn{{{len(page.columns) + 1}}}{{@{{}}l}}{{\textit{{{title}}}}} \\"]
        lines = _rows(rows, title == "Difference")
        found.append("\n".join([*(name if page.is_compared else []), *lines]))
    return found


def _headings(page: Page) -> str:
    """Return the line of headings, preceded by a line of group headings if there are several."""
    groups = [(group, len(list(same))) for group, same in groupby(page.columns, lambda c: c[0])]
    lines = []
    if any(group for group, _ in groups):
        spans = [rf"\multicolumn{{{count}}}{{c}}{{{escape(group)}}}" for group, count in groups]
        rules, start = [], 2
        for _, count in groups:
            rules.append(rf"\cmidrule(lr){{{start}-{start + count - 1}}}")
            start += count
        lines = [_line(["", *spans]), "".join(rules)]
    return "\n".join([*lines, _line(["", *(_broken(name) for _, name in page.columns)])])


def _broken(heading: str) -> str:
    """Return a column heading with one word per line."""
    words = r" \\ ".join(map(escape, heading.replace("@", " @").split()))
    return rf"\scriptsize\shortstack[r]{{{words}}}"


def _rows(rows: list[Row], has_signs: bool) -> list[str]:
    lines = []
    for position, row in enumerate(rows):
        if position and row.group != rows[position - 1].group:
            lines.append(r"\addlinespace")
        numbers = [_number(entry) + (_sign(entry) if has_signs else "") for entry in row.entries]
        lines.append(_line([escape(row.label), *numbers]))
        spreads = [_split(entry.text)[1] for entry in row.entries]
        if any(spreads):
            lines[-1] += "[-3pt]"
            below = [rf"\tiny$\pm${escape(spread)}" if spread else "" for spread in spreads]
            lines.append(_line(["", *below]))
    return lines


def _number(entry: Entry) -> str:
    text = escape(_split(entry.text)[0])
    if text.startswith("-") and text != SPECIAL[ABSENT]:
        text = f"$-${text[1:]}"  # a minus instead of a hyphen
    if entry.best_of_network:
        text = rf"\textbf{{{text}}}"
    return rf"\underline{{{text}}}" if entry.best_of_all else text


def _split(text: str) -> tuple[str, str]:
    """Return the number with its mark, and the deviation: 1.00† and 0.20 for 1.00 ± 0.20†."""
    number, _, spread = text.partition(" ± ")
    if spread.endswith(NOT_COMPARABLE_MARK):
        return number + NOT_COMPARABLE_MARK, spread.removesuffix(NOT_COMPARABLE_MARK)
    return number, spread


def _verdict(entry: Entry) -> str:
    return entry.place["verdict"] if entry.place else ""


def _sign(entry: Entry) -> str:
    return SIGNS.get(_verdict(entry), "")


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"

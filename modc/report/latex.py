"""Tables as LaTeX: each file compiles alone, and a paper may take it in by input.

Such a paper loads booktabs and graphicx.
"""

from itertools import groupby

from modc.report.layout import ABSENT, OUTSIDE_MARK, Entry, Page, Row

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

# LaTeX makes \@nodocument \relax where a document begins: only before that, this is one.
DOCUMENT = r"""\expandafter\ifx\csname @nodocument\endcsname\relax\else
\documentclass{article}
\usepackage[a4paper,landscape,margin=12mm]{geometry}
\usepackage{booktabs}
\usepackage{graphicx}
\pagestyle{empty}
\def\tablealone{}
\begin{document}
\fi
\begingroup
\setlength{\parindent}{0pt}
{\large\bfseries %(title)s\par}
\medskip
%(parts)s
\footnotesize
%(notes)s
\par\endgroup
\expandafter\ifx\csname tablealone\endcsname\relax\else
\end{document}
\fi
"""
PART = r"""\begin{center}
\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%%
\begin{tabular}{%(columns)s}
\toprule
%(body)s
\bottomrule
\end{tabular}}
\end{center}
"""


def latex(page: Page) -> str:
    """Return the page: a table a part, then the notes, a document where it is not in one."""
    columns = "l" + "r" * len(page.columns)
    parts = []
    for title, rows in page.parts.items():
        body = [*_headings(page, title), r"\midrule", *_rows(rows)]
        parts.append(PART % {"columns": columns, "body": "\n".join(body)})
    return DOCUMENT % {
        "title": escape(page.title),
        "parts": "\n".join(parts),
        "notes": "\\par\n".join(escape(note) for note in page.notes),
    }


def escape(text: str) -> str:
    """Return `text` with LaTeX's special characters escaped; other than ASCII becomes "?"."""
    return "".join(SPECIAL.get(c, c if c.isascii() else "?") for c in " ".join(text.split()))


def _headings(page: Page, title: str) -> list[str]:
    """Return the line of headings, below a line of those that span several columns."""
    groups = [(group, len(list(same))) for group, same in groupby(page.columns, lambda c: c[0])]
    spans = [rf"\multicolumn{{{count}}}{{c}}{{{escape(group)}}}" for group, count in groups]
    rules, start = [], 2
    for _, count in groups:
        rules.append(rf"\cmidrule(lr){{{start}-{start + count - 1}}}")
        start += count
    names = [escape(name) for _, name in page.columns]
    return [_line([rf"\textit{{{escape(title)}}}", *spans]), "".join(rules), _line(["", *names])]


def _rows(rows: list[Row]) -> list[str]:
    lines = []
    for position, row in enumerate(rows):
        if position and row.group != rows[position - 1].group:
            lines.append(r"\addlinespace")
        lines.append(_line([escape(row.label), *(_markup(entry) for entry in row.entries)]))
    return lines


def _markup(entry: Entry) -> str:
    text = escape(entry.text)
    if text.startswith("-") and text != SPECIAL[ABSENT]:
        text = f"$-${text[1:]}"  # a minus, where the text has a hyphen
    if entry.best_of_network:
        text = rf"\textbf{{{text}}}"
    return rf"\underline{{{text}}}" if entry.best_of_all else text


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"

import re
import shutil
import subprocess
from functools import cache

import pytest
from made_tables import table_of

from modc.report.latex import command, escape, fragment, standalone
from modc.report.layout import Entry, Page, Row, page
from modc.report.results import collect
from modc.report.tables import Source, attribute_table

from .conftest import paper, write_grid

UNESCAPED = re.compile(r"(?<!\\)&")
PDFLATEX = shutil.which("pdflatex")
# The page of LNCS: 12.2 by 19.3 cm of text.
PAPER = r"""\documentclass[10pt]{article}
\usepackage[a4paper,textwidth=12.2cm,textheight=19.3cm]{geometry}
\usepackage{booktabs}
\usepackage{graphicx}
\newcommand{\modcTableOneCaption}{My own words.}
\newcommand{\modcTableOneLabel}{tab:mine}
\begin{document}
See Table~\ref{tab:mine}, and Table~\ref{tab:table2}.
%s
\clearpage
\modcTableTwoNotes
\end{document}
"""
NUMBERS = (1, 2, 3, 4, 5)


def test_escape():
    assert escape("a_b 5 % & #$ {x} ~^ <y> \\") == (
        r"a\_b 5 \% \& \#\$ \{x\} \textasciitilde{}\textasciicircum{} "
        r"\textless{}y\textgreater{} \textbackslash{}"
    )
    assert escape("1 ± 2† ‡ –") == r"1 $\pm$ 2\dag{} \ddag{} --"
    assert escape("Rocklänge\n长") == "Rockl?nge ?"


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("table1", "modcTableOne"),
        ("FashionMNIST", "modcFashionMNIST"),
        ("my_set+2-x", "modcMySetPlusTwoDashx"),
    ],
)
def test_commands_have_letters_only(stem, expected):
    assert command(stem) == expected


def test_marks_and_signs():
    row = Row("A_b", "", [Entry("2.00", True, True), Entry("-1.00†"), Entry("–"), Entry("")])
    columns = [("", name) for name in "wxyz"]
    text = fragment(Page("Title", columns, {"Ours": [row]}, ["100 %"]), "mine")
    assert r"A\_b & \underline{\textbf{2.00}} & $-$1.00\dag{} & -- &  \\" in text
    assert r"100 \%\par}}" in text
    assert r"\dag{} not comparable, -- missing." in text and "not in this run" not in text


def test_a_deviation_stands_below_its_number():
    row = Row("A", "", [Entry("2.00 ± 0.10†"), Entry("3.00")])
    text = fragment(Page("Title", [("", "x"), ("", "y")], {"Ours": [row]}, []), "mine")
    first, second = [line for line in text.splitlines() if " & " in line][-2:]
    assert first == r"A & 2.00\dag{} & 3.00 \\[-3pt]"
    assert second == r" & \tiny$\pm$0.10 &  \\"


@pytest.mark.parametrize(
    ("verdict", "sign"), [("consistent", "$^=$"), ("below", r"$^\downarrow$"), ("missing", "")]
)
def test_a_verdict_is_a_sign_at_the_difference(verdict, sign):
    entry = Entry("1.00", place={"verdict": verdict})
    parts = {part: [Row("A", "", [entry])] for part in ("Ours", "Difference", "Verdict")}
    text = fragment(Page("Title", [("", "x")], parts, []), "mine")
    assert [line for line in text.splitlines() if line.startswith("A &")] == [
        r"A & 1.00 \\",
        rf"A & 1.00{sign} \\",
    ]
    assert (f"{sign} {verdict}" in text) == bool(sign)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return, by its stem, each page of two seeds, of drawn images or not."""

    @cache
    def made(generated: bool) -> dict[str, Page]:
        config = paper()
        datasets = ["FashionAI", "DARN", "FashionMNIST"]
        config["grid"] |= {"seeds": [0, 1], "datasets": datasets}
        folder = write_grid(tmp_path_factory.mktemp("latex"), config, generated=generated)
        source = Source(collect(folder, config), config)
        frames = {f"table{n}": table_of(n, source) for n in NUMBERS}
        frames["FashionMNIST"] = attribute_table("FashionMNIST", source)
        return {stem: page(frame, stem, config) for stem, frame in frames.items()}

    return made


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("generated", [False, True])
def test_structure(pages, number, generated):
    laid_out = pages(generated)[f"table{number}"]
    text = fragment(laid_out, f"table{number}")
    columns = len(laid_out.columns) + 1
    assert rf"\begin{{tabular}}{{@{{}}l{'r' * (columns - 1)}@{{}}}}" in text
    headings, *parts = text.split(r"\toprule")[1].split(r"\bottomrule")[0].split("\\midrule\n")
    shown = [rows for title, rows in laid_out.parts.items() if title != "Verdict"]
    assert len(parts) == len(shown)
    for part, rows in zip(parts, shown, strict=True):
        # A line of the part's name, and of each row; one more below where it has a deviation.
        spread = sum(any("±" in entry.text for entry in row.entries) for row in rows)
        lines = [line for line in part.splitlines() if r"\\" in line]
        assert len(lines) == 1 + len(rows) + spread
        assert spread == (len(rows) if rows is shown[0] else 0)
        for line in lines:
            spans = [int(span) for span in re.findall(r"\\multicolumn\{(\d+)\}", line)]
            assert len(UNESCAPED.findall(line)) + 1 + sum(spans) - len(spans) == columns
    for first, last in re.findall(r"\\cmidrule\(lr\)\{(\d+)-(\d+)\}", headings):
        assert 2 <= int(first) <= int(last) <= columns
    for name in ("tabular", "table"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") == 1
    code = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    unescaped = re.sub(r"\\[{}]", "", code)
    assert unescaped.count("{") == unescaped.count("}")
    assert text.isascii()
    assert not re.search(r"(?<!\\)%(?!\n)", code)
    assert ("NOT COMPARABLE" in text) == generated


def test_the_float_brings_nothing_that_belongs_to_its_document():
    laid_out = Page("Title", [("", "all")], {"Ours": []}, [])
    text = fragment(laid_out, "mine")
    for name in ("documentclass", "usepackage", "begin{document}", "end{document}", "newcommand{"):
        assert not re.search(rf"^\\{re.escape(name)}", text, re.MULTILINE)
    # Only what begins in the float is set there: no font or length is the paper's.
    assert text.index(r"\begin{table}") < text.index(r"\footnotesize")
    assert text.index(r"\setlength") < text.index(r"\end{table}")
    assert text in standalone(laid_out, "mine")


def compiled(folder, name: str) -> str:
    """Compile a file and return its log; nothing may be wider or higher than the page's text."""
    command = [PDFLATEX, "-interaction=nonstopmode", "-halt-on-error", name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "too large" not in done.stdout
    # TeX's own fuzz is 0.1 pt.
    wide = [float(pt) for pt in re.findall(r"Overfull \\hbox \(([\d.]+)pt", done.stdout)]
    assert all(pt < 1 for pt in wide), wide
    return done.stdout


@pytest.mark.skipif(PDFLATEX is None, reason="no pdflatex on the PATH")
@pytest.mark.parametrize("generated", [False, True])
def test_a_paper_takes_the_floats_in(pages, tmp_path, generated):
    for stem, laid_out in pages(generated).items():
        (tmp_path / f"{stem}.tex").write_text(fragment(laid_out, stem))
    inputs = "\n".join(rf"\input{{{stem}}}\{command(stem)}Notes" for stem in pages(generated))
    (tmp_path / "paper.tex").write_text(PAPER % inputs)
    compiled(tmp_path, "paper.tex")
    assert "undefined" not in compiled(tmp_path, "paper.tex")  # references
    labels = re.findall(r"\\newlabel\{(.*?)\}\{\{(\d)\}", (tmp_path / "paper.aux").read_text())
    own = ["tab:mine", "tab:table2", "tab:table3", "tab:table4", "tab:table5", "tab:FashionMNIST"]
    assert labels == [(label, str(n)) for n, label in enumerate(own, 1)]
    captions = (tmp_path / "paper.aux").read_text()
    assert "My own words." in captions and captions.count("Reproduction of Table") == 4


@pytest.mark.skipif(PDFLATEX is None, reason="no pdflatex on the PATH")
@pytest.mark.parametrize("number", NUMBERS)
def test_the_document_compiles(pages, tmp_path, number):
    laid_out = pages(True)[f"table{number}"]
    (tmp_path / "table.tex").write_text(standalone(laid_out, f"table{number}"))
    compiled(tmp_path, "table.tex")
    if shutil.which("pdftotext"):
        command = ["pdftotext", "-layout", "table.pdf", "-"]
        text = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        words = text.stdout.split()
        assert {"Ours", "Published", "Difference"} <= set(words)
        assert words[-3:] == laid_out.notes[-1].split()[-3:]

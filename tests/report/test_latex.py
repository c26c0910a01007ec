import re
import shutil
import subprocess

import pytest
from made_tables import paper_table

from modc.report.latex import escape, latex
from modc.report.layout import Entry, Page, Row, page
from modc.report.results import collect

UNESCAPED = re.compile(r"(?<!\\)&")


def test_escape():
    assert escape("a_b 5 % & #$ {x} ~^ <y> \\") == (
        r"a\_b 5 \% \& \#\$ \{x\} \textasciitilde{}\textasciicircum{} "
        r"\textless{}y\textgreater{} \textbackslash{}"
    )
    assert escape("1 ± 2† ‡ –") == r"1 $\pm$ 2\dag{} \ddag{} --"
    assert escape("Rocklänge\n长") == "Rockl?nge ?"


def test_marks_and_signs():
    row = Row("A_b", "", [Entry("2.00", True, True), Entry("-1.00†"), Entry("–"), Entry("")])
    columns = [("", name) for name in "wxyz"]
    text = latex(Page("Title", columns, {"Ours": [row]}, ["100 %"]))
    assert r"A\_b & \underline{\textbf{2.00}} & $-$1.00\dag{} & -- &  \\" in text
    assert r"100 \%" in text


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("generated", [False, True])
def test_structure(config, write_run, number, generated):
    config["grid"]["seeds"] = [0, 1]
    folder = write_run(config, generated=generated)
    frame = paper_table(number, collect(folder, config), config)
    laid_out = page(frame, f"table{number}", config)
    text = latex(laid_out)
    columns = len(laid_out.columns) + 1
    assert rf"\begin{{tabular}}{{l{'r' * (columns - 1)}}}" in text
    parts = text.split(r"\toprule")[1:]
    assert len(parts) == len(laid_out.parts)
    body = "\n".join(part.split(r"\bottomrule")[0] for part in parts)
    lines = [line for line in body.splitlines() if line.endswith(r"\\")]
    # For each part two lines of headings and its rows.
    assert len(lines) == sum(2 + len(rows) for rows in laid_out.parts.values())
    for line in lines:
        spans = [int(span) for span in re.findall(r"\\multicolumn\{(\d+)\}", line)]
        assert len(UNESCAPED.findall(line)) + 1 + sum(spans) - len(spans) == columns
    for first, last in re.findall(r"\\cmidrule\(lr\)\{(\d+)-(\d+)\}", text):
        assert 2 <= int(first) <= int(last) <= columns
    assert text.count(r"\begin{document}") == text.count(r"\end{document}") == 1
    for name in ("tabular", "center"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") == len(parts)
    unescaped = re.sub(r"\\[{}]", "", text)
    assert unescaped.count("{") == unescaped.count("}")
    assert text.isascii()
    assert not re.search(r"(?<!\\)%(?!\n)", text)
    assert ("NOT COMPARABLE" in text) == generated


def test_what_makes_it_a_document_is_left_out_within_another_one():
    text = latex(Page("Title", [("", "all")], {"Ours": []}, []))
    alone = re.findall(r"\\expandafter\\ifx.*?\\relax\\else\n(.*?)\n\\fi\n", text, re.DOTALL)
    assert alone[0].startswith(r"\documentclass") and alone[0].endswith(r"\begin{document}")
    assert alone[1:] == [r"\end{document}"]
    # No font size or indent of the table's is the paper's.
    assert text.index(r"\begingroup") < text.index(r"\parindent") < text.index(r"\endgroup")


@pytest.mark.parametrize("pdflatex", [path for path in [shutil.which("pdflatex")] if path])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_compiles(config, write_run, tmp_path, pdflatex, number):
    config["grid"]["seeds"] = [0, 1]
    frame = paper_table(number, collect(write_run(config, generated=True), config), config)
    laid_out = page(frame, f"table{number}", config)
    (tmp_path / "table.tex").write_text(latex(laid_out))
    command = [pdflatex, "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout and "too large" not in done.stdout
    if shutil.which("pdftotext"):
        command = ["pdftotext", "-layout", "table.pdf", "-"]
        text = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        words = text.stdout.split()
        assert all(part in words for part in laid_out.parts)
        assert words[-3:] == laid_out.notes[-1].split()[-3:]

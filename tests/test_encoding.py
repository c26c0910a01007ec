"""No text file depends on the locale: whoever reads one says its encoding."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "modc"


def without_encoding(source: str) -> list[int]:
    """Return the lines with a call that reads text in the locale's encoding."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
        given = {keyword.arg for keyword in node.keywords}
        of_a_process = name in ("run", "Popen") and given & {"text", "universal_newlines"}
        if (name == "read_text" or of_a_process) and "encoding" not in given:
            found.append(node.lineno)
    return found


def test_the_package_says_every_encoding():
    sources = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    assert {path: lines for path in sources if (lines := without_encoding(sources[path]))} == {}


def test_what_is_looked_for_is_found():
    assert without_encoding("path.read_text()\nrun([], text=True)\nopen('a', 'rb')") == [1, 2]
    assert without_encoding("path.read_text(encoding='utf-8')\nrun([], encoding='utf-8')") == []

"""Who may import whom, and who may know a dataset by its name."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "modc"
# Each package, and what it must not import.
FORBIDDEN = {
    "fetch": ("modc.datasets", "modc.drawn", "modc.networks", "modc.training", "modc.report"),
    "data": ("modc.fetch", "modc.datasets", "modc.drawn", "modc.networks", "modc.training"),
    "datasets": ("modc.drawn", "modc.networks", "modc.training", "modc.report", "modc.grid"),
    "drawn": ("modc.networks", "modc.training", "modc.report", "modc.grid"),
}
# What must not know a dataset or a network by its name, and where its own files are.
NAMES = {
    "dataset": (r"(?i)FashionAI|DARN|Fashion.?MNIST", ("datasets/", "drawn/")),
    "network": (r"ASEN|\bCSN\b", ("networks/", "datasets/darn.py")),
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports, in whatever function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_only_drawn_imports_drawn():
    wrong = [
        path.relative_to(PACKAGE)
        for path in modules()
        if path.parent != PACKAGE / "drawn"
        and any(f"{name}.".startswith("modc.drawn.") for name in imported(path))
    ]
    assert wrong == []


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_go_one_way(package):
    wrong = [
        (path.name, name)
        for path in sorted((PACKAGE / package).glob("*.py"))
        for name in imported(path)
        if f"{name}.".startswith(tuple(f"{other}." for other in FORBIDDEN[package]))
    ]
    assert wrong == []


@pytest.mark.parametrize("kind", NAMES)
def test_none_is_known_by_its_name(kind):
    pattern, own = NAMES[kind]
    literal, wrong = re.compile(pattern), []
    for path in modules():
        place = path.relative_to(PACKAGE).as_posix()
        if place.startswith(own):
            continue
        tree = ast.parse(path.read_text())
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        said = {
            ast.get_docstring(n, clean=False) for n in ast.walk(tree) if isinstance(n, documented)
        }
        wrong += [
            (place, node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            if node.value not in said and literal.search(node.value)
        ]
    for path in [*sorted((REPOSITORY / "workflow").rglob("*.smk")), REPOSITORY / "Snakefile"]:
        code = "\n".join(line.split("#")[0] for line in path.read_text().splitlines())
        wrong += [(path.name, found) for found in literal.findall(code)]
    schema = (PACKAGE / "config.schema.yaml").read_text()
    assert wrong == [] and not literal.search(schema)


def test_classes_of_datasets_need_no_large_package():
    """Snakemake and `modc status` load all that the configuration names."""
    code = (
        "import sys\n"
        "large = ('torch', 'pandas', 'aiohttp', 'gdown', 'requests')\n"
        "sys.modules |= dict.fromkeys(large)\n"
        "from pathlib import Path\n"
        "from modc import config, datasets\n"
        "for more in ('smoke', 'fashion-mnist'):\n"
        "    found = config.load([Path('config.yaml'), Path(f'configs/{more}.yaml')])\n"
        "    for name in found['datasets']: datasets.of(found, name).files\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr

"""What made a number: code, versions, machine."""

import ast
import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from modc import __version__

PACKAGE = Path(__file__).parent


def training_code() -> str:
    """Return the fingerprint of the files that training imports, which alone can change a model."""
    return code_of("modc.training.train")


@cache
def code_of(module: str) -> str:
    """Return a fingerprint (16 hexadecimal digits) of the package's files that `module` imports.

    A change in any of them can change its results; a change in any other file cannot. The files are
    found by reading import statements, so that no torch is imported for it.
    """
    digest = hashlib.sha256()
    for path in sorted(imported_files(module)):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


@cache
def published() -> str:
    """Return a fingerprint of the paper's numbers and of the assumptions, as they are shipped."""
    digest = hashlib.sha256()
    for path in sorted((PACKAGE / "published").glob("*.[cy]*")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def templates() -> str:
    """Return a fingerprint of the templates, the style and the script of the HTML pages."""
    digest = hashlib.sha256()
    for path in sorted((PACKAGE / "report" / "templates").iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def imported_files(module: str) -> set[Path]:
    """Return the package's files that importing `module` ("modc.a.b") reads, itself among them."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _file(name)
        if path is None or path in found:
            continue
        found.add(path)
        waiting += [name.rpartition(".")[0], *_imported_names(path)]
    return found


@cache
def _imported_names(path: Path) -> list[str]:
    names, waiting = [], list(ast.parse(path.read_bytes()).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            # Not into expressions, which are most of a file and import nothing.
            waiting += [
                inner
                for inner in ast.iter_child_nodes(node)
                if isinstance(inner, ast.stmt | ast.excepthandler | ast.match_case)
            ]
    return names


def _file(module: str) -> Path | None:
    head, *rest = module.split(".")
    if head != PACKAGE.name or not rest:
        return None
    path = PACKAGE.joinpath(*rest)
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


def software() -> dict[str, str]:
    """Return the versions that a number may depend on."""
    packages = {"modc": __version__}
    for name in ("torch", "torchvision", "numpy", "pandas", "pillow", "simplejpeg"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "not installed"
    return {"python": platform.python_version(), **packages, "machine": platform.platform()}

"""What made a number: code, versions, machine."""

import ast
import hashlib
import importlib.util
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from modc import __version__
from modc.tokens import meaning

PACKAGE = Path(__file__).parent
# What training imports and no number depends on: how it is drawn, logged, kept, locked and stopped.
WITHOUT_NUMBERS = frozenset(
    f"modc.{name}"
    for name in (
        "atomic",
        "colors",
        "errors",
        "home",
        "learning_curve",
        "lock",
        "paths",
        "provenance",
        "readable",
        "tokens",
        "training.gpus",
        "training.heartbeat",
        "training.kept",
        "training.progress",
        "training.termination",
    )
)


@cache
def training_code(network: str = "", method: str = "") -> str:
    """Return the fingerprint of the code that can change a model.

    That is what all trainings share and, where they are named, what `network` and `method` are made
    of: as the classes of the configuration, or the name of one of this package's networks. Another
    network's or method's code changes nothing.
    """
    parts = [code_of("modc.training.train", WITHOUT_NUMBERS)]
    if network:
        parts.append(class_code(network if ":" in network else f"{_module_of(network)}:{network}"))
    if method:
        parts.append(class_code(method))
    return parts[0] if len(parts) == 1 else _short(" ".join(parts))


@cache
def class_code(named: str) -> str:
    """Return the fingerprint of what a class, given as package.module:Class, is made of.

    Of one of this package: its module and what that imports of this package. Of another: all of the
    package that it lies in, or its one file, and what these import of this package. "" if there is
    none: using it is an error then.
    """
    module = named.partition(":")[0]
    top = module.partition(".")[0]
    if top in ("", PACKAGE.name):
        return code_of(module, WITHOUT_NUMBERS) if module else ""
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        found = None
    if found is None:
        return ""
    if found.submodule_search_locations:
        places = [Path(place) for place in found.submodule_search_locations]
        files = {
            file.relative_to(place).as_posix(): file
            for place in places
            for file in place.rglob("*.py")
        }
    else:
        files = {Path(found.origin).name: Path(found.origin)}
    used = {
        name
        for file in files.values()
        for name in _imported_names(file)
        if _file(name) is not None and name not in WITHOUT_NUMBERS
    }
    return _short(" ".join([_digest(files), *(code_of(n, WITHOUT_NUMBERS) for n in sorted(used))]))


@cache
def index_code(named: str) -> str:
    """Return the fingerprint of what makes the index of a dataset's class, given likewise.

    Fetching is not among it: what was fetched is.
    """
    module = named.partition(":")[0]
    if module.partition(".")[0] != PACKAGE.name:
        return class_code(named)
    fetching = {f"{PACKAGE.name}.fetch.{path.stem}" for path in (PACKAGE / "fetch").glob("*.py")}
    return code_of(module, WITHOUT_NUMBERS | fetching)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _module_of(network: str) -> str:
    """Return the module of this package's network of that name, "" if there is none."""
    for path in sorted((PACKAGE / "networks").glob("*.py")):
        for node in ast.parse(path.read_bytes()).body:
            for inner in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(inner, ast.Assign) and ast.unparse(inner) == f"name = {network!r}":
                    return f"{PACKAGE.name}.networks.{path.stem}"
    return ""


@cache
def code_of(module: str, without: frozenset[str] = frozenset()) -> str:
    """Return a fingerprint (16 hexadecimal digits) of the package's files that `module` imports.

    A change in any of them can change its results, unless it is one of comments and docstrings; a
    change in any other file cannot. without: modules that are left out, with what they alone
    import. The files are found by reading import statements, so that no torch is imported for it.
    """
    files = imported_files(module, without)
    return _digest({path.relative_to(PACKAGE).as_posix(): path for path in files})


def _digest(files: dict[str, Path]) -> str:
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(name.encode() + b"\0")
        digest.update(hashlib.sha256(_meaning(files[name])).digest())
    return digest.hexdigest()[:16]


@cache
def _meaning(path: Path) -> bytes:
    return meaning(path.read_text(encoding="utf-8")).encode()


@cache
def templates() -> str:
    """Return a fingerprint of the templates, the style and the script of the HTML pages."""
    digest = hashlib.sha256()
    for path in sorted((PACKAGE / "report" / "templates").iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def imported_files(module: str, without: frozenset[str] = frozenset()) -> set[Path]:
    """Return the package's files that importing `module` ("modc.a.b") reads, itself among them.

    Without those of the modules `without`, and what only they import.
    """
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _file(name)
        if name in without or path is None or path in found:
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
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
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

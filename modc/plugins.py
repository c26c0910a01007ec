"""Classes that the configuration names as `package.module:Class`: datasets, networks, methods.

What is outside this package, as a paper's folder may be too (`modc.papers.paper`), is found beside
the configuration file or in the current folder. The merged configuration of a run lies elsewhere,
so it records these folders under `class_folders`.
"""

import importlib
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from modc.errors import UserError

FOLDERS = "class_folders"
PAPERS = Path(__file__).parent / "papers"
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def load(name: str, where: str, kind: type | None = None) -> type:
    """Return the class that `name`, such as package.module:Class, stands for.

    where: the key of the configuration that names it. kind: what it must be a subclass of. Raises
    UserError if there is no such module or class, or it is not of this kind.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UserError(f"{where}: {name!r}; expected package.module:Class")
    module_name, _, class_name = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # What the module itself imports may be what is missing.
        if error.name and f"{module_name}.".startswith(f"{error.name}."):
            reason = (
                f"no module {error.name}; expected it to be installed, beside the configuration "
                f"file, or in the current folder"
            )
        else:
            reason = f"{module_name} imports {error.name}, which is not installed"
        raise UserError(f"{where}: {name}: {reason}") from None
    except Exception as error:
        said = " ".join(str(error).split())
        raise UserError(
            f"{where}: {name}: cannot be imported: {type(error).__name__}: {said}"
        ) from error
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        own = sorted(
            key
            for key, value in vars(module).items()
            if isinstance(value, type) and value.__module__ == module_name
        )
        has = f"it has {', '.join(own)}" if own else "it has none"
        raise UserError(f"{where}: {name}: no class {class_name} in {module_name}; {has}")
    if kind is not None and not issubclass(found, kind):
        raise UserError(
            f"{where}: {name}: not a subclass of {kind.__module__}:{kind.__name__}, as expected"
        )
    return found


def with_folders(config: dict, files: Iterable[Path]) -> dict:
    """Return `config` with the folders of its `files` recorded, if it names what is outside modc.

    What was recorded before stays, first.
    """
    if not _names_outside(config):
        return config
    beside = [str(Path(file).parent) for file in files]
    folders = [*config.get(FOLDERS, []), *beside]
    return {**config, FOLDERS: list(dict.fromkeys(folders))}


def make_importable(config: dict) -> None:
    """Let `load` find the classes in the recorded folders of `config` and the current folder.

    They come after what is installed, so that no file there stands in for an installed package.
    """
    for folder in [*config.get(FOLDERS, []), "."]:
        place = str(Path(folder).resolve())
        if place not in sys.path:
            sys.path.append(place)


def _names_outside(section: dict) -> bool:
    for key, value in section.items():
        if isinstance(value, dict):
            if _names_outside(value):
                return True
        elif key == "class":
            if not str(value).startswith("modc."):
                return True
        elif key == "papers" and not all((PAPERS / str(name)).is_dir() for name in value):
            return True
    return False

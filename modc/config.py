"""One configuration: files merged in order, then checked against config.schema.yaml."""

import difflib
import math
from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match
from jsonschema.validators import extend

from modc.atomic import write_text
from modc.errors import UserError

SCHEMA = Path(__file__).with_name("config.schema.yaml")


def load(paths: list[Path]) -> dict:
    """Return the checked configuration of `paths`, later files overriding single keys.

    Raises UserError naming the file, the key, and what is allowed there.
    """
    config: dict = {}
    for path in paths:
        config = merge(config, _read(Path(path)))
    check(config, name=" + ".join(str(path) for path in paths))
    return config


def write(path: Path, config: dict) -> None:
    """Write `config` as one file that `load` reads back equal."""
    # Not as JSON, which is no YAML where a number is 1e-05: there it would come back as text.
    write_text(path, yaml.safe_dump(config, sort_keys=False))


def merge(base: dict, override: dict) -> dict:
    """Return `base` with `override` laid over it: mappings merge, everything else is replaced."""
    merged = dict(base)
    for key, value in override.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def check(config: dict, name: str = "config.yaml") -> None:
    """Raise UserError if a key, type or value of `config` is not what the schema allows."""
    _check_keys(config, name)
    error = best_match(_validator().iter_errors(config), key=_relevance)
    if error is not None:
        raise UserError(f"{name}: {_explain(error)}")
    for dataset in config["grid"]["datasets"]:
        for section in ("datasets", "grid.labeled_percent"):
            if dataset not in _lookup(config, section):
                raise UserError(
                    f"{name}: grid.datasets names {dataset!r}, which {section} does not describe; "
                    f"add it there or remove it here"
                )


@cache
def _validator() -> Draft202012Validator:
    # JSON Schema calls 2.0 an integer and knows no NaN; a count of images must be a whole number.
    types = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: isinstance(value, int) and not isinstance(value, bool),
            "number": lambda _, value: (
                isinstance(value, int | float)
                and not isinstance(value, bool)
                and math.isfinite(value)
            ),
        }
    )
    validator = extend(Draft202012Validator, type_checker=types)
    return validator(yaml.safe_load(SCHEMA.read_text()))


def _check_keys(config: dict, name: str, where: str = "") -> None:
    for key, value in config.items():
        if not isinstance(key, str):
            raise UserError(f"{name}: {where}{key}: a key that is no text; put it in quotes")
        if isinstance(value, dict):
            _check_keys(value, name, f"{where}{key}.")


def _read(path: Path) -> dict:
    try:
        config = yaml.load(path.read_text(), Loader=_UniqueKeys)
    except FileNotFoundError:
        raise UserError(f"{path}: no such configuration file") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file; expected YAML in UTF-8") from None
    except TypeError:
        raise UserError(f"{path}: a key that is a list or a mapping; expected text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be read"
        raise UserError(f"{path}{where}: not valid YAML: {problem}") from None
    if not isinstance(config, dict):
        raise UserError(f"{path}: expected a mapping of settings such as 'run: paper'")
    return config


class _UniqueKeys(yaml.SafeLoader):
    """YAML that refuses a key given twice, where plain YAML takes the last one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {name!r} stands twice", problem_mark=key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)


def _relevance(error: ValidationError) -> tuple:
    return (-len(error.path), error.validator in ("anyOf", "oneOf"))


def _explain(error: ValidationError) -> str:
    where = ".".join(str(part) for part in error.absolute_path)
    prefix = f"{where}: " if where else ""
    if error.validator == "additionalProperties":
        allowed = sorted(error.schema.get("properties", {}))
        unknown = next(key for key in error.instance if key not in allowed)
        return f"{prefix}unknown key {unknown!r}{_suggestion(unknown, allowed)}; allowed: " + (
            ", ".join(allowed)
        )
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        return f"{prefix}the key {missing!r} is missing"
    if error.validator == "enum":
        allowed = [str(value) for value in error.validator_value]
        hint = _suggestion(str(error.instance), allowed)
        return f"{prefix}{error.instance!r} is not allowed{hint}; allowed: {', '.join(allowed)}"
    allowed = error.schema.get("description")
    return f"{prefix}{error.message}" + (f"; expected {allowed}" if allowed else "")


def _suggestion(word: str, allowed: list[str]) -> str:
    close = difflib.get_close_matches(word, allowed, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _lookup(config: dict, dotted: str) -> dict:
    for key in dotted.split("."):
        config = config[key]
    return config

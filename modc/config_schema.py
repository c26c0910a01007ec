"""The first mistake in a configuration by its JSON schema, in words."""

import contextlib
import copy
import difflib
import math

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match
from jsonschema.validators import extend


def first_mistake(config: dict, schema: dict) -> str | None:
    """Return where `config` breaks the schema and what is allowed there, None if it does not."""
    error = best_match(_validator(schema).iter_errors(config), key=_relevance)
    return None if error is None else _explain(error)


def with_numbers(config: dict, schema: dict) -> dict:
    """Return `config` with numbers and booleans where the schema wants them and text spells one."""
    config = copy.deepcopy(config)
    for error in list(_validator(schema).iter_errors(config)):
        value = _spelled(error.instance)
        if value is None or not error.absolute_path:
            continue
        *path, last = error.absolute_path
        place = config
        for part in path:
            place = place[part]
        place[last] = value
    return config


def _spelled(text: object) -> bool | int | float | None:
    """Return the boolean or number that a text spells; None if it spells none, or is no text."""
    if not isinstance(text, str):
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return None


def _validator(schema: dict) -> Draft202012Validator:
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
    return extend(Draft202012Validator, type_checker=types)(schema)


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

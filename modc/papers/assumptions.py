"""The assumption ledger: what a paper leaves open, our choice, and the alternatives."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from modc import config as configuration
from modc.errors import UserError


@dataclass(frozen=True)
class Assumption:
    """One entry of assumptions.yaml.

    effect: what it could change. default and each alternative: dotted config key -> value; empty if
    there is nothing to set. not_ablated: why its alternatives cannot be tried by training, "" if
    they can.
    """

    id: str
    name: str
    statement: str
    source: str
    effect: str
    default: dict[str, object]
    alternatives: dict[str, dict[str, object]] = field(default_factory=dict)
    not_ablated: str = ""


def find(ledger: Iterable[Assumption], name: str, where: str = "") -> Assumption:
    """Return the ledger entry called `name`, such as A3.

    Raises UserError if there is none; its message begins with `where` the name was given.
    """
    ledger = list(ledger)
    for assumption in ledger:
        if assumption.id == name:
            return assumption
    known = f"expected {ledger[0].id} to {ledger[-1].id}" if ledger else "the papers list none"
    raise UserError(f"{where}{name}: no such assumption; {known}")


def setting(config: dict, assumption: Assumption) -> dict[str, object]:
    """Return what `config` sets for the assumption: dotted key -> value.

    Raises UserError if there is no such key.
    """
    return {key: _lookup(config, key) for key in assumption.default}


def name_of_setting(config: dict, assumption: Assumption) -> str:
    """Return "default", the name of the alternative that `config` sets, or "other"."""
    own = setting(config, assumption)
    if own == assumption.default:
        return "default"
    for name, keys in assumption.alternatives.items():
        if own == {**assumption.default, **keys}:
            return name
    return "other"


def assume(config: dict, assumption: Assumption, alternative: str) -> dict:
    """Return `config` under an alternative of an assumption, checked.

    Raises UserError if there is no such alternative.
    """
    name = f"{assumption.id}={alternative}"
    if alternative not in assumption.alternatives:
        known = ", ".join(assumption.alternatives)
        raise UserError(f"{name}: no such alternative; expected one of {known}")
    for key, value in assumption.alternatives[alternative].items():
        for part in reversed(key.split(".")):
            value = {part: value}
        config = configuration.merge(config, value)
    configuration.check(config, name=name)
    return config


def _lookup(config: dict, dotted: str) -> object:
    found: object = config
    for part in dotted.split("."):
        if not isinstance(found, dict) or part not in found:
            raise UserError(f"default: {dotted}: no such key in the configuration")
        found = found[part]
    return found

"""The assumption ledger of a run: each assumption with its setting."""

from modc.papers.assumptions import Assumption, name_of_setting, setting
from modc.papers.paper import assumptions

INTRODUCTION = """# Assumptions

What neither the paper's supplement nor the public code specifies. Each is a setting in the
configuration; `snakemake ablation` tries the alternatives.
"""


def markdown_ledger(config: dict) -> str:
    """Return every assumption with the setting of `config`, as Markdown."""
    sections = (_section(assumption, config) for assumption in assumptions(config))
    return "\n".join([INTRODUCTION, *sections])


def listing(config: dict) -> str:
    """Return the same as plain text, for the terminal."""
    return "\n\n".join(
        f"{a.id} {a.name}: {a.statement}\n"
        + "\n".join(f"    {line}" for line in _lines(a, config, str))
        for a in assumptions(config)
    )


def changed(config: dict) -> list[str]:
    """Return each assumption that `config` changes from its default, in words."""
    found = []
    for assumption in assumptions(config):
        name = name_of_setting(config, assumption)
        if name != "default":
            own = setting(config, assumption)
            keys = [key for key, value in own.items() if value != assumption.default[key]]
            found.append(
                f"{assumption.id} {', '.join(f'{key}: {_value(own[key])}' for key in keys)}"
            )
    return found


def _section(assumption: Assumption, config: dict) -> str:
    lines = [f"- {line}" for line in _lines(assumption, config, lambda key: f"`{key}`")]
    title = f"## {assumption.id} {assumption.name}"
    return "\n".join([title, "", assumption.statement, "", *lines, ""])


def _lines(assumption: Assumption, config: dict, code) -> list[str]:
    own = setting(config, assumption)
    name = name_of_setting(config, assumption)
    lines = [f"source: {assumption.source}", f"could change: {assumption.effect}"]
    for key, value in own.items():
        default = assumption.default[key]
        note = "the default" if value == default else f"the default is {_value(default)}"
        lines.append(f"{code(f'{key}: {_value(value)}')} ({note})")
    if name not in ("default", "other"):
        lines.append(f"this run uses the alternative {name}")
    for alternative, keys in assumption.alternatives.items():
        words = ", ".join(code(f"{key}: {_value(value)}") for key, value in keys.items())
        lines.append(f"alternative {alternative}: {words}")
    if assumption.not_ablated:
        lines.append(f"not ablated: {assumption.not_ablated}")
    return lines


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_value(part)}" for key, part in value.items()) + "}"
    return str(value)

"""What a part of `gpu.py` found, as JSON and as Markdown tables, written again after every row."""

from dataclasses import dataclass, field
from pathlib import Path

from modc.atomic import write_json, write_text

# A row's step is its table's title, and a text stands below the table.
APART = ("step", "text")


@dataclass
class Record:
    """The rows of one part. A row is a mapping: its step, and what it says by column.

    folder: where <part>.json and <part>.md go; facts: the machine and the command. A row's "ok" is
    whether its gate held; a row without one is information. Its "text" is printed as it is.
    """

    folder: Path
    part: str
    facts: dict
    rows: list[dict] = field(default_factory=list)

    def add(self, row: dict) -> None:
        """Take a row and write both files."""
        self.rows.append(row)
        self.write()

    def write(self) -> None:
        """Write both files, each whole or not at all."""
        found = {"part": self.part, "facts": self.facts, "rows": _plain(self.rows)}
        write_json(self.folder / f"{self.part}.json", found)
        write_text(self.folder / f"{self.part}.md", self.markdown())

    def markdown(self) -> str:
        """Return a table of the facts and one of each step."""
        facts = [{"what": name, "value": value} for name, value in self.facts.items()]
        blocks = [f"# {self.part}", table(facts)]
        for step in dict.fromkeys(row["step"] for row in self.rows):
            own = [row for row in self.rows if row["step"] == step]
            blocks.append(f"## {step}")
            blocks.append(table([row for row in own if row.keys() - APART]))
            blocks += [f"```\n{row['text']}\n```" for row in own if "text" in row]
        return "\n\n".join(block for block in blocks if block) + "\n"

    @property
    def failed(self) -> list[dict]:
        """The rows whose gate did not hold."""
        return [row for row in self.rows if row.get("ok") is False]


def table(rows: list[dict]) -> str:
    """Return a Markdown table of mappings, "" of none; columns in the order of their first use."""
    columns = list(dict.fromkeys(name for row in rows for name in row if name not in APART))
    if not columns:
        return ""
    lines = [columns, ["---"] * len(columns)]
    lines += [[_cell(row.get(name)) for name in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "**NO**"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value).replace("|", "\\|").replace("\n", " ")


def _plain(value: object) -> object:
    """Return the value with numbers that JSON lacks, such as NaN, as text."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    is_odd = isinstance(value, float) and not abs(value) < float("inf")
    return str(value) if is_odd else value

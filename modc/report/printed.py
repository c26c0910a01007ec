"""What `modc tables` and `modc ablation` print; the workflow keeps it as summary.txt."""

import re
from pathlib import Path

from modc.papers.paper import tables
from modc.report.files import other_datasets
from modc.report.render import terminal

# The written files, which are named below the tables: as the command was called.
PATHS = re.compile(r"(?:(?:[^\n]*/)?(?:tables|ablation)/[^/\n]+\n?)+\Z")


def tables_summary(run_folder: Path, config: dict) -> str:
    """Return the first table, where the grid has its dataset, and those that no paper has."""
    table = next(iter(tables(config).values()))
    first = [table.name] if table.dataset in config["grid"]["datasets"] else []
    shown = (terminal(run_folder, config, name) for name in [*first, *other_datasets(config)])
    return "".join(f"{table}\n" for table in shown)


def without_paths(printed: bytes) -> bytes:
    """Return a summary.txt without the names of the written files."""
    text = printed.decode(errors="replace").replace("\r\n", "\n")
    return PATHS.sub("", text).encode(errors="replace")

"""What `modc tables` and `modc ablation` print; the workflow keeps it as summary.txt."""

import re
from pathlib import Path

from modc import published
from modc.report.files import other_datasets
from modc.report.render import terminal

# The written files, which are named below the tables: as the command was called.
PATHS = re.compile(r"(?:(?:[^\n]*/)?(?:tables|ablation)/[^/\n]+\n?)+\Z")


def tables_summary(run_folder: Path, config: dict) -> str:
    """Return Table 1, where the grid has its dataset, and the tables the paper does not have."""
    first = [1] if published.datasets()[1] in config["grid"]["datasets"] else []
    shown = (terminal(run_folder, config, table) for table in [*first, *other_datasets(config)])
    return "".join(f"{table}\n" for table in shown)


def without_paths(printed: bytes) -> bytes:
    """Return a summary.txt without the names of the written files."""
    text = printed.decode(errors="replace").replace("\r\n", "\n")
    return PATHS.sub("", text).encode(errors="replace")

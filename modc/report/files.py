"""Names of the files that `modc tables`, `report`, `coverage` and `ablation` write."""

from modc import datasets
from modc.papers import paper

# Of each table: the paper's, and one for each dataset not in the paper.
ENDINGS = (".md", ".tex", "-standalone.tex", ".csv", ".html")
# The checked claims, how each training went, and under which assumptions.
NOTES = ("claims.md", "claims.csv", "stages.md", "stages.csv", "assumptions.md")
# Of `modc ablation`, inside results/<run>/ablation/.
ABLATION_FILES = tuple(f"ablation{ending}" for ending in ENDINGS[:-1])


def table_files(config: dict) -> list[str]:
    """Return the file names inside results/<run>/tables/, the papers' tables first."""
    names = [*paper.tables(config), *other_datasets(config)]
    return [name + ending for name in names for ending in ENDINGS] + list(NOTES)


def other_datasets(config: dict) -> list[str]:
    """Return the datasets of the grid that are in no table of a paper."""
    known = paper.datasets(config)
    return [name for name in config["grid"]["datasets"] if name not in known]


def listed_datasets(config: dict) -> list[str]:
    """Return the datasets of the grid whose images are listed in split files and a manifest."""
    grid = config["grid"]["datasets"]
    return [name for name in grid if datasets.of(config, name).has_manifest]


def coverage_files(dataset: str) -> list[str]:
    """Return the file names of a dataset inside results/<run>/coverage/: page, counts, image."""
    return [f"{dataset.lower()}.{kind}" for kind in ("md", "csv", "png")]

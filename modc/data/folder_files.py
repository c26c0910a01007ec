"""What a dataset's folder may hold beside its images.

A module of its own without pandas, since whatever reads the configuration reads it.
"""

from pathlib import Path

# The manifest of its images, and facts about it (modc/data/manifest.py).
MANIFEST, FACTS = "manifest.csv", "manifest.json"
# Marks images that are drawn, whose numbers say nothing about the paper.
GENERATED = "GENERATED.json"


def is_frozen(folder: Path) -> bool:
    """Whether the dataset in `folder` has a manifest."""
    return (folder / FACTS).is_file() and (folder / MANIFEST).is_file()

"""The anchors that link to places of the tables and to the trainings behind them."""

import re

PARTS = ("network", "method", "top_n", "query_label", "labeled_percent", "attribute", "metric")


def place_id(place: dict) -> str:
    """Return the name of a place of a table, such as table1-ASENpp-modc-top1-known-100-overall-...

    place: a row of the long form. Names come from files, so only letters, digits and single hyphens
    are kept; ASEN++ becomes ASENpp.
    """
    table = place["table"]
    words = [table or f"table-{place['dataset']}"]
    words += [f"top{place[part]}" if part == "top_n" else place[part] for part in PARTS]
    return _joined([word for word in words if word not in ("", "top")])


def run_id(dataset: str, network: str, labeled_percent: int, method: str) -> str:
    """Return the name of a training, shared by all of its seeds."""
    return _joined(["run", dataset, network, labeled_percent, method])


def _joined(words: list) -> str:
    text = "-".join(str(word) for word in words).replace("+", "p")
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")

"""What produced the numbers of a run: code, machines, versions, data."""

from collections import Counter

from modc import provenance
from modc.report.page.training_details import MADE_BY, made_by
from modc.report.results import Result


def sources(results: list[Result]) -> list[dict]:
    """Return what the scores say about their making: each name, and its values with counts.

    Several values of one name mean that not all scores were made alike.
    """
    counted = {name: Counter() for name in MADE_BY.values()}
    for result in results:
        if result.scores:
            for name, value in made_by(result):
                counted[name][value] += 1
    return [
        {"name": name, "values": [{"value": v, "count": n} for v, n in counts.most_common()]}
        for name, counts in counted.items()
        if counts
    ]


def manifests(results: list[Result]) -> list[dict]:
    """Return the manifests named by the scores: dataset, sha256, count of scores, is_drawn."""
    counts = Counter(
        (result.cell.dataset, result.scores["manifest_sha256"], result.scores["generated"])
        for result in results
        if result.scores
    )
    return [
        {"dataset": dataset, "sha256": sha256, "is_drawn": is_drawn, "count": count}
        for (dataset, sha256, is_drawn), count in counts.items()
    ]


def code_now() -> str:
    """Return the fingerprint of the training code installed here."""
    return provenance.training_code()


def version_now() -> str:
    """Return the version of modc installed here."""
    return provenance.software()["modc"]

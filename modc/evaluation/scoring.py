"""What made a scores file out of embeddings, stored with it, so that it can be checked later."""

from hashlib import sha256

from modc import provenance


def scoring(queries: bytes | None, **options: str) -> dict:
    """Return what `modc score` notes of itself: its options, its code, and the packages' versions.

    queries: the content of queries.csv, whose SHA-256 is kept; None if it was not written.
    """
    return {
        **options,
        "queries_sha256": None if queries is None else sha256(queries).hexdigest(),
        "code": provenance.code_of("modc.evaluation.scores"),
        **provenance.software(),
    }

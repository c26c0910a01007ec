"""When a stage has converged (A10)."""


def converged(scores: list[float], rise: float, patience: int) -> bool:
    """Return whether the last `patience` epochs brought nothing.

    scores: validation MAP@all of each epoch so far, fractions. An epoch brings something if it
    exceeds the best counted so far by at least `rise`; what stays below that does not count.
    """
    best, last = -1.0, -1
    for epoch, score in enumerate(scores):
        if best < 0 or score >= best + rise:
            best, last = score, epoch
    return len(scores) - 1 - last >= patience

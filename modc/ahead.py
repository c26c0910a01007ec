"""Do the next piece of work in a thread while the last one is used."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Piece, Result = TypeVar("Piece"), TypeVar("Result")


def ahead(work: Callable[[Piece], Result], pieces: Iterable[Piece]) -> Iterator[Result]:
    """Yield work(piece) for each piece, in order; one is made beforehand."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = None
        for piece in pieces:
            following = pool.submit(work, piece)
            if waiting is not None:
                yield waiting.result()
            waiting = following
        if waiting is not None:
            yield waiting.result()

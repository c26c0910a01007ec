"""How far a long loop is, on stderr."""

from collections.abc import Iterable, Iterator


def progress_bar(rows: Iterable, what: str, total: int, done: int = 0, step: int = 1) -> Iterator:
    """Yield `rows` under a bar named `what`; without tqdm, under none.

    total, done: of the things counted, how many there are and how many are done already; step: how
    many a row stands for, of which the last may have fewer.
    """
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        yield from rows
        return
    with tqdm(desc=what, total=total, initial=done, mininterval=5) as bar:
        for row in rows:
            yield row
            bar.update(min(step, total - bar.n))

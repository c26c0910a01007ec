"""`modc fetch DARN` killed again and again: what is lost, and what is asked for twice.

The list is that of benchmarks/download.py. The command is killed (SIGKILL) at random times, started
again, and at last left alone. `lost` counts images that lay on disk after a kill and were not
there at the end, `asked again` those that the server was asked for once more, `wrong` those whose
bytes are not the server's.
"""

import asyncio
import random
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from broken_server import Answers, pictures, urls
from download import ours
from tabulate import tabulate

# Seconds from the first request to the kill, at most.
LONGEST = 3.0


class Counted(Answers):
    """Answers that note which path was asked for, and when."""

    asked: list[tuple[float, str]] = []  # noqa: RUF012

    def answer(self, path: str) -> None:
        """Note the request and answer it."""
        self.asked.append((time.monotonic(), path))
        super().answer(path)


@contextmanager
def server() -> Iterator[int]:
    """Serve from a thread of this process; yield the port."""
    Answers.bases = pictures()
    loop = asyncio.new_event_loop()
    running = loop.run_until_complete(loop.create_server(Counted, "127.0.0.1", 0, backlog=1024))
    threading.Thread(target=loop.run_forever, daemon=True).start()
    yield running.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(loop.stop)


def on_disk(folder: Path) -> dict[str, Path]:
    """Return the images that are there, by name."""
    found = folder.rglob("*.jpg")
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in found}


def run(count: int, broken: float, kills: int, seed: int, scratch: Path | None) -> list:
    """Return URLs, kills, images after the last kill, at the end, lost, asked again, wrong."""
    rng = random.Random(seed)
    with server() as port, tempfile.TemporaryDirectory(dir=scratch) as temporary:
        listed = urls(port, count, broken)
        # Silent URLs come first after each kill, and must not take all the time until the next.
        command, folder = ours(Path(temporary), listed, timeout=1)
        had: dict[str, float] = {}
        for kill in range(kills):
            before = len(Counted.asked)
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            while len(Counted.asked) == before and process.poll() is None:
                time.sleep(0.01)
            time.sleep(rng.uniform(0, LONGEST))
            process.kill()
            process.wait()
            now = time.monotonic()
            for name in on_disk(folder):
                had.setdefault(name, now)
            click.echo(f"kill {kill + 1}: {len(had):,} pictures", err=True)
        subprocess.run(command, stderr=subprocess.DEVNULL, check=True)
        end = on_disk(folder)
        paths = {name: "/" + url.split("/", 3)[3] for name, url in listed}
        since = {paths[name]: when for name, when in had.items()}
        again = {path for when, path in Counted.asked if when > since.get(path, when)}
        wrong = sum(file.read_bytes() != _body(paths[name]) for name, file in end.items())
        return [count, kills, len(had), len(end), len(had.keys() - end), len(again), wrong]


def _body(path: str) -> bytes:
    _, way, number = path.split("/")
    return Answers.bases[0] if way == "placeholder" else Answers.picture(Answers, int(number))


@click.command(help="Kill `modc fetch DARN` again and again, and count what that costs.")
@click.option("--urls", "count", default=20_000, show_default=True, help="URLs of the list.")
@click.option("--broken", default=0.15, show_default=True, help="Share of URLs that fail.")
@click.option("--kills", default=20, show_default=True)
@click.option("--seed", default=0, show_default=True, help="Of the times of the kills.")
@click.option("--scratch", type=click.Path(path_type=Path), help="Where the files go meanwhile.")
def main(count: int, broken: float, kills: int, seed: int, scratch: Path | None) -> None:
    """Print the table."""
    line = run(count, broken, kills, seed, scratch)
    headers = ["URLs", "kills", "had by then", "at the end", "lost", "asked again", "wrong"]
    click.echo(tabulate([line], headers))


if __name__ == "__main__":
    main()

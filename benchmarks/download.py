"""How fast `modc fetch DARN` is, beside aria2c and img2dataset, on one list and one machine.

Each way downloads the same URLs from a web server on this machine, with as many requests at once,
one try a URL and a timeout of five seconds. One round runs each way once; a ratio is the median
over the rounds. `kept` counts the files it ends with, `bad` those of them that are no whole
image, `MB` is the most memory that its processes have together. Placeholders are whole images:
ours are told apart when the manifest is made, which is part of the time.
"""

import contextlib
import csv
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import yaml
from broken_server import urls
from PIL import Image
from tabulate import tabulate

HERE = Path(__file__).resolve().parent
CONNECTIONS = 64
TIMEOUT = 5


@dataclass(frozen=True)
class Ran:
    """One way's run: seconds, most memory in MB, files kept, and how many of them are bad."""

    seconds: float
    megabytes: float
    kept: int
    bad: int


@contextmanager
def server() -> Iterator[int]:
    """Run the server as a process of its own; yield its port."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "broken_server.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait()


def ours(
    folder: Path, listed: list[tuple[str, str]], timeout: int = TIMEOUT
) -> tuple[list[str], Path]:
    """Return the command of `modc fetch DARN`, and where its images go."""
    (folder / "urls.txt").write_text("".join(f"{name} {url}\n" for name, url in listed))
    override = {
        "data": str(folder / "data"),
        "download": {
            "connections": CONNECTIONS,
            "connections_per_host": CONNECTIONS,
            "connect_timeout": timeout,
            "silence_timeout": timeout,
            "attempts": 1,
            # The host that does not exist is not waited for; the others do not wait either.
            "patience": 0,
            # What fails for now is frozen too.
            "failed_share": 1,
            "allow_private_addresses": True,
            # The server has few different images, which differ in a comment alone.
            "placeholders": {"same_bytes": 20, "same_look": 0},
        },
    }
    (folder / "override.yaml").write_text(yaml.safe_dump(override))
    configs = ["--config", str(HERE.parent / "config.yaml"), "--config", f"{folder}/override.yaml"]
    command = [sys.executable, "-m", "modc.cli", "fetch", "DARN", "--part", "images", *configs]
    return [*command, "--file", f"{folder}/urls.txt"], folder / "data" / "DARN" / "pic"


def of_aria2c(folder: Path, listed: list[tuple[str, str]]) -> tuple[list[str], Path]:
    """Return the command of aria2c, and where its files go."""
    lines = [f"{url}\n out={name}.jpg\n" for name, url in listed]
    (folder / "urls.txt").write_text("".join(lines))
    options = [
        f"-j{CONNECTIONS}",
        "-x1",
        "-s1",
        f"--connect-timeout={TIMEOUT}",
        f"--timeout={TIMEOUT}",
        "--max-tries=1",
        "--file-allocation=none",
        "--allow-overwrite=true",
        "--quiet=true",
    ]
    command = ["aria2c", *options, f"--dir={folder}/files", f"--input-file={folder}/urls.txt"]
    return command, folder / "files"


def of_img2dataset(folder: Path, listed: list[tuple[str, str]]) -> tuple[list[str], Path]:
    """Return the command of img2dataset, and where its images go."""
    with (folder / "urls.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("name", "url"), *listed])
    options = {
        "url_list": folder / "urls.csv",
        "input_format": "csv",
        "url_col": "url",
        "output_folder": folder / "files",
        "output_format": "files",
        "processes_count": os.cpu_count(),
        "thread_count": CONNECTIONS // (os.cpu_count() or 1),
        "number_sample_per_shard": 1000,
        "image_size": 512,
        "resize_mode": "keep_ratio",
        "resize_only_if_bigger": True,
        "skip_reencode": True,
        "encode_quality": 95,
        "timeout": TIMEOUT,
        "retries": 0,
    }
    found = shutil.which("img2dataset") or "img2dataset"
    return [found, *(f"--{key}={value}" for key, value in options.items())], folder / "files"


WAYS: dict[str, Callable] = {"ours": ours, "aria2c": of_aria2c, "img2dataset": of_img2dataset}


def run(way: str, listed: list[tuple[str, str]], scratch: Path | None) -> Ran:
    """Run one way in a folder of its own."""
    with tempfile.TemporaryDirectory(dir=scratch) as temporary:
        folder = Path(temporary)
        command, files = WAYS[way](folder, listed)
        with (folder / "log").open("w") as log:
            start, most = time.perf_counter(), 0
            process = subprocess.Popen(command, stdout=log, stderr=log)
            while process.poll() is None:
                most = max(most, memory(process.pid))
                time.sleep(0.2)
            seconds = time.perf_counter() - start
        found = [path for path in files.rglob("*.jpg") if path.is_file()]
        if not found:
            raise click.ClickException(
                f"{way} got nothing:\n{(folder / 'log').read_text()[-2000:]}"
            )
        bad = sum(not _is_good(path) for path in found)
        return Ran(seconds, most / 1e6, len(found), bad)


def memory(process: int) -> int:
    """Return the bytes of memory of a process and all below it, shared pages counted once."""
    below: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            below.setdefault(parent, []).append(int(path.parent.name))
    total, waiting = 0, [process]
    while waiting:
        number = waiting.pop()
        waiting += below.get(number, [])
        with contextlib.suppress(OSError):
            lines = Path("/proc", str(number), "smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1024


def _is_good(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            image.draft("RGB", (64, 64))
            image.load()
    except (OSError, SyntaxError):
        return False
    return True


def measure(
    count: int, broken: float, ways: list[str], rounds: int, scratch: Path | None
) -> list[list]:
    """Return a list's lines of the table: broken, way, URLs/s, times ours, MB, kept, bad."""
    with server() as port:
        listed = urls(port, count, broken)
        found = []
        for number in range(rounds):
            found.append({way: run(way, listed, scratch) for way in ways})
            said = ", ".join(f"{way} {ran.seconds:.1f} s" for way, ran in found[-1].items())
            click.echo(f"{broken:.0%} broken, round {number + 1}: {said}", err=True)
    lines = []
    for way in ways:
        speed = statistics.median(count / r[way].seconds for r in found)
        ratio = statistics.median(r["ours"].seconds / r[way].seconds for r in found)
        last = found[-1][way]
        memory = max(r[way].megabytes for r in found)
        lines.append([f"{broken:.0%}", way, speed, ratio, memory, last.kept, last.bad])
    return lines


@click.command(help="Measure `modc fetch DARN` beside aria2c and img2dataset.")
@click.option("--urls", "count", default=20_000, show_default=True, help="URLs of the list.")
@click.option("--broken", multiple=True, type=float, default=[0.0, 0.15], show_default=True)
@click.option("--rounds", default=3, show_default=True, help="Rounds, of which the median is.")
@click.option("--scratch", type=click.Path(path_type=Path), help="Where the files go meanwhile.")
def main(count: int, broken: tuple[float, ...], rounds: int, scratch: Path | None) -> None:
    """Print the table."""
    ways = ["ours", *(way for way in ("aria2c", "img2dataset") if shutil.which(way))]
    for way in WAYS:
        if way not in ways:
            click.echo(f"{way} is not installed and left out")
    click.echo(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    lines = [line for share in broken for line in measure(count, share, ways, rounds, scratch)]
    headers = ["broken", "way", "URLs/s", "speed, of ours", "MB", "kept", "bad"]
    click.echo(tabulate(lines, headers, floatfmt=("", "", ".0f", ".2f", ".0f", "", "")))


if __name__ == "__main__":
    main()

"""`modc fetch DARN` from outside: a list, a server, a process that is killed, a frozen manifest."""

import json
import random
import re
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml

from modc.data import manifest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def place(tmp_path, settings) -> Path:
    """A folder with a configuration for servers on this machine."""
    override = {"data": str(tmp_path / "data"), "download": settings}
    (tmp_path / "override.yaml").write_text(yaml.safe_dump(override))
    return tmp_path


def command(place: Path, *options: object) -> list[str]:
    configs = ("--config", REPOSITORY / "config.yaml", "--config", place / "override.yaml")
    part = () if "--status" in options or is_drawn(place) else ("--part", "images")
    options = (*part, *configs, *options)
    return [sys.executable, "-m", "modc.cli", "fetch", "DARN", *map(str, options)]


def is_drawn(place: Path) -> bool:
    return "modc.drawn" in (place / "override.yaml").read_text()


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(modc):
    """Return a function that runs the command in this process, which pays for no imports."""
    return lambda place, *options: Done(*modc(*command(place, *options)[3:]))


def listed(place: Path, server, extra: str = "") -> None:
    folder = place / "data" / "DARN"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{path[1:]} {server.url}{path}\n" for path in server.routes]
    (folder / "urls.txt").write_text("".join(lines) + extra)


def test_a_list_becomes_pictures_and_a_manifest(place, run, server, picture, caplog):
    caplog.set_level("INFO")
    server.routes = {f"/{number}/a": picture(number) for number in range(8)} | {"/9/a": 404}
    listed(place, server, "../x http://a.example/b\n\n# comment\nftp/b ftp://a.example/b\n")
    done = run(place)
    assert done.returncode == 0, done.stderr
    for said in (
        "names unlike DARN's",
        "8 ok, 1 gone, 1 bad_address, 1 bad_name",
        "8 images frozen, SHA-256 ",
    ):
        assert said in caplog.text
    folder = place / "data" / "DARN"
    found = manifest.read(folder)
    assert found.sha256 in caplog.text
    assert found.facts["pictures"] == {"ok": 8, "gone": 1, "bad_address": 1}
    assert (folder / "pic" / "3" / "a.jpg").read_bytes() == picture(3)
    assert not (place / "data" / "x.jpg").exists() and not (folder / "x.jpg").exists()
    log = (folder / "fetch.log").read_text().splitlines()
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d DARN: 9 to do", log[0])
    assert "DARN: 9 of 9 done: 8 ok, 1 gone, 0 to retry, 0 failed;" in log[-1]


def test_a_later_run_leaves_the_frozen_manifest_unless_told(place, run, server, picture, caplog):
    caplog.set_level("INFO")
    server.routes = {f"/{number}": picture(number) for number in range(14)} | {"/late": 503}
    listed(place, server)
    assert run(place).returncode == 0
    folder = place / "data" / "DARN"
    before = {path: path.read_bytes() for path in folder.glob("manifest.*")}
    times = {path: path.stat().st_mtime_ns for path in before}
    server.routes["/late"] = picture(9)
    caplog.clear()
    assert run(place).returncode == 0 and "without the 1 images that are new" in caplog.text
    assert "--refreeze" in caplog.text and (folder / "pic" / "late.jpg").exists()
    assert {path: path.read_bytes() for path in before} == before
    assert {path: path.stat().st_mtime_ns for path in before} == times
    assert run(place, "--refreeze").returncode == 0 and "15 images frozen" in caplog.text
    assert len(manifest.read(folder).pictures) == 15


def test_a_part_freezes_nothing(place, run, server, picture):
    server.routes = {f"/{number}": picture(number) for number in range(4)}
    listed(place, server)
    assert run(place, "--limit", 3).returncode == 0
    assert len(server.asked) == 3 and not manifest.exists(place / "data" / "DARN")


def test_retry_asks_for_what_failed_for_good(place, run, server, picture):
    server.routes = {"/a": picture(1), "/b": 404, "/c": 403}
    listed(place, server)
    run(place)
    server.asked.clear()
    run(place, "--retry", "refused")
    # The image that was there shows that the network is up.
    assert {path for _, path in server.asked} == {"/c", "/a"}
    server.asked.clear()
    run(place, "--retry", "failed")
    assert {path for _, path in server.asked} == {"/a", "/b", "/c"}
    done = run(place, "--retry", "ok")
    assert done.returncode == 2 and "'ok' is not one of" in done.stderr


def test_status_counts_and_asks_for_nothing(place, run, server, picture):
    done = run(place, "--status")
    assert done.returncode == 1
    assert done.stderr.endswith("nothing has been downloaded yet; run `modc fetch DARN`\n")
    server.routes = {"/a": picture(1), "/b": 404, "/c": 404}
    listed(place, server)
    run(place)
    server.asked.clear()
    done = run(place, "--status")
    assert done.returncode == 0 and server.asked == [] and "--retry" in done.stdout
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["127.0.0.1", "3", "1", "2"] in lines and ["404", "2", "0", "2"] in lines


def test_no_picture_at_all_is_an_error_and_freezes_nothing(place, run, server):
    server.routes = {"/a": 404, "/b": 404}
    listed(place, server)
    done = run(place)
    assert done.returncode == 1
    assert "no image was downloaded" in done.stderr.splitlines()[-1]
    assert not manifest.exists(place / "data" / "DARN")


def test_what_this_network_may_cause_is_named_with_its_setting(place, run, server, picture):
    server.routes = {"/a": picture(1)}
    listed(place, server)
    path = place / "data" / "DARN" / "urls.txt"
    path.write_text(path.read_text().replace("127.0.0.1", "localhost"))
    settings = yaml.safe_load((place / "override.yaml").read_text())
    settings["download"]["allow_private_addresses"] = False
    allowed = (place / "override.yaml").read_text()
    (place / "override.yaml").write_text(yaml.safe_dump(settings))
    done = run(place)
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]
    assert "localhost is " in said and "allow_private_addresses: true" in said
    (place / "override.yaml").write_text(allowed)
    assert run(place).returncode == 0
    assert len(manifest.read(place / "data" / "DARN").pictures) == 1


def test_an_outage_is_not_frozen_unasked(place, run, server, picture):
    server.routes = {"/a": picture(1)} | {f"/down{number}": 503 for number in range(9)}
    listed(place, server)
    done = run(place)
    assert done.returncode == 1 and not manifest.exists(place / "data" / "DARN")
    said = done.stderr.splitlines()[-1]
    assert "9 of 10 URLs had transient failures" in said and "--refreeze" in said
    assert run(place, "--refreeze").returncode == 0
    assert len(manifest.read(place / "data" / "DARN").pictures) == 1


def test_another_list_may_be_named(place, run, server, picture):
    server.routes = {"/a": picture(1)}
    path = place / "other.txt"
    path.write_text(f"a {server.url}/a\n")
    assert run(place, "--file", path).returncode == 0
    # The same command without the option goes on with it.
    assert run(place, "--refreeze").returncode == 0 and len(server.asked) == 1
    done = run(place, "--file", place / "absent.txt")
    assert done.returncode == 1 and "absent.txt: no such list of URLs" in done.stderr
    page = place / "page.txt"
    page.write_text("<html>https://drive.google.com</html>")
    done = run(place, "--file", page)
    assert done.returncode == 1 and "page.txt: not a list of URLs" in done.stderr


def test_a_second_one_waits_for_the_first(place, run, server, picture):
    server.routes = {f"/{number}": picture(number) for number in range(5)}
    server.routes["/held"] = lambda handler: server.stopped.wait(20)
    listed(place, server)
    first = subprocess.Popen(command(place), stderr=subprocess.DEVNULL)
    while "/held" not in [path for _, path in server.asked]:
        time.sleep(0.02)
    second = subprocess.Popen(command(place), stderr=subprocess.PIPE, text=True)
    for line in second.stderr:
        if "another process is downloading it; waiting for it" in line:
            break
    else:
        pytest.fail("it did not wait")
    assert run(place, "--status").returncode == 0
    first.kill()
    first.wait()
    server.routes["/held"] = picture(9)
    assert second.wait(timeout=30) == 0, second.stderr.read()
    assert len(manifest.read(place / "data" / "DARN").pictures) == 6


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_records_what_it_has_and_goes_on(place, run, server, picture, by):
    def slow(handler):
        time.sleep(0.1)
        handler.answer(200, picture(int(handler.path[1:])))

    server.routes = {f"/{number}": slow for number in range(60)}
    listed(place, server)
    process = subprocess.Popen(command(place), stderr=subprocess.PIPE, text=True)
    while len(server.asked) < 20:
        time.sleep(0.02)
    process.send_signal(by)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors.endswith("modc: stopped; run the same command again\n")
    assert "Traceback" not in errors
    assert run(place).returncode == 0
    assert len(manifest.read(place / "data" / "DARN").pictures) == 60


def kill_and_go_on(place: Path, run, server, picture, count: int, kills: int, seed: int) -> None:
    """Kill the command `kills` times; no picture is lost, none that is had is asked for again."""
    rng = random.Random(seed)
    pictures = {f"{number % 20:08d}/{number}": picture(number) for number in range(count)}

    def slow(handler):
        time.sleep(0.02)
        handler.answer(200, pictures[handler.path[1:]])

    server.routes = {f"/{name}": slow for name in pictures}
    broken = {f"/broken/{number}": 404 for number in range(count // 10)}
    server.routes |= broken
    listed(place, server)
    folder = place / "data" / "DARN" / "pic"
    had: dict[str, float] = {}
    for _ in range(kills):
        before = len(server.asked)
        process = subprocess.Popen(command(place), stderr=subprocess.DEVNULL)
        while len(server.asked) == before and process.poll() is None:
            time.sleep(0.01)
        while not any(folder.rglob("*.jpg")) and process.poll() is None:
            time.sleep(0.01)
        time.sleep(rng.uniform(0.0, 0.5))
        process.kill()
        process.wait()
        now = time.monotonic()
        for path in folder.rglob("*.jpg"):
            name = path.relative_to(folder).with_suffix("").as_posix()
            assert path.read_bytes() == pictures[name], "nothing half-written"
            had.setdefault(name, now)
    assert 0 < len(had) < count, "the kills must fall within the download"
    done = run(place)
    assert done.returncode == 0, done.stderr
    again = [w for name, since in had.items() for w in server.times(f"/{name}") if w > since]
    assert len(again) <= 3  # to see whether the network is up, an image is asked for again
    stored = {
        path.relative_to(folder).with_suffix("").as_posix(): path.read_bytes()
        for path in folder.rglob("*.jpg")
    }
    assert stored == pictures
    assert len(manifest.read(folder.parent).pictures) == count
    assert list((folder.parent / ".incoming").iterdir()) == []


def test_killed_twice_it_loses_nothing(place, run, server, picture):
    kill_and_go_on(place, run, server, picture, count=400, kills=2, seed=0)


@pytest.mark.slow
def test_killed_twenty_times_it_loses_nothing(place, run, server, picture):
    kill_and_go_on(place, run, server, picture, count=8000, kills=20, seed=1)


def test_a_full_disk_is_one_line_and_the_next_run_goes_on(place, run, server, picture):
    server.routes = {f"/{number}": picture(number) for number in range(20)}
    server.routes["/large"] = picture(99, (512, 512), quality=100)
    largest = max(len(body) for body in server.routes.values())
    listed(place, server)

    def small_files():
        # A file that may not grow fails as one on a full disk does, in the middle of a write.
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest // 2, largest // 2))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    call = {"capture_output": True, "text": True, "timeout": 60}
    done = subprocess.run(command(place), preexec_fn=small_files, **call)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert re.search(r"^modc: error: .*(large\.jpg|downloads\.sqlite)", done.stderr, re.M)
    done = run(place)
    assert done.returncode == 0
    assert len(manifest.read(place / "data" / "DARN").pictures) == 21


def test_drawn_garments_are_served_and_downloaded(place, run):
    folder = place / "data" / "DARN"
    settings = yaml.safe_load((place / "override.yaml").read_text())
    generate = {"images": 400, "seed": 1}
    settings["datasets"] = {"DARN": {"class": "modc.drawn.darn:DrawnDARN", "generate": generate}}
    settings["download"] |= {
        "allow_private_addresses": False,
        "placeholders": {"same_bytes": 5, "same_look": 0},
        "attempts": 2,
        "silence_timeout": 0.8,
    }
    (place / "override.yaml").write_text(yaml.safe_dump(settings))
    done = run(place)
    assert done.returncode == 0, done.stderr
    facts = json.loads((folder / "manifest.json").read_text())
    assert facts["pictures"] == {
        "ok": 384,
        "placeholder": 6,
        "not_an_image": 2,
        "redirected": 1,
        "private_address": 1,
        "gone": 1,
        "refused": 1,
        "truncated": 1,
        "connection": 1,
        "dns": 1,
        "timeout": 1,
    }
    assert len(pd.read_csv(folder / "placeholders.csv")) == 6
    for row in manifest.read(folder).pictures.itertuples():
        served = folder / "served" / row.path.removeprefix("pic/")
        assert (folder / row.path).read_bytes() == served.read_bytes()


def test_help_names_every_option(modc, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    _, said, _ = modc("fetch", "DARN", "--help")
    for option in ("--limit", "--retry", "--status", "--refreeze", "--file", "--folder"):
        assert option in said

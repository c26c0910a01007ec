"""Progress: a bar on a terminal, a line a minute in the log."""

import logging
import re

from modc.fetch import progress as module
from modc.fetch.progress import Progress


def lines(folder) -> list[str]:
    return [line[20:] for line in (folder / "fetch.log").read_text().splitlines()]


def test_a_line_a_minute_goes_to_the_log(tmp_path, monkeypatch, caplog):
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    caplog.set_level(logging.INFO)
    with Progress(300, tmp_path, "DARN") as progress:
        for number in range(150):
            now[0] += 1.0
            progress.add("ok" if number % 2 else "gone", 1_000_000 if number % 2 else None)
    said = lines(tmp_path)
    assert len(said) == 1 + 2 + 1  # the beginning, two minutes, the end
    assert said[1] == (
        "DARN: 60 of 300 done: 30 ok, 30 gone, 0 to retry, 0 failed; 0.5 images/s, "
        "0.5 MB/s; 1.0 per second; about 4 min left"
    )
    assert [record.message for record in caplog.records] == said


def test_what_failed_is_told_apart(tmp_path):
    with Progress(5, tmp_path, "DARN") as progress:
        for state in ("ok", "timeout", "dns", "refused", "not_an_image"):
            progress.add(state, None)
    assert "5 of 5 done: 1 ok, 0 gone, 2 to retry, 2 failed;" in lines(tmp_path)[-1]


def test_a_terminal_shows_a_bar(tmp_path, monkeypatch, capsys, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(module.sys.stderr, "isatty", lambda: True, raising=False)
    with Progress(2, tmp_path, "DARN") as progress:
        progress.add("ok", 10)
        progress.add("gone", None)
    shown = capsys.readouterr().err
    assert re.search(r"DARN: 100%.*2/2", shown) and "1 ok, 1 gone, 0 to retry" in shown
    assert caplog.records == [] and len(lines(tmp_path)) == 2


def test_a_second_run_adds_to_the_log(tmp_path):
    for _ in range(2):
        with Progress(0, tmp_path, "DARN"):
            pass
    assert len(lines(tmp_path)) == 4

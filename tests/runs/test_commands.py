"""`modc verify` and `modc merge` as they are typed."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from modc import cli as command_line
from modc import config as configuration
from modc.report.files import table_files

QUERIES = "cells/FashionAI/ASEN/10/seed-0/modc/queries.csv"


@pytest.fixture
def modc(monkeypatch, capsys):
    """Return a function that runs `modc ...` and returns its exit status, stdout, stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["modc", *map(str, arguments)])
        status: object = 0
        try:
            command_line.main()
        except SystemExit as end:
            status = end.code
        printed = capsys.readouterr()
        if isinstance(status, str):  # what sys.exit prints
            return 1, printed.out, status
        return int(status or 0), printed.out, printed.err

    return run


def test_a_run_that_holds(modc, make_run, config):
    run = make_run("a run")
    status, out, err = modc("verify", run)
    assert status == 0 and not err
    files = len(table_files(config))
    assert out.splitlines()[-1] == f"{run}: 4 results, {files} files: all numbers hold"


def test_a_run_that_does_not_hold(modc, make_run):
    run = make_run()
    (run / QUERIES).unlink()
    status, out, err = modc("verify", run)
    assert status == 1 and not err
    assert out.splitlines()[-1].endswith(" of these do not hold")
    status, out, _ = modc("verify", run, "--json")
    assert status == 1 and "FashionAI/ASEN/10/seed-0/modc" in json.loads(out)["broken"]


def test_remarks_fail_only_where_it_is_strict(modc, make_run):
    run = make_run(provenance={"code": "0123"})
    status, out, _ = modc("verify", run)
    assert status == 0
    assert out.splitlines()[-1].endswith(": all numbers hold; other or missing: code of training")
    assert modc("verify", run, "--strict")[0] == 1
    assert modc("verify", make_run("sound"), "--strict")[0] == 0


def test_another_configuration_may_be_given(modc, make_run, config, tmp_path):
    run = make_run()
    config["training"]["batch"] = 7
    configuration.write(tmp_path / "other.yaml", config)
    status, out, _ = modc("verify", run, "--config", tmp_path / "other.yaml")
    assert status == 1 and "settings of training" in out.splitlines()[-1]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda run: run.rename(run.with_name("gone")), "no such folder; expected a run's"),
        (lambda run: (run / "config.yaml").unlink(), "config.yaml: no such configuration file"),
        (
            lambda run: (run / "config.yaml").write_text("run: made\n"),
            "is missing; if an older version wrote it: --config config.yaml --config",
        ),
    ],
)
def test_mistakes_end_in_one_line(modc, make_run, spoil, message):
    run = make_run()
    spoil(run)
    status, out, err = modc("verify", run)
    assert status == 1 and not out
    assert err.startswith(f"modc: error: {run}") and message in err and "\n" not in err


def test_merge_says_what_it_did_and_how_to_go_on(modc, make_run, tmp_path):
    one, two = make_run("one"), make_run("two", grid={"seeds": [1]})
    output = tmp_path / "all runs" / "all"
    status, out, err = modc("merge", output, one, two)
    assert status == 0 and not err
    counts, *render = out.splitlines()
    assert counts == f"{output}: 8 of 8 results (4 of {one}, 4 of {two}); 8 added"
    for line, step, said in zip(render, ("tables", "report"), (" ± ", "report.html"), strict=True):
        words = shlex.split(line)
        assert words[:3] == [f"{step}:", "modc", step]
        status, out, _ = modc(*words[2:])
        assert status == 0 and said in out
    assert modc("verify", output, "--strict")[0] == 0
    assert modc("merge", output, one)[1].splitlines()[-3].endswith("; nothing to add")


def test_merge_names_what_runs_disagree_about(modc, make_run, tmp_path):
    one, two = make_run("one"), make_run("two", grid={"seeds": [1]}, index_sha256="ef" * 32)
    status, out, err = modc("merge", tmp_path / "all", one, two)
    assert status == 1 and out.startswith("index of FashionAI: cdcdcdcdcdcd (")
    assert err.startswith("modc: error: ") and "--prefer RUN" in err and "\n" not in err
    assert not (tmp_path / "all").exists()
    assert modc("merge", tmp_path / "all", one, two, "--prefer", two)[0] == 0


def test_merge_tells_ten_contradictions_at_most(modc, make_run, tmp_path):
    grid = {"seeds": [0, 1, 2]}
    one, two = make_run("one", grid=grid), make_run("two", grid=grid)
    for path in Path(two).rglob("scores.json"):
        scores = json.loads(path.read_text())
        scores["overall"]["MAP@all"] /= 2
        path.write_text(json.dumps(scores))
    _, out, _ = modc("merge", tmp_path / "all", one, two)
    assert len(out.splitlines()) == 10 * 3 + 1 and out.endswith("and 2 more\n")


def test_neither_needs_torch():
    modules = "sys, modc.cli, modc.runs.merge, modc.runs.verify"
    code = f"import {modules}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

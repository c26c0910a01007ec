"""`modc verify` and `modc merge` as they are typed."""

import json
import shlex
import subprocess
import sys
from hashlib import sha256
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
    said = f"{run}: 4 results, {files} files: all numbers hold; not checked: data of 4 results"
    assert out.splitlines()[-1] == said


def test_a_run_that_does_not_hold(modc, make_run):
    run = make_run()
    (run / QUERIES).unlink()
    status, out, err = modc("verify", run)
    assert status == 1 and not err
    assert " of these do not hold; " in out.splitlines()[-1]
    status, out, _ = modc("verify", run, "--json")
    assert status == 1 and "FashionAI/ASEN/10/seed-0/modc" in json.loads(out)["broken"]


def test_remarks_fail_only_where_it_is_strict(modc, make_run):
    run = make_run(provenance={"code": "0123"})
    status, out, _ = modc("verify", run)
    assert status == 0
    assert ": all numbers hold; other than here: code of training; " in out.splitlines()[-1]
    assert modc("verify", run, "--strict")[0] == 1


def test_what_cannot_be_checked_fails_where_it_is_strict(modc, make_run, data):
    _, manifest_sha256, index_sha256 = data
    run = make_run(manifest_sha256=manifest_sha256, index_sha256=index_sha256)
    assert modc("verify", run, "--strict")[0] == 0
    (run / "coverage").mkdir()
    assert modc("verify", run)[0] == 0
    assert modc("verify", run, "--strict")[0] == 1


def test_data_that_are_not_there_fail_where_it_is_strict(modc, make_run):
    run = make_run()
    assert modc("verify", run)[0] == 0
    status, out, _ = modc("verify", run, "--strict")
    assert status == 1 and out.endswith("not checked: data of 4 results\n")


def test_a_deleted_table_fails(modc, make_run):
    run = make_run()
    (run / "tables" / "table1.tex").unlink()
    status, out, _ = modc("verify", run)
    assert status == 1 and "missing: tables/table1.tex" in out.splitlines()[-1]


def test_what_tables_prints_is_what_is_checked(modc, make_run, config):
    run = make_run()
    _, out, _ = modc("tables", "--config", run / "config.yaml", "--results", run)
    (run / "tables" / "summary.txt").write_text(out)
    note = json.loads((run / "rendered" / "tables.json").read_text())["sha256"]
    shown = out[: out.index(f"{run}/tables/table1.md")].encode()
    assert note["tables/summary.txt"] == sha256(shown).hexdigest()
    assert modc("verify", run)[0] == 0
    (run / "tables" / "summary.txt").write_text(out.replace("ASENv2", "SENv2"))
    status, out, _ = modc("verify", run)
    assert status == 1 and "tables/summary.txt" in out


def test_tables_of_another_configuration_point_to_the_option(modc, make_run, config, tmp_path):
    run, three = make_run(), tmp_path / "three.yaml"
    config["grid"]["seeds"] = [0, 1, 2]
    configuration.write(three, config)
    assert modc("tables", "--config", three, "--results", run)[0] == 0
    status, out, _ = modc("verify", run)
    said = f"; under {run / 'config.yaml'}; if made under another: --config FILE"
    assert status == 1 and out.splitlines()[-1].endswith(said)
    status, out, _ = modc("verify", run, "--config", three)
    assert status == 0 and "--config" not in out


def test_other_settings_point_to_the_option(modc, make_run, config):
    run = make_run()
    config["evaluation"]["unanswerable"] = "exclude"
    configuration.write(run / "config.yaml", config)
    _, out, _ = modc("verify", run)
    assert "settings of scoring" in out.splitlines()[-1]
    assert out.splitlines()[-1].endswith("if made under another: --config FILE")


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
    assert modc("verify", output)[0] == 0
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

import json
import shlex
import subprocess
import sys

import pytest
from made_tables import paper_table

from modc import config as configuration
from modc.cli.runs import _print
from modc.errors import UserError
from modc.report.results import collect
from modc.runs import merge as merging
from modc.runs.merge import Contradicted, merge
from modc.runs.verify import verify

NAME = "FashionAI/ASEN/10/seed-0/modc"
SCORES, QUERIES = (f"cells/{NAME}/{file}" for file in ("scores.json", "queries.csv"))
WARM_UP = "cells/FashionAI/ASEN/10/seed-0/baseline/warm_up"


def files(folder) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def output(tmp_path):
    return tmp_path / "results" / "all"


@pytest.fixture
def seeds(make_run):
    """Two runs that differ in their seed."""
    return [make_run("one"), make_run("two", grid={"seeds": [1]})]


@pytest.fixture
def trained_twice(make_run):
    """Two runs of the same cells with other numbers."""
    return [make_run("one"), make_run("two", training="again")]


def test_seeds_of_two_machines_become_one_run(seeds, output, modc):
    status, out, err = modc("merge", output, *seeds)
    assert status == 0 and not err
    counts, *render = out.splitlines()
    assert counts == f"{output}: 8 of 8 results: 4 of {seeds[0]}, 4 of {seeds[1]}"
    config = configuration.load([output / "config.yaml"])
    assert config["run"] == "all" and config["grid"]["seeds"] == [0, 1]
    assert [result.status for result in collect(output, config)] == [""] * 8
    words = shlex.split(render[0])
    assert words[1:] == [
        *("modc", "tables", "--config", f"{output}/config.yaml", "--results", str(output))
    ]
    table = paper_table(4, collect(output, config), config)
    assert table["seeds"].max() == 2 and table["spread"].max() > 0


def test_scores_queries_and_curves_are_copied_and_models_where_asked_for(seeds, output):
    before = [files(run) for run in seeds]
    merge(output, seeds)
    copied = files(output)
    for run in before:
        for name, content in run.items():
            is_wanted = name.startswith("cells/") and not name.endswith((".pt", ".npz"))
            assert (
                copied.get(name) == content if is_wanted else name not in copied or "/" not in name
            )
    merge(output, seeds, models=True)
    for file in ("model.pt", "last.pt", "test.npz"):
        assert (output / WARM_UP / file).read_bytes() == before[0][f"{WARM_UP}/{file}"]
    assert [files(run) for run in seeds] == before


def test_again_there_is_nothing_to_do(seeds, output):
    merge(output, seeds, models=True)
    before, inode = files(output), output.stat().st_ino
    for again in (seeds[::-1], [output]):
        merge(output, again)
    assert files(output) == before and output.stat().st_ino == inode


def test_a_third_run_is_added_and_former_tables_are_dropped(seeds, output, make_run):
    merge(output, seeds, models=True)
    (output / "tables").mkdir()
    (output / "notes.txt").write_text("mine")
    third = make_run("three", grid={"seeds": [2], "labeled_percent": {"FashionAI": [50]}})
    origins = merge(output, [third]).origins
    assert origins[NAME] == str(seeds[0])
    assert origins["FashionAI/ASEN/50/seed-2/modc"] == str(third) and len(origins) == 10
    assert json.loads((output / "merged.json").read_text()) == {"results": origins}
    assert (output / "notes.txt").exists() and not (output / "tables").exists()
    assert (output / WARM_UP / "model.pt").exists()
    grid = configuration.load([output / "config.yaml"])["grid"]
    assert grid["seeds"] == [0, 1, 2] and grid["labeled_percent"]["FashionAI"] == [10, 50, 100]
    assert not verify(output, configuration.load([output / "config.yaml"])).broken


def test_the_same_scores_in_two_runs_are_no_contradiction(make_run, output, edit):
    runs = [make_run("one"), make_run("two")]
    scores = json.loads((runs[1] / SCORES).read_text())
    scores["overall"]["MAP@all"] += 1e-13  # summed in another order
    edit(runs[1] / SCORES, overall=scores["overall"], stages=scores["stages"][::-1])
    assert set(merge(output, runs).origins.values()) == {str(runs[0])}


def test_other_scores_of_the_same_result_are_named(trained_twice, output, modc):
    one, two = trained_twice
    was, is_ = (
        json.loads((run / SCORES).read_text())["overall"]["MAP@all"] for run in trained_twice
    )
    status, out, err = modc("merge", output, one, two)
    assert status == 1 and {path.name for path in output.parent.iterdir()} == {"one", "two"}
    assert f"{NAME}: overall MAP@all: {was} in {one}, {is_} in {two}" in out.splitlines()
    assert err.startswith(f"modc: error: {output}: ") and "\n" not in err


def test_the_preferred_run_is_right(trained_twice, output):
    one, two = trained_twice
    assert set(merge(output, [one, two], prefer=two).origins.values()) == {str(two)}
    assert (output / SCORES).read_bytes() == (two / SCORES).read_bytes()
    with pytest.raises(Contradicted):
        merge(output, [one])
    merge(output, [one], prefer=one)
    assert (output / SCORES).read_bytes() == (one / SCORES).read_bytes()
    assert (output / WARM_UP / "curve.csv").read_bytes() == (
        one / WARM_UP / "curve.csv"
    ).read_bytes()


def test_the_stages_of_a_method_come_from_one_training(trained_twice, output):
    one, two = trained_twice
    # Of the second run the baseline alone; its warm-up is the one that the result shows.
    (two / SCORES).unlink()
    (two / QUERIES).unlink()
    merge(output, [one], models=True)
    origins = merge(output, [two], prefer=two).origins
    assert origins[NAME] == str(one) and str(two) in origins.values()
    assert (output / WARM_UP / "curve.csv").read_bytes() == (
        two / WARM_UP / "curve.csv"
    ).read_bytes()
    assert not (output / WARM_UP / "model.pt").exists()


def test_what_the_preferred_run_lacks_stays_a_contradiction(trained_twice, make_run, output):
    third = make_run("three", grid={"seeds": [1]})
    with pytest.raises(Contradicted):
        merge(output, [*trained_twice, third], prefer=third)
    assert not output.exists()


def test_other_settings_are_a_contradiction(make_run, output, config):
    one = make_run("one")
    config["training"]["batch"] = 7
    two = make_run("two", grid={"seeds": [1]})
    with pytest.raises(Contradicted) as error:
        merge(output, [one, two])
    assert error.value.lines == [f"configuration, training.batch: 16 in {one}, 7 in {two}"]


def test_a_result_of_former_settings_is_another_one(make_run, output, edit):
    one, two = make_run("one"), make_run("two")
    edit(two / SCORES, settings_chain=["0123"])
    with pytest.raises(Contradicted) as error:
        merge(output, [one, two])
    (line,) = error.value.lines
    assert line.startswith(f"{NAME}: trained with different settings")


@pytest.mark.parametrize("key", ["manifest_sha256", "index_sha256"])
def test_other_data_of_the_same_dataset_are_a_contradiction(make_run, output, key):
    one, two = make_run("one"), make_run("two", grid={"seeds": [1]}, **{key: "ef" * 32})
    with pytest.raises(Contradicted) as error:
        merge(output, [one, two])
    old = json.loads((one / SCORES).read_text())[key][:12]
    assert error.value.lines == [f"{key} of FashionAI: {old} in {one}, {'ef' * 6} in {two}"]


def test_other_code_and_packages_are_notes(make_run, output):
    one = make_run("one")
    two = make_run("two", grid={"seeds": [1]}, provenance={"code": "0123", "torch": "1.0"})
    notes = merge(output, [one, two]).notes
    assert any(n.startswith("code of ASEN modc differs: ") and f"0123 in {two}" in n for n in notes)
    assert any(n.startswith("torch differs: ") and f"1.0 in {two}" in n for n in notes)


@pytest.mark.parametrize(
    ("file", "content"),
    [(SCORES, b'{"dataset": '), (QUERIES, b"x"), (QUERIES, None)],
)
def test_damaged_scores_are_named_and_nothing_is_written(make_run, output, modc, file, content):
    run = make_run("one")
    (run / file).unlink()
    if content is not None:
        (run / file).write_bytes(content)
    status, out, err = modc("merge", output, run)
    assert status == 1 and not out and "\n" not in err
    assert err.startswith(f"modc: error: {run}/cells/{NAME}: ")
    assert not output.exists()


def test_results_outside_a_runs_grid_are_not_merged(make_run, output, config):
    run = make_run("one")
    config["grid"]["labeled_percent"]["FashionAI"] = [100]
    configuration.write(run / "config.yaml", config)
    assert len(merge(output, [run]).origins) == 2 and not (output / SCORES).exists()


def test_a_result_that_never_ran_is_missing(make_run, output):
    run = make_run("one")
    for file in (SCORES, QUERIES):
        (run / file).unlink()
    assert len(merge(output, [run]).origins) == 3


def test_spaces_and_links(make_run, tmp_path):
    run = make_run("one run")
    (run / "cells").rename(tmp_path / "cells")
    (run / "cells").symlink_to(tmp_path / "cells")
    link = tmp_path / "a link"
    link.symlink_to(run)
    really = tmp_path / "a disk"
    really.mkdir()
    output = tmp_path / "disk" / "all"
    output.parent.symlink_to(really)
    assert set(merge(output, [link, run]).origins.values()) == {str(run)}  # one run, given twice
    assert (really / "all" / SCORES).read_bytes() == (run / SCORES).read_bytes()
    assert not any(path.is_symlink() for path in (really / "all").rglob("*"))
    alias = tmp_path / "alias"
    alias.symlink_to(output)
    assert len(merge(alias, [make_run("two", grid={"seeds": [1]})]).origins) == 8
    assert alias.is_symlink() and (really / "all" / "merged.json").exists()


def test_a_run_of_its_own_is_never_overwritten(make_run):
    one, two = make_run("one"), make_run("two", grid={"seeds": [1]})
    before = files(one)
    with pytest.raises(UserError, match="not made by `modc merge`"):
        merge(one, [two])
    assert files(one) == before


@pytest.mark.parametrize("inside", ["{run}/all", "{run}/cells/all", "{parent}"])
def test_folders_in_each_other_are_refused(make_run, inside):
    run = make_run("one")
    output = type(run)(inside.format(run=run, parent=run.parent))
    with pytest.raises(UserError, match="one is inside the other"):
        merge(output, [run])


def test_mistakes_are_named(make_run, output, tmp_path):
    run, empty = make_run("one"), tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UserError, match="no such folder"):
        merge(output, [tmp_path / "nowhere"])
    with pytest.raises(UserError, match=r"config.yaml: no such configuration file"):
        merge(output, [empty])
    with pytest.raises(UserError, match="--prefer .*: expected one of "):
        merge(output, [run], prefer=tmp_path)
    for path in (*run.rglob("scores.json"), *run.rglob("queries.csv")):
        path.unlink()
    with pytest.raises(UserError, match="no scores of its grid"):
        merge(output, [run])
    assert not output.exists()


def test_a_damaged_record_of_a_merge_is_named(seeds, output):
    merge(output, seeds[:1])
    (output / "merged.json").write_text("{")
    with pytest.raises(UserError, match=r"merged.json: damaged"):
        merge(output, seeds)


def test_interrupted_while_it_adds_it_is_as_it_was(seeds, output, monkeypatch):
    merge(output, seeds[:1])
    before = files(output)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(merging.configuration, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        merge(output, seeds)
    assert files(output) == before
    assert {path.name for path in output.parent.iterdir()} == {"one", "two", "all", ".all.lock"}


def test_killed_while_it_adds_the_next_merge_puts_it_right(seeds, output):
    merge(output, seeds[:1])
    code = (
        "import os, signal, sys; from pathlib import Path; from modc.runs import merge as merging\n"
        "merging.configuration.write = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "merging.merge(Path(sys.argv[1]), [Path(sys.argv[2])])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(output), str(seeds[1])])
    assert done.returncode == -9 and not (output / "cells/FashionAI/ASEN/10/seed-1").exists()
    assert len(merge(output, seeds[1:]).origins) == 8
    assert {path.name for path in output.parent.iterdir()} == {"one", "two", "all", ".all.lock"}


def test_at_most_ten_contradictions_are_printed(capsys):
    _print([f"line {number}" for number in range(12)])
    assert capsys.readouterr().out.splitlines()[9:] == ["line 9", "and 2 more"]


def test_neither_command_needs_torch():
    modules = "sys, modc.cli, modc.runs.merge, modc.runs.verify"
    code = f"import {modules}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

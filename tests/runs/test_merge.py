import json
from hashlib import sha256

import pandas as pd
import pytest
from made_tables import paper_table

from modc import config as configuration
from modc import paths, provenance
from modc.cell import Cell
from modc.errors import UserError
from modc.grid import cells
from modc.report.render import render_all
from modc.report.results import collect
from modc.runs import merge as merging
from modc.runs.merge import Contradicted, merge
from modc.runs.verify import verify

METHODS = ("baseline", "modc")
# Of what NAME was trained by.
TRAINED = provenance.training_code("ASEN", "modc.methods.modc:Modc")

NAME = "FashionAI/ASEN/10/seed-0/modc"
SCORES = f"cells/{NAME}/scores.json"
WARM_UP = "cells/FashionAI/ASEN/10/seed-0/baseline/warm_up"


def files(folder) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def lower(run, path=SCORES, **changed) -> None:
    """Change a number of a result, and what else is given."""
    scores = json.loads((run / path).read_text())
    scores["overall"]["MAP@all"] /= 2
    (run / path).write_text(json.dumps(scores | changed))


def lines(error) -> list[str]:
    return [one.line for one in error.value.contradictions]


@pytest.fixture
def output(tmp_path):
    return tmp_path / "results" / "all"


@pytest.fixture
def seeds(make_run):
    """Two runs that differ in their seed."""
    return [make_run("one"), make_run("two", grid={"seeds": [1]})]


def test_seeds_of_two_machines_give_mean_and_spread(seeds, output):
    merged = merge(output, seeds)
    assert merged.runs == {str(run): 4 for run in seeds} and merged.added == merged.possible == 8
    assert not merged.remarks
    config = configuration.load([output / "config.yaml"])
    assert config["run"] == "all" and config["grid"]["seeds"] == [0, 1]
    row = paper_table(4, collect(output, config), config).iloc[0]
    both = [
        json.loads((output / paths.scores(cell, "baseline")).read_text())
        for cell in (Cell("FashionAI", "ASEN", 100, seed) for seed in (0, 1))
    ]
    first, second = (scores["overall"]["MAP@100"] for scores in both)
    assert first != second and row["seeds"] == 2
    assert row["ours"] == pytest.approx((first + second) / 2)
    assert row["spread"] == pytest.approx(abs(first - second) / 2**0.5)
    render_all(output, config, output)
    assert " ± " in (output / "tables" / "table4.md").read_text()
    assert not verify(output, config).broken


def test_scores_queries_and_curves_are_copied_and_models_where_asked_for(seeds, output):
    merge(output, seeds)
    copied = files(output)
    for run in seeds:
        for name, content in files(run).items():
            is_wanted = name.startswith("cells/") and not name.endswith((".pt", ".npz"))
            assert copied.get(name) == (content if is_wanted else copied.get(name))
            assert is_wanted == (name in copied) or name == "config.yaml"
    assert merge(output, seeds, models=True).is_written
    assert (output / WARM_UP / "model.pt").read_bytes() == (
        seeds[0] / WARM_UP / "model.pt"
    ).read_bytes()


def test_the_runs_are_only_read(seeds, output):
    before = [files(run) for run in seeds]
    merge(output, seeds)
    assert [files(run) for run in seeds] == before


def test_again_there_is_nothing_to_do(seeds, output):
    merge(output, seeds, models=True)
    before, inode = files(output), output.stat().st_ino
    for again in (seeds, seeds[::-1], seeds[:1], [output]):
        merged = merge(output, again)
        assert not merged.is_written and merged.added == 0
    assert files(output) == before and output.stat().st_ino == inode


def test_a_third_run_is_added_and_tables_of_before_are_dropped(seeds, output, make_run):
    merge(output, seeds, models=True)
    (output / "tables").mkdir()
    (output / "tables" / "table1.md").write_text("of two seeds")
    (output / "notes.txt").write_text("mine")
    third = make_run("three", grid={"seeds": [2], "labeled_percent": {"FashionAI": [50]}})
    merged = merge(output, [third])
    assert merged.added == 4 - 2 and merged.possible == 3 * 3 * 2
    assert (output / "notes.txt").read_text() == "mine"
    assert not (output / "tables").exists()
    assert (output / WARM_UP / "model.pt").exists()
    config = configuration.load([output / "config.yaml"])
    assert config["grid"]["seeds"] == [0, 1, 2]
    assert config["grid"]["labeled_percent"]["FashionAI"] == [10, 50, 100]
    origins = json.loads((output / "merged.json").read_text())["results"]
    assert origins[NAME] == str(seeds[0])
    assert origins["FashionAI/ASEN/50/seed-2/modc"] == str(third)
    assert len(origins) == 10


def test_parts_of_the_grid(make_run, output):
    parts = [
        make_run(str(percent), grid={"labeled_percent": {"FashionAI": [percent]}})
        for percent in (100, 10)
    ]
    merged = merge(output, parts)
    assert merged.added == merged.possible == 4


def test_equal_results_of_two_runs_are_no_contradiction(make_run, output):
    runs = [make_run("one"), make_run("two")]
    scores = json.loads((runs[1] / SCORES).read_text())
    scores["overall"]["MAP@all"] += 1e-13  # added up in another order
    scores["provenance"]["training_seconds"] = 99
    (runs[1] / SCORES).write_text(json.dumps(scores))
    assert merge(output, runs).runs == {str(runs[0]): 4}


def test_other_scores_of_the_same_result_are_named_with_what_made_them(make_run, output):
    runs = [make_run("one"), make_run("two")]
    was = json.loads((runs[0] / SCORES).read_text())["overall"]["MAP@all"]
    lower(runs[1], provenance={"code": "0123", "device": "a GPU", "torch": "1.0"})
    with pytest.raises(Contradicted, match="nothing is written") as error:
        merge(output, runs)
    assert lines(error) == [f"{NAME}: overall MAP@all: {was} in {runs[0]}, {was / 2} in {runs[1]}"]
    one, two = error.value.contradictions[0].details
    assert one.startswith(f"{runs[0]}: code {TRAINED}, cpu, torch ")
    assert two.startswith(f"{runs[1]}: code 0123, a GPU, torch 1.0, manifest abababababab, 3+3")
    assert not output.exists()


def test_the_preferred_run_is_right(make_run, output):
    runs = [make_run("one"), make_run("two")]
    lower(runs[1])
    merged = merge(output, runs, prefer=runs[1])
    assert (output / SCORES).read_bytes() == (runs[1] / SCORES).read_bytes()
    assert f"{runs[0]}: left out, those of {runs[1]} are taken: {NAME}" in merged.remarks
    # The other side, over what is there.
    before = (runs[0] / SCORES).read_bytes()
    with pytest.raises(Contradicted):
        merge(output, runs[:1])
    merge(output, runs[:1], prefer=runs[0])
    assert (output / SCORES).read_bytes() == before
    assert not merge(output, runs[:1], prefer=runs[0]).is_written


def test_what_the_preferred_run_says_nothing_about_stays_a_contradiction(make_run, output):
    runs = [make_run("one"), make_run("two"), make_run("three", grid={"seeds": [1]})]
    lower(runs[1])
    with pytest.raises(Contradicted):
        merge(output, runs, prefer=runs[2])
    assert not output.exists()


def test_another_configuration_is_named_by_its_key(make_run, output, config):
    one = make_run("one")
    config["training"]["batch"] = 7
    two = make_run("two", grid={"seeds": [1]})
    with pytest.raises(Contradicted) as error:
        merge(output, [one, two])
    assert lines(error) == [f"configuration, training.batch: 16 in {one}, 7 in {two}"]
    merged = merge(output, [one, two], prefer=two)
    assert merged.runs == {str(two): 4} and merged.possible == 8
    assert any("other settings than" in remark for remark in merged.remarks)
    assert configuration.load([output / "config.yaml"])["training"]["batch"] == 7


def test_another_scoring_is_a_contradiction_and_left_out(make_run, output, config):
    one = make_run("one")
    config["evaluation"]["unanswerable"] = "exclude"
    two = make_run("two", grid={"seeds": [1]})
    with pytest.raises(Contradicted) as error:
        merge(output, [one, two])
    assert lines(error) == [
        f"configuration, evaluation.unanswerable: zero in {one}, exclude in {two}"
    ]
    assert merge(output, [one, two], prefer=one).runs == {str(one): 4}


@pytest.mark.parametrize("what", ["manifest", "index"])
def test_other_data_of_the_same_dataset_are_a_contradiction(make_run, output, what):
    one = make_run("one")
    two = make_run("two", grid={"seeds": [1]}, **{f"{what}_sha256": "ef" * 32})
    with pytest.raises(Contradicted) as error:
        merge(output, [one, two])
    old = "ab" * 6 if what == "manifest" else "cd" * 6
    assert lines(error) == [f"{what} of FashionAI: {old} ({one}: 4), {'ef' * 6} ({two}: 4)"]
    merged = merge(output, [one, two], prefer=one)
    assert merged.runs == {str(one): 4}
    assert any("other data than" in remark for remark in merged.remarks)


def test_other_code_and_packages_are_remarks(make_run, output):
    one = make_run("one")
    told = {"code": "0123", "torch": "1.0"}
    two = make_run("two", grid={"seeds": [1]}, provenance=told)
    remarks = merge(output, [one, two]).remarks
    assert any(
        r.startswith("training code of ASEN modc differs: ") and "0123" in r for r in remarks
    )
    assert any(r.startswith("torch differs: ") and f"1.0 ({two}: 4)" in r for r in remarks)


def test_modc_on_another_training_of_its_baseline_is_remarked(make_run, output):
    one, two = make_run("one"), make_run("two")
    (one / SCORES).unlink()
    path = two / SCORES.replace("/modc/", "/baseline/")
    path.unlink()
    scores = json.loads((two / SCORES).read_text())
    scores["stages"][0]["seconds"] = 77
    (two / SCORES).write_text(json.dumps(scores))
    remarks = merge(output, [one, two]).remarks
    assert f"MODC did not start from this baseline: {NAME}" in remarks


@pytest.mark.parametrize("content", [b"", b'{"dataset": ', b"[]"])
def test_scores_that_are_damaged_are_left_out_and_named(make_run, output, content):
    run = make_run("one")
    (run / SCORES).write_bytes(content)
    merged = merge(output, [run])
    assert sum(merged.runs.values()) == 3
    assert any("left out, scores.json is" in r and NAME in r for r in merged.remarks)
    assert not (output / SCORES).exists()
    # A run that has it mends it.
    assert merge(output, [make_run("two")]).added == 1


def test_queries_that_are_not_the_scores_are_remarked(make_run, output):
    run = make_run("one")
    (run / SCORES).with_name("queries.csv").unlink()
    assert any("does not hold, missing: queries.csv" in r for r in merge(output, [run]).remarks)


QUERIES = SCORES.replace("scores.json", "queries.csv")


def other_queries(run, rehash=False) -> None:
    """Let two queries of an attribute change places; rehash: as if this had been scored."""
    path = run / QUERIES
    header, *rows = path.read_text().splitlines(keepends=True)
    rows[:2] = rows[1::-1]
    path.write_text(header + "".join(rows))
    if rehash:
        scores = json.loads((run / SCORES).read_text())
        scores["scoring"]["queries_sha256"] = sha256(path.read_bytes()).hexdigest()
        (run / SCORES).write_text(json.dumps(scores))


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("prefers", [True, False])
@pytest.mark.parametrize("spoil", [other_queries, lambda run: (run / QUERIES).unlink()])
def test_intact_queries_are_taken_whatever_the_order(make_run, output, spoil, prefers, order):
    spoiled, intact = make_run("one"), make_run("two")
    spoil(spoiled)
    before = (intact / QUERIES).read_bytes()
    merged = merge(output, [spoiled, intact][::order], prefer=spoiled if prefers else None)
    assert (output / QUERIES).read_bytes() == before
    assert merged.runs[str(intact)] in (1, 4)
    said = f"{spoiled}: left out, queries.csv does not hold, those of {intact} are taken: {NAME}"
    assert said in merged.remarks
    assert (output / WARM_UP / "curve.csv").is_file()


def test_intact_queries_mend_what_was_merged(make_run, output):
    spoiled, intact = make_run("one"), make_run("two")
    other_queries(spoiled)
    assert any("does not hold" in r for r in merge(output, [spoiled], models=True).remarks)
    assert merge(output, [intact]).added == 1
    assert (output / QUERIES).read_bytes() == (intact / QUERIES).read_bytes()
    assert (output / WARM_UP / "model.pt").is_file()  # of the same training
    assert not merge(output, [spoiled]).is_written
    assert json.loads((output / "merged.json").read_text())["results"][NAME] == str(intact)


@pytest.mark.parametrize("order", [1, -1])
def test_queries_that_differ_and_both_hold_are_a_contradiction(make_run, output, order):
    one, two = make_run("one"), make_run("two")
    other_queries(two, rehash=True)
    with pytest.raises(Contradicted) as error:
        merge(output, [one, two][::order])
    (line,) = lines(error)
    assert line.startswith(f"{NAME}: queries.csv, line 2 ") and f" in {one}" in line
    assert not output.exists()
    merged = merge(output, [one, two][::order], prefer=two)
    assert (output / QUERIES).read_bytes() == (two / QUERIES).read_bytes()
    assert f"{one}: left out, those of {two} are taken: {NAME}" in merged.remarks
    merge(output, [one], prefer=one)  # the other side, over what is there
    assert (output / QUERIES).read_bytes() == (one / QUERIES).read_bytes()


def test_queries_added_up_in_another_order_are_no_contradiction(make_run, output):
    one, two = make_run("one"), make_run("two")
    path = two / QUERIES
    queries = pd.read_csv(path)
    queries["MAP@all"] += 1e-13
    queries.to_csv(path, index=False)
    scores = json.loads((two / SCORES).read_text())
    scores["scoring"]["queries_sha256"] = sha256(path.read_bytes()).hexdigest()
    (two / SCORES).write_text(json.dumps(scores))
    assert merge(output, [one, two]).runs == {str(one): 4}


def test_results_outside_the_runs_grid_are_left_out_and_named(make_run, output, config):
    run = make_run("one")
    config["grid"]["labeled_percent"]["FashionAI"] = [100]
    configuration.write(run / "config.yaml", config)
    merged = merge(output, [run])
    assert merged.runs == {str(run): 2}
    assert any("left out, not in its grid" in r and NAME in r for r in merged.remarks)


def test_spaces_and_links(make_run, tmp_path):
    run = make_run("one run")
    (tmp_path / "my links").mkdir()
    link = tmp_path / "my links" / "a run"
    link.symlink_to(run)
    really = tmp_path / "a disk"
    really.mkdir()
    place = tmp_path / "results" / "disk"
    place.symlink_to(really)
    output = place / "all"
    assert merge(output, [link, run]).runs == {str(run): 4}  # one run, given twice
    assert (really / "all" / SCORES).read_bytes() == (run / SCORES).read_bytes()
    alias = tmp_path / "alias"
    alias.symlink_to(output)
    assert merge(alias, [make_run("two", grid={"seeds": [1]})]).added == 4
    assert alias.is_symlink() and (really / "all" / "merged.json").exists()


def test_cells_that_are_links_are_copied(make_run, tmp_path, output):
    run = make_run("one")
    (run / "cells").rename(tmp_path / "cells")
    (run / "cells").symlink_to(tmp_path / "cells")
    merge(output, [run])
    assert (output / SCORES).is_file() and not any(p.is_symlink() for p in output.rglob("*"))


def test_a_run_of_its_own_is_never_written_over(make_run):
    one, two = make_run("one"), make_run("two", grid={"seeds": [1]})
    before = files(one)
    with pytest.raises(UserError, match="no folder that `modc merge` made; expected a new name"):
        merge(one, [two])
    assert files(one) == before and not list(one.parent.glob(".*"))


@pytest.mark.parametrize("inside", ["{run}/all", "{run}/cells/all", "{parent}"])
def test_folders_in_each_other_are_refused(make_run, inside):
    run = make_run("one")
    output = type(run)(inside.format(run=run, parent=run.parent))
    with pytest.raises(UserError, match="lie in each other"):
        merge(output, [run])


def test_mistakes_are_named(make_run, output, tmp_path):
    run, empty = make_run("one"), tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UserError, match="no such folder; expected a run's"):
        merge(output, [tmp_path / "nowhere"])
    with pytest.raises(UserError, match=r"config.yaml: no such configuration file"):
        merge(output, [empty])
    with pytest.raises(UserError, match="--prefer .*: expected one of "):
        merge(output, [run], prefer=tmp_path)
    for path in run.rglob("scores.json"):
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
    left = {path.name for path in output.parent.iterdir()}
    assert left == {"one", "two", "all", ".all.lock"}


def test_every_cell_of_the_union_renders_though_most_are_missing(make_run, output):
    one = make_run("one", grid={"labeled_percent": {"FashionAI": [10]}})
    two = make_run("two", grid={"seeds": [1], "labeled_percent": {"FashionAI": [100]}})
    merged = merge(output, [one, two])
    config = configuration.load([output / "config.yaml"])
    assert merged.possible == len(METHODS) * len(cells(config)) == 8
    statuses = set(paper_table(4, collect(output, config), config)["status"])
    assert any(status.endswith("1 of 2 seeds, the others: not run") for status in statuses)

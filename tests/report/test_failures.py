import json

import pandas as pd
import pytest

from modc import paths
from modc.cell import Cell
from modc.grid import stage_spec
from modc.report.failures import explained, why_missing
from modc.report.layout import ABSENT
from modc.report.render import render_all
from modc.report.results import collect
from modc.training.heartbeat import origin

CELL = Cell("DARN", "ASEN++", 10, 0)
NAME = "DARN-ASEN++-10-0"
BASELINE = f"train/{NAME}-baseline-warm_up.log"
MODC = f"train/{NAME}-modc-pseudo_clusters.log"


@pytest.fixture
def why(tmp_path, config):
    def ask(logs: dict[str, str], method: str = "modc", cell: Cell = CELL) -> dict:
        for name, text in logs.items():
            path = tmp_path / "logs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return why_missing(tmp_path, config, cell, method)

    return ask


def test_nothing_is_known_without_logs(why):
    assert why({}) == {"status": "not run", "text": "not run", "log": "", "said": ""}


@pytest.mark.parametrize(
    ("log", "job"),
    [
        (BASELINE, "warm_up"),
        (MODC, "pseudo_clusters"),
        (f"score/{NAME}-modc.log", "score of modc"),
        ("fetch/DARN.log", "fetch"),
        ("fetch/DARN-listing.log", "fetch"),
        ("pack/DARN.log", "pack"),
        ("subset/DARN-stratified-2-0-10.log", "subset"),
    ],
)
def test_the_job_that_failed_is_named_with_its_log(why, log, job):
    found = why({log: "so far so good\nmodc: error: no room\n"})
    said = {"text": f"failed in {job}: no room", "log": f"logs/{log}", "said": ""}
    assert found == {"status": f"failed in {job}", **said}


def test_the_first_failure_is_the_reason(why):
    found = why(
        {
            BASELINE: "Traceback\ntorch.OutOfMemoryError: no memory",
            MODC: "modc: error: no model",
        }
    )
    assert found["text"] == "failed in warm_up: no memory"


def test_a_training_that_was_stopped(why):
    found = why({BASELINE: "epoch 1/9 done\n\nepoch 2/9 done\n"})
    assert found["text"] == "not finished: warm_up started"
    assert found["said"] == "epoch 2/9 done"


def test_an_old_mistake_in_the_data_is_none_once_something_trains(why):
    found = why({"fetch/DARN.log": "modc: error: no network", BASELINE: ""})
    assert found["text"] == "not finished: warm_up started"


def test_logs_of_other_cells_say_nothing(why):
    others = ("DARN-ASEN-10-0", "DARN-ASEN++-10-01", "DARN-ASEN++-100-0")
    assert (
        why({f"train/{name}-baseline-warm_up.log": "modc: error: x" for name in others})["text"]
        == "not run"
    )
    assert why({"subset/DARN-uniform-2-0-100.log": "modc: error: x"})["text"] == "not run"


def test_the_baseline_does_not_wait_for_modc(why):
    logs = {MODC: "modc: error: x"}
    assert why(logs, "baseline")["text"] == "not run"
    assert why(logs, "modc")["text"] == "failed in pseudo_clusters: x"


def test_a_long_last_line_is_cut(why):
    assert len(why({BASELINE: f"modc: error: {'x' * 9999}"})["text"]) < 500


def test_how_far_a_failed_training_was(tmp_path, config, why):
    why({BASELINE: "modc: error: no; room"})
    spec = stage_spec(config, CELL, "baseline", "warm_up_global")
    checkpoint = tmp_path / paths.checkpoint(CELL, "baseline", "warm_up_global")
    checkpoint.parent.mkdir(parents=True)
    beat = {**origin(spec), "epochs_done": 7.0, "valid_MAP_all": 0.25}
    paths.heartbeat(checkpoint).write_text(json.dumps(beat))
    results, known = explained(tmp_path, config, collect(tmp_path, config))
    for method in ("baseline", "modc"):
        own = known[CELL, method]
        assert own["text"] == "failed in warm_up: no; room"
        assert own["progress"] == "warm_up_global: 7 of 50 epochs done, validation MAP@all 25.00"
    status = {(result.cell, result.method): result.status for result in results}
    assert status.pop((CELL, "modc")) == "failed in warm_up"
    assert status.pop((CELL, "baseline")) == "failed in warm_up"
    assert set(status.values()) == {"not run"}
    assert {own["progress"] for key, own in known.items() if key[0] != CELL} == {""}


def test_scores_that_are_there_need_no_reason(tmp_path, config, write_run):
    write_run(config)
    results, known = explained(tmp_path, config, collect(tmp_path, config))
    assert (known, {result.status for result in results}) == ({}, {""})
    (tmp_path / paths.scores(CELL, "modc")).write_text("{")
    results, known = explained(tmp_path, config, collect(tmp_path, config))
    assert known[CELL, "modc"]["status"] == "scores.json is not JSON"
    assert known[CELL, "modc"]["log"] == str(paths.scores(CELL, "modc"))


def test_the_table_files_say_what_failed(config, write_run):
    folder = write_run(config)
    (folder / paths.scores(CELL, "modc")).unlink()
    log = folder / "logs" / MODC
    log.parent.mkdir(parents=True)
    log.write_text("modc: error: no room\n")
    render_all(folder, config, folder)
    text = (folder / "tables" / "table5.md").read_text()
    assert f"{ABSENT} MODC(ASEN++) 10 %: failed in pseudo_clusters." in text
    rows = pd.read_csv(folder / "tables" / "table5.csv")
    of_cell = rows.query("network == 'ASEN++' and method == 'modc' and labeled_percent == 10")
    assert set(of_cell["notes"]) == {"failed in pseudo_clusters"}

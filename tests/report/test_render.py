import io
import json

import pandas as pd
import pytest

from modc import paths
from modc.grid import cells
from modc.report.claims_text import COLUMNS as CLAIM_COLUMNS
from modc.report.files import table_files
from modc.report.render import render_all
from modc.report.stages import COLUMNS as STAGE_COLUMNS
from modc.report.tables import COLUMNS


@pytest.mark.parametrize("datasets", [["FashionAI", "DARN"], ["FashionMNIST"]])
@pytest.mark.parametrize("empty", [False, True])
def test_every_promised_file(config, write_run, tmp_path, datasets, empty):
    config["grid"]["datasets"] = datasets
    folder = tmp_path / "none" if empty else write_run(config)
    first, *tables = render_all(folder, config, tmp_path / "out")
    assert first == tmp_path / "out" / "results.csv"
    names = [*table_files(config), "summary.txt"]
    assert [path.name for path in tables] == names
    written = (tmp_path / "out" / "tables").iterdir()
    assert sorted(path.name for path in written) == sorted(names)
    for path in tables:
        text = path.read_text()
        assert "nan" not in text.lower()
        if path.suffix == ".csv":
            written = ["notes" if name == "status" else name for name in COLUMNS]
            columns = {"stages": STAGE_COLUMNS, "claims": CLAIM_COLUMNS}.get(path.stem, written)
            assert pd.read_csv(io.StringIO(text)).columns.tolist() == columns


def test_files_of_the_papers_run_and_of_another_dataset(config):
    endings = (".md", ".tex", "-standalone.tex", ".csv", ".html")
    paper = [f"table{n}{ending}" for n in (1, 2, 3, 4, 5) for ending in endings]
    notes = ["claims.md", "claims.csv", "stages.md", "stages.csv", "assumptions.md"]
    assert table_files(config) == [*paper, *notes]
    config["grid"]["datasets"] = ["FashionMNIST"]
    assert table_files(config) == [*paper, *[f"FashionMNIST{e}" for e in endings], *notes]


def test_csv_holds_fractions_that_read_back(config, write_run, scores_of, tmp_path):
    config["grid"] |= {"datasets": ["FashionAI"], "networks": ["ASEN"]}
    render_all(write_run(config), config, tmp_path)
    frame = pd.read_csv(tmp_path / "tables" / "table4.csv", keep_default_na=False)
    row = frame.iloc[1]
    assert (row["network"], row["labeled_percent"], row["metric"]) == ("ASEN", 100, "MAP@all")
    cell = next(cell for cell in cells(config) if cell.labeled_percent == 100)
    assert float(row["ours"]) == scores_of(cell)["overall"]["MAP@all"]
    assert row["published"] == 0.5737
    modc = frame[(frame["method"] == "modc") & (frame["metric"] == "Acc")].iloc[0]
    assert float(modc["ours"]) == scores_of(cell, "modc")["overall"]["Acc"]


def test_rendered_again_to_the_same_bytes(config, write_run, tmp_path):
    config["grid"]["labeled_percent"] = {"FashionAI": [10, 100], "DARN": [100]}
    folder = write_run(config)
    first = [path.read_bytes() for path in render_all(folder, config, tmp_path)]
    again = [path.read_bytes() for path in render_all(folder, config, tmp_path)]
    assert first == again


def test_one_spoilt_cell_stops_nothing(config, write_run, tmp_path):
    config["grid"] |= {"datasets": ["FashionAI"], "networks": ["ASEN", "ASENv2"]}
    folder = write_run(config)
    spoilt = next(cell for cell in cells(config) if cell.labeled_percent == 100)
    (folder / paths.scores(spoilt, "baseline")).write_text("{")
    render_all(folder, config, tmp_path)
    text = (tmp_path / "tables" / "table1.md").read_text()
    assert "ASEN 100 %: scores.json is not JSON." in text
    assert "ASENv2 100 %:" not in text


def summary(folder, config) -> str:
    return render_all(folder, config, folder)[-1].read_text()


def test_terminal(config, write_run):
    folder = write_run(config, generated=True)
    text = summary(folder, config)
    assert text.startswith("Table 1: FashionAI, 100 % of the labels, each attribute")
    assert "NOT COMPARABLE TO THE PAPER" in text.splitlines()[0]
    assert "72.20" in text
    assert max(map(len, text.split("\n\nNOT COMPARABLE")[0].splitlines())) <= 120


def test_terminal_of_a_dataset_that_the_paper_does_not_have(config, write_run):
    config["grid"]["datasets"] = ["FashionMNIST"]
    text = summary(write_run(config), config)
    assert text.startswith("FashionMNIST, a dataset not in the paper")
    assert "ASENv2, 100 %" in text


def test_claims_are_checked_on_what_the_run_has(config, write_run, tmp_path):
    folder = write_run(config)
    gone = next(cell for cell in cells(config) if cell.dataset == "DARN")
    (folder / paths.scores(gone, "modc")).unlink()
    render_all(folder, config, tmp_path)
    frame = pd.read_csv(tmp_path / "tables" / "claims.csv", keep_default_na=False)
    ours = frame[(frame["side"] == "ours") & (frame["claim"] == "known_beats_unknown")]
    missing = ours[ours["verdict"] == "missing"]
    assert len(ours) == 36 and len(missing) == 3
    name = f"DARN MODC({gone.network}) {gone.labeled_percent} %: not run"
    assert set(missing["status"]) == {name}
    table = pd.read_csv(tmp_path / "tables" / "table4.csv", keep_default_na=False)
    first = ours[ours["where"] == "Table 4, FashionAI"].iloc[0]
    place = table[
        (table["network"] == first["better"].split("(")[1].split(")")[0])
        & (table["labeled_percent"] == first["labeled_percent"])
        & (table["metric"] == first["metric"])
    ].set_index("query_label")["ours"]
    assert float(first["better_value"]) == float(place["known"])
    assert float(first["worse_value"]) == float(place["unknown"])


def test_claims_have_the_interval_of_any_two_places(config, made, tmp_path):
    made()
    path = tmp_path / paths.scores(cells(config)[1], "modc")
    scores = json.loads(path.read_text())
    known = scores["overall"]["prioritized"]["top1"]["known"]
    known |= {metric: 0.9 * value for metric, value in known.items()}
    path.write_text(json.dumps(scores))
    render_all(tmp_path, config, tmp_path)
    frame = pd.read_csv(tmp_path / "tables" / "claims.csv")
    ours = frame[(frame["side"] == "ours") & frame["better_value"].notna()]
    for claim in ("known_beats_unknown", "unknown_beats_baseline"):
        own = ours[ours["claim"] == claim].dropna(subset="worse_value")
        assert len(own) == 3  # one network and percentage, three metrics
        assert set(own["judged_by"]) == {"interval"}
        assert (own["low"] < own["high"]).all()

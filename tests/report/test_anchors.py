import re

from made_tables import published

from modc.grid import cells
from modc.report.anchors import place_id, run_id

METHODS = ("baseline", "modc")


def test_each_place_of_the_paper_has_a_name_of_its_own():
    names = [place_id(place) for place in published().to_dict("records")]
    assert len(names) == len(set(names)) == 327
    assert all(re.fullmatch(r"table\d(-[A-Za-z0-9]+)+", name) for name in names)


def test_names_stay_the_same():
    place = {
        "table": "table4",
        "dataset": "FashionAI",
        "network": "ASEN++",
        "method": "modc",
        "labeled_percent": 10,
        "query_label": "unknown",
        "top_n": "1",
        "attribute": "overall",
        "metric": "Recall@100",
    }
    assert place_id(place) == "table4-ASENpp-modc-top1-unknown-10-overall-Recall-100"
    acc = place | {"metric": "Acc", "top_n": "", "query_label": ""}
    assert place_id(acc) == "table4-ASENpp-modc-10-overall-Acc"
    other = place | {"table": "", "attribute": '" onclick="x', "dataset": "<b>"}
    assert place_id(other) == "table-b-ASENpp-modc-top1-unknown-10-onclick-x-Recall-100"


def test_each_training_has_a_name_of_its_own(config):
    names = [
        run_id(cell.dataset, cell.network, cell.labeled_percent, method)
        for cell in cells(config)
        for method in METHODS
    ]
    assert len(set(names)) == 42
    assert run_id("DARN", "ASEN++", 100, "modc") == "run-DARN-ASENpp-100-modc"

import pytest

from modc import paths
from modc.cell import Cell
from modc.datasets.darn import DARN
from modc.datasets.fashionai import FashionAI
from modc.grid import cells
from modc.report.results import SCORED_OTHERWISE, STALE, collect

METHODS = ("baseline", "modc")

CELL = Cell("FashionAI", "ASEN", 1, 0)


def first(folder, config):
    result = collect(folder, config)[0]
    assert result.cell == CELL
    return result


def test_every_cell_of_a_whole_run(config, write_run, scores_of):
    results = collect(write_run(config), config)
    assert [(r.cell, r.method) for r in results] == [
        (cell, method) for cell in cells(config) for method in METHODS
    ]
    assert {result.status for result in results} == {""}
    assert {result.not_comparable for result in results} == {""}
    for result in results:
        overall = scores_of(result.cell, result.method)["overall"]
        assert result.value("overall", "MAP@all") == overall["MAP@all"]
        if result.method == "modc":
            top2 = overall["prioritized"]["top2"]["unknown"]["Recall@100"]
            assert result.value("overall", "Recall@100", "unknown", "2") == top2
            assert result.value("overall", "Acc", "unknown", "1") == overall["Acc"]


def test_attributes_are_found_by_name(config, write_cell, scores_of, tmp_path):
    scores = scores_of(CELL)
    expected = scores["attributes"][2]["Recall@100"]
    scores["attribute_names"] = scores["attribute_names"][::-1]
    scores["attributes"] = scores["attributes"][::-1]
    write_cell(CELL, scores)
    result = first(tmp_path, config)
    assert result.value("coat_length", "Recall@100") == expected
    assert result.value("shoe_size", "Recall@100") is None


def test_empty_run(config, tmp_path):
    results = collect(tmp_path / "nothing", config)
    assert {result.status for result in results} == {"not run"}
    assert {result.value("overall", "MAP@all") for result in results} == {None}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_not_json(config, write_cell, tmp_path, content):
    write_cell(CELL, {}).write_bytes(content)
    assert first(tmp_path, config).status == "scores.json is not JSON"


def test_folder_in_place_of_the_file(config, tmp_path):
    (tmp_path / paths.scores(CELL, "baseline")).mkdir(parents=True)
    assert first(tmp_path, config).status == "scores.json cannot be read: Is a directory"


ALTERED = {
    "dataset is not FashionAI": {"dataset": "DARN"},
    "network is not ASEN": {"network": "ASENv2"},
    "labeled_percent is not 1": {"labeled_percent": 100},
    "seed is not 0": {"seed": 1},
    "method is not baseline": {"method": "modc"},
    "generated is neither true nor false": {"generated": None},
    "manifest_sha256 is not text": {"manifest_sha256": None},
    "coverage does not count training images, queries and candidates": {"coverage": {}},
    "attribute_names is not a list of names": {"attribute_names": [1]},
    "attributes and attribute_names differ in length": {"attributes": []},
    "a metric is missing or not a fraction": {"overall": {"queries": 1}},
}


@pytest.mark.parametrize("reason", ALTERED)
def test_altered(config, write_cell, scores_of, tmp_path, reason):
    write_cell(CELL, scores_of(CELL) | ALTERED[reason])
    result = first(tmp_path, config)
    assert result.status == f"scores.json is altered: {reason}"
    assert result.value("overall", "MAP@all") is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda part: part.pop("Acc"),
        lambda part: part.pop("prioritized"),
        lambda part: part["prioritized"].pop("top2"),
        lambda part: part["prioritized"]["top1"].pop("known"),
        lambda part: part["prioritized"]["top1"]["known"].update({"MAP@all": 2}),
        lambda part: part.update({"prioritized": [1]}),
    ],
)
def test_prioritized_scores_that_are_altered(config, write_cell, scores_of, tmp_path, spoil):
    scores = scores_of(CELL, "modc")
    spoil(scores["attributes"][1])
    write_cell(CELL, scores, "modc")
    status = collect(tmp_path, config)[1].status
    assert status.startswith("scores.json is altered: Acc or a metric of prioritized retrieval")


@pytest.mark.parametrize("value", [1.01, -0.1, float("nan"), "0.5", True, [], 10**400])
def test_metric_that_is_no_fraction(config, write_cell, scores_of, tmp_path, value):
    scores = scores_of(CELL)
    scores["attributes"][3]["MAP@all"] = value
    write_cell(CELL, scores)
    assert first(tmp_path, config).status.startswith("scores.json is altered: a metric ")


@pytest.mark.parametrize("seconds", [-1, float("nan"), 10**400, "1"])
def test_a_time_that_is_none(config, write_cell, scores_of, tmp_path, seconds):
    scores = scores_of(CELL)
    scores["stages"][0]["seconds"] = seconds
    write_cell(CELL, scores)
    assert first(tmp_path, config).status.endswith("stages does not say how each ended")


@pytest.mark.parametrize(
    ("key", "value"), [("unanswerable", "exclude"), ("prioritized_order", "x")]
)
def test_what_was_scored_in_another_way_is_not_comparable(config, write_run, key, value):
    same = {"unanswerable": "zero", "prioritized_order": "query", "map_at_100": "R"}
    folder = write_run(config, scoring=same)
    assert first(folder, config).not_comparable == ""
    result = first(write_run(config, scoring=same | {key: value}), config)
    assert result.not_comparable.startswith(f"{SCORED_OTHERWISE}{key} ")


def test_other_json(config, write_cell, tmp_path):
    write_cell(CELL, [1, 2])
    assert first(tmp_path, config).status == "scores.json is altered: expected a mapping"


def test_drawn_images_are_not_comparable(config, write_run):
    result = first(write_run(config, generated=True), config)
    assert result.not_comparable == "drawn images, not FashionAI"
    assert result.value("overall", "MAP@all") is not None


def test_scores_of_other_settings_are_not_shown_as_this_configurations(config, write_run):
    folder = write_run(config)
    config["training"]["stages"]["ASEN"]["warm_up"]["epochs"] = 3
    for result in collect(folder, config):
        assert result.not_comparable == (STALE if result.cell.network == "ASEN" else "")


SPOILT_COVERAGE = [
    lambda coverage: coverage.pop("overall"),
    lambda coverage: coverage.pop("attributes"),
    lambda coverage: coverage["attributes"].pop(),
    lambda coverage: coverage.update({"attributes": "abcdefgh"}),
    lambda coverage: coverage["attributes"][1].pop("train"),
    lambda coverage: coverage["attributes"].__setitem__(1, [1, 2, 3]),
    lambda coverage: coverage["attributes"][1].update({"train": [1]}),
    lambda coverage: coverage["attributes"][1].update({"train": [1, 2]}),
    lambda coverage: coverage["attributes"][1].update({"train": [0, 0]}),
    lambda coverage: coverage["attributes"][1].update({"train": [2, -1]}),
    lambda coverage: coverage["attributes"][1].update({"train": [2.0, 1]}),
    lambda coverage: coverage["attributes"][1].update({"train": [True, True]}),
    lambda coverage: coverage["attributes"][1].update({"train": {"0": 1, "1": 1}}),
    lambda coverage: coverage["attributes"][1].update({"query": [10, 9]}),  # 10 were scored
    lambda coverage: coverage["overall"].update({"candidate": [14401, 14399]}),
]


@pytest.mark.parametrize("spoil", SPOILT_COVERAGE)
def test_coverage_that_is_altered(config, write_cell, scores_of, tmp_path, spoil):
    scores = scores_of(CELL)
    spoil(scores["coverage"])
    write_cell(CELL, scores)
    status = first(tmp_path, config).status
    assert status.endswith("coverage does not count training images, queries and candidates")


def test_coverage_of_an_attribute_is_found_by_name(config, write_cell, scores_of, tmp_path):
    scores = scores_of(CELL)
    scores["coverage"]["attributes"][2]["train"] = [70, 33]
    write_cell(CELL, scores)
    result = first(tmp_path, config)
    assert result.coverage("coat_length")["train"] == [70, 33]
    assert result.coverage("overall")["query"] == [3600, 3600]


def test_another_test_split_is_not_comparable(config, write_cell, scores_of, tmp_path):
    scores = scores_of(CELL)
    scores["coverage"]["overall"]["query"] = [3601, 3600]
    write_cell(CELL, scores)
    reason = first(tmp_path, config).not_comparable
    assert reason.endswith("3601 queries and 14400 candidates instead of 3600 and 14400")


def test_real_test_splits(shared):
    for kind in (FashionAI, DARN):
        folder = shared / "annotations" / kind.__name__
        lines = [
            len((folder / f"{role}_test.txt").read_text().splitlines())
            for role in ("query", "candidate")
        ]
        assert lines == [kind.counts["test"]["query"], kind.counts["test"]["candidate"]]

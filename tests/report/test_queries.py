"""A queries.csv that is not what `modc score` writes is as if it were not there."""

import pandas as pd
import pytest

from modc.evaluation.metrics import METRICS
from modc.evaluation.prioritized import QUERY_LABELS, TOP_N, column_name
from modc.grid import Cell
from modc.report.queries import usable_queries
from modc.report.results import Result

CELL = Cell("FashionAI", "ASEN", 10, 0)


@pytest.fixture
def made(tmp_path):
    """Return a function that writes the queries of a result and returns it, and their frame."""

    def make(method: str = "modc", change=lambda frame: frame) -> tuple[Result, pd.DataFrame]:
        frame = pd.DataFrame({"attribute": [0, 1, 1], "value": [0, 2, 1], "relevant": [4, 0, 5]})
        ways = [""]
        if method == "modc":
            ways += [column_name(n, label, "") for n in TOP_N for label in QUERY_LABELS]
            frame["Acc"] = [0.0, 1.0, 1.0]
        for way in ways:
            for metric in METRICS:
                frame[way + metric] = [0.25, 0.5, 0.75]
        overall = {"queries": 3, **dict.fromkeys(METRICS, 0.5)}
        overall |= {"Acc": 0.5} if method == "modc" else {}
        scores = {"attributes": [{"queries": 1}, {"queries": 2}], "overall": overall}
        result = Result(CELL, method, scores, "", run_folder=tmp_path)
        result.folder.mkdir(parents=True, exist_ok=True)
        frame = change(frame)
        frame.to_csv(result.folder / "queries.csv", index=False)
        return result, frame

    return make


@pytest.mark.parametrize("method", ["baseline", "modc"])
def test_they_are_read_as_they_were_written(made, method):
    result, frame = made(method)
    pd.testing.assert_frame_equal(usable_queries(result, "zero")[0], frame)


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.drop(columns="attribute"),
        lambda frame: frame.drop(columns="value"),
        lambda frame: frame.drop(columns="Acc"),
        lambda frame: frame.drop(columns=column_name(2, "unknown", "Recall@100")),
        lambda frame: frame.assign(attribute=[0, 1, 2]),
        lambda frame: frame.assign(attribute=[0, 1, 10**12]),
        lambda frame: frame.assign(attribute=[0, 0, 1]),
        lambda frame: frame.assign(relevant=["a", "b", "c"]),
        lambda frame: frame.assign(relevant=[1, 2, -1]),
        lambda frame: frame.assign(Acc=[0.0, None, 1.0]),
        lambda frame: frame.assign(Acc=[0.0, 1.5, 1.0]),
        # Of another training: the means are not those of the scores.
        lambda frame: frame.assign(**{METRICS[0]: [0.25, 0.5, 0.76]}),
        lambda frame: frame.iloc[:2],
        lambda frame: frame.iloc[:0],
    ],
)
def test_other_columns_or_queries_are_not_used(made, change):
    queries, reason = usable_queries(made(change=change)[0], "zero")
    assert queries is None and reason.startswith("queries.csv ")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"x\n", b'attribute\n"'])
def test_what_is_no_table_is_not_used(made, content):
    result, _ = made()
    (result.folder / "queries.csv").write_bytes(content)
    assert usable_queries(result, "zero") == (None, "queries.csv is damaged")


def test_other_means_are_said_once_on_stderr(made, caplog):
    result, _ = made(change=lambda frame: frame.assign(**{METRICS[0]: [0.25, 0.5, 0.76]}))
    for _ in range(2):
        usable_queries(result, "zero")
    (said,) = caplog.messages
    assert said.startswith(str(result.folder / "queries.csv"))


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_without_a_value_is_a_reason(made, metric):
    result, _ = made()
    result.scores["overall"][metric] = None
    assert usable_queries(result, "zero") == (None, "scores.json has a metric without a value")

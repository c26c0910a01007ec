"""The probe: real steps of every network, in the time that it is given."""

import pytest
import torch

from modc import rates
from modc.cell import Cell
from modc.config import merge
from modc.methods.modc import STAGES
from modc.training import probe as module
from modc.training.probe import probe
from modc.training.train import Machine

CPU = Machine(torch.device("cpu"), torch.float32)
OTHERWISE = {"methods": {"modc": {"centers": "memory_bank", "pseudo_labels": "each_epoch"}}}


@pytest.fixture
def quick(monkeypatch):
    """One untimed and one timed step of each, and time for all of them."""
    monkeypatch.setattr(module, "BUDGET_SECONDS", 1e6)
    monkeypatch.setattr(module, "UNTIMED_SECONDS", 0.0)
    monkeypatch.setattr(module, "TIMED_SECONDS", 0.0)


@pytest.mark.parametrize(("network", "change"), [("ASEN++", {}), ("ASENv2", OTHERWISE)])
def test_all_work_is_measured_once_and_what_weighs_most_first(quick, tiny, network, change):
    config = merge(tiny, change)
    # The same work under both labeled parts.
    cells = [Cell("FashionAI", network, percent, 0) for percent in (10, 50)]
    on = rates.here("CPU x", config)
    found = probe(config, cells, CPU, on)
    names = [one["subject"]["stage"] for one in found]
    warm_ups = ["warm_up_global", "warm_up"] if network == "ASEN++" else ["warm_up"]
    assert names == [*warm_ups, "evaluation", STAGES[-1], *STAGES[:-1]]
    for one in found:
        assert one["images_per_second"] > 0 and one["probe_batch"] <= one["subject"]["batch"]
        assert one["host_bytes"] is None or one["host_bytes"] > 1e8
        assert (one["model_bytes"] is None) == (one["subject"]["stage"] == "evaluation")
        assert (one["embedding_dim"] is None) != (one["subject"]["stage"] == "evaluation")
    assert rates.find(found, rates.subject(config, cells[1], "baseline", "warm_up"), on)


def test_when_its_time_is_over_it_measures_what_every_forecast_needs(quick, tiny, monkeypatch):
    monkeypatch.setattr(module, "BUDGET_SECONDS", 0.0)
    cell = Cell("FashionAI", "ASENv2", 10, 0)
    found = probe(tiny, [cell], CPU, rates.here("CPU x", tiny))
    assert [one["subject"]["stage"] for one in found] == ["warm_up", "evaluation"]


def test_a_busy_machine_is_said_to_be_one_and_its_rates_are_marked(
    quick, tiny, monkeypatch, caplog
):
    cell = Cell("FashionAI", "ASENv2", 10, 0)
    monkeypatch.setattr(
        module, "_subjects", lambda *_: [(0, module.Subject(cell, "", rates.EVALUATION))]
    )
    monkeypatch.setattr(module, "BUSY_SHARE", -1.0)
    assert probe(tiny, [cell], CPU, {})[0]["busy"] is False
    assert "BUSY" not in caplog.text
    monkeypatch.setattr(module, "BUSY_SHARE", 0.7)
    monkeypatch.setattr(module.time, "process_time", lambda: 0.0)
    assert probe(tiny, [cell], CPU, {})[0]["busy"] is True
    assert "THIS MACHINE IS BUSY" in caplog.text


@pytest.fixture
def clock(monkeypatch):
    """A clock that only steps move; returns how the steps were made: a batch each."""
    now, made = [0.0], []
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module.time, "process_time", lambda: now[0])

    def work_of(batch, seconds_an_image):
        def step():
            made.append(batch)
            now[0] += batch * 3 * seconds_an_image

        return module.Work(step, batch * 3)

    return work_of, made


@pytest.mark.parametrize(
    ("seconds_an_image", "expected"),
    [
        # 16 triplets take 4.8 s: an untimed one and a timed one.
        (0.1, [2, 2, 16, 16]),
        # 16 would take 48 s, and 12 s are over after the first steps: 7 triplets take 21 s.
        (1.0, [2, 2, 7]),
        (10.0, [2, 2]),
    ],
)
def test_a_measurement_takes_smaller_batches_where_there_is_no_time(
    clock, seconds_an_image, expected
):
    work_of, made = clock
    rate = module._rate(lambda batch: work_of(batch, seconds_an_image), 16, 34.0, CPU)
    assert made == expected and rate["probe_batch"] == expected[-1]
    assert rate["images_per_second"] == pytest.approx(1 / seconds_an_image)


def test_on_a_gpu_whole_batches_alone_are_timed_and_after_an_untimed_one(clock, monkeypatch):
    work_of, made = clock
    waited = []
    monkeypatch.setattr(module.torch.cuda, "synchronize", lambda: waited.append(len(made)))
    machine = Machine(torch.device("cuda"), torch.float32)
    rate = module._rate(lambda batch: work_of(batch, 10.0), 16, 1.0, machine)
    assert made == [16, 16] and waited == [1, 2]
    assert (rate["probe_batch"], rate["images_per_second"]) == (16, pytest.approx(0.1))


def test_each_network_gets_its_share_of_the_minute(tiny, monkeypatch):
    given = []

    def measured(config, one, machine, seconds):
        given.append(seconds)
        work = one.described(config)
        return {"busy": False, "subject": work, "probe_batch": work["batch"] - (len(given) > 3)}

    monkeypatch.setattr(module, "measured", measured)
    monkeypatch.setattr(module.time, "monotonic", lambda: 0.0)
    found = probe(tiny, [Cell("FashionAI", "ASENv2", 10, 0)], CPU, {})
    assert given[:2] == [30.0, 60.0]
    # The fourth took smaller batches, and is a stage whose rate can be derived.
    assert len(given) == 4 and len(found) == 3


def test_the_size_of_a_model_is_that_of_its_file(quick, plain, tiny, monkeypatch):
    path = plain("ASENv2")["pseudo_clusters"].output / "last.pt"
    cell = Cell("FashionAI", "ASENv2", 10, 0)
    monkeypatch.setattr(
        module, "_subjects", lambda *_: [(1, module.Subject(cell, "modc", "pseudo_clusters"))]
    )
    (one,) = probe(tiny, [cell], CPU, rates.here("CPU x", tiny))
    assert one["model_bytes"] == pytest.approx(path.stat().st_size, rel=0.02)

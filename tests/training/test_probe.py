"""The probe: real steps of every network, in the time that it is given."""

import pytest
import torch

from modc import rates
from modc.config import merge
from modc.grid import MODC, Cell
from modc.training import probe as module
from modc.training.probe import probe
from modc.training.train import Machine

CPU = Machine(torch.device("cpu"), torch.float32)
OTHERWISE = {"modc": {"centres": "memory_bank", "pseudo_labels": "each_epoch"}}


@pytest.fixture
def quick(monkeypatch):
    """One untimed and one timed step of each."""
    monkeypatch.setattr(module, "UNTIMED_SECONDS", 0.0)
    monkeypatch.setattr(module, "TIMED_SECONDS", 0.0)


@pytest.mark.parametrize(("network", "change"), [("ASEN++", {}), ("ASENv2", OTHERWISE)])
def test_all_work_is_measured_once_and_what_weighs_most_first(quick, tiny, network, change):
    config = merge(tiny, change)
    # The same work under both labelled parts.
    cells = [Cell("FashionAI", network, percent, 0) for percent in (10, 50)]
    on = rates.here("CPU x", config)
    found = probe(config, cells, CPU, on)
    names = [one["subject"]["stage"] for one in found]
    warm_ups = ["warm_up_global", "warm_up"] if network == "ASEN++" else ["warm_up"]
    assert names == [*warm_ups, "evaluation", MODC[-1], *MODC[:-1]]
    for one in found:
        assert one["images_per_second"] > 0 and one["host_bytes"] > 1e8
        assert (one["model_bytes"] is None) == (one["subject"]["stage"] == "evaluation")
        assert (one["embedding_dim"] is None) != (one["subject"]["stage"] == "evaluation")
    assert rates.find(found, rates.subject(config, cells[1], "warm_up"), on)


def test_when_its_time_is_over_it_measures_what_every_forecast_needs(quick, tiny, monkeypatch):
    monkeypatch.setattr(module, "BUDGET_SECONDS", 0.0)
    cell = Cell("FashionAI", "ASENv2", 10, 0)
    found = probe(tiny, [cell], CPU, rates.here("CPU x", tiny))
    assert [one["subject"]["stage"] for one in found] == ["warm_up", "evaluation"]


def test_a_busy_machine_is_said_to_be_one(quick, monkeypatch, caplog):
    monkeypatch.setattr(module, "_subjects", lambda *_: [])
    monkeypatch.setattr(module.time, "process_time", lambda: 0.0)
    assert probe({}, [], CPU, {}) == []
    assert "THIS MACHINE IS BUSY: the probe got 0 %" in caplog.text


def test_a_long_step_is_made_once(quick, monkeypatch):
    made = []
    module._rate(lambda: made.append(1), 4, CPU)
    assert len(made) == 2
    monkeypatch.setattr(module, "LONG_SECONDS", 0.0)
    module._rate(lambda: made.append(1), 4, CPU)
    assert len(made) == 3


def test_the_size_of_a_model_is_that_of_its_file(quick, plain, tiny, monkeypatch):
    path = plain("ASENv2")["pseudo_clusters"].output / "last.pt"
    cell = Cell("FashionAI", "ASENv2", 10, 0)
    monkeypatch.setattr(module, "_subjects", lambda *_: [(cell, "pseudo_clusters")])
    (one,) = probe(tiny, [cell], CPU, rates.here("CPU x", tiny))
    assert one["model_bytes"] == pytest.approx(path.stat().st_size, rel=0.02)

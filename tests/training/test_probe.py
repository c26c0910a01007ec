"""The probe: real steps of every network, in the time that it is given."""

import pytest
import torch

from modc import rates
from modc.config import merge
from modc.grid import Cell, cells
from modc.training import probe as module
from modc.training.probe import probe
from modc.training.train import Machine

CPU = Machine(torch.device("cpu"), torch.float32)


@pytest.fixture
def quick(monkeypatch):
    """One untimed and one timed step of each."""
    monkeypatch.setattr(module, "UNTIMED_SECONDS", 0.0)
    monkeypatch.setattr(module, "TIMED_SECONDS", 0.0)


@pytest.mark.parametrize(
    "change", [{}, {"modc": {"centres": "memory_bank", "pseudo_labels": "each_epoch"}}]
)
def test_every_kind_of_work_of_the_grid_is_measured_once(quick, tiny, change):
    grid = {"datasets": ["FashionAI"], "networks": ["ASENv2", "ASEN++"]}
    config = merge(tiny, {**change, "grid": grid})
    on = rates.here("CPU x", config)
    found = probe(config, cells(config), CPU, on)
    names = [(one["subject"]["network"], one["subject"]["stage"]) for one in found]
    modc = {"supervised", "self_supervised", "unlabeled", "pseudo_triplets", "pseudo_clusters"}
    shared = {"warm_up", "evaluation", *modc}
    expected = {("ASENv2", stage) for stage in shared}
    expected |= {("ASEN++", stage) for stage in {"warm_up_global", *shared}}
    assert set(names) == expected
    assert len(names) == len(expected)
    assert names.index(("ASEN++", "pseudo_clusters")) < names.index(("ASENv2", "unlabeled"))
    for one in found:
        assert one["images_per_second"] > 0 and one["host_bytes"] > 1e8
        assert (one["model_bytes"] is None) == (one["subject"]["stage"] == "evaluation")
    for cell in cells(config):
        assert rates.find(found, rates.subject(config, cell, "warm_up"), on)


def test_it_stops_when_its_time_is_over(quick, tiny, monkeypatch):
    monkeypatch.setattr(module, "BUDGET_SECONDS", 0.0)
    assert len(probe(tiny, cells(tiny)[:5], CPU, rates.here("CPU x", tiny))) == 1


def test_the_size_of_a_model_is_that_of_its_file(quick, plain, tiny):
    path = plain("ASEN++")["pseudo_clusters"].output / "last.pt"
    cell = Cell("FashionAI", "ASEN++", 10, 0)
    found = probe(tiny, [cell], CPU, rates.here("CPU x", tiny))
    subject = rates.subject(tiny, cell, "pseudo_clusters")
    (one,) = [one for one in found if one["subject"] == subject]
    assert one["model_bytes"] == pytest.approx(path.stat().st_size, rel=0.02)

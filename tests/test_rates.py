"""Stored rates: found again for the same work on the same machine, and for nothing else."""

import os
from pathlib import Path

import pytest

from modc import rates
from modc.config import load, merge
from modc.errors import UserError
from modc.grid import Cell

CONFIG = Path(__file__).resolve().parents[1] / "config.yaml"
CELL = Cell("FashionAI", "ASEN++", 10, 0)


@pytest.fixture(scope="module")
def config() -> dict:
    return load([CONFIG])


def rate(subject: dict, on: dict, **changed: object) -> dict:
    made = {
        "subject": subject,
        **on,
        "images_per_second": 100.0,
        "model_bytes": 10,
        "embedding_dim": None,
        "gpu_bytes": None,
        "host_bytes": 5,
        "measured": "2026-01-01T00:00:00+00:00",
    }
    return made | changed


def test_a_rate_is_found_for_its_own_work_alone(config, tmp_path):
    store = tmp_path / "modc" / "rates.json"
    assert rates.read(store) == []
    on = rates.here("H100", config)
    wanted = rates.subject(config, CELL, "baseline", "warm_up")
    rates.add(store, [rate(wanted, on)])
    known = rates.read(store)
    assert rates.find(known, wanted, on)["images_per_second"] == 100
    assert rates.find(known, wanted, rates.here("A100", config)) is None
    assert rates.find(known, wanted, {**on, "code": "other"}) is None
    assert rates.find(known, wanted, None)
    # The same work in another cell; other work in the same one.
    other = Cell("DARN", "ASEN++", 100, 3)
    assert rates.find(known, rates.subject(config, other, "baseline", "warm_up"), on)
    assert rates.find(known, rates.subject(config, CELL, "modc", "warm_up_apart"), on)
    for stage in (("baseline", "warm_up_global"), ("modc", "supervised")):
        assert rates.find(known, rates.subject(config, CELL, *stage), on) is None
    assert rates.find(known, rates.evaluation_subject(config, CELL), on) is None
    for changed in (
        {"training": {"batch": 8}},
        {"training": {"precision": "float32"}},
        {"datasets": {"FashionAI": {"detail_size": 224}}},
        {"networks": {"ASEN++": {"local_backbone": "resnet18"}}},
    ):
        other = merge(config, changed)
        assert rates.find(known, rates.subject(other, CELL, "baseline", "warm_up"), on) is None
    # What changes no step's work changes nothing.
    other = merge(config, {"training": {"margin": 0.5, "triplets_per_epoch": 50_000}})
    assert rates.find(known, rates.subject(other, CELL, "baseline", "warm_up"), on)


def test_unlabeled_images_and_views_are_part_of_the_work(config):
    work = rates.subject(config, CELL, "modc", "pseudo_clusters")
    assert work["images_a_step"] == 16 * 2 * (3 + 3)
    other = merge(config, {"methods": {"modc": {"unlabeled_ratio": 0.34}}})
    assert rates.subject(other, CELL, "modc", "pseudo_clusters")["images_a_step"] == 16 * 2 * (
        3 + 1
    )


def test_threads_count_on_a_cpu_alone_and_up_to_its_cores(config, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)))
    more = merge(config, {"threads": 8})
    assert rates.here("CPU x", more)["threads"] == 6
    assert rates.here("CPU x", config) != rates.here("CPU x", more)
    assert rates.here("H100", config) == rates.here("H100", more)


def test_a_rate_measured_again_takes_the_place_of_the_one_before(config, tmp_path):
    on, wanted = rates.here("H100", config), rates.subject(config, CELL, "baseline", "warm_up")
    rates.add(tmp_path / "a.json", [rate(wanted, on)])
    rates.add(tmp_path / "a.json", [rate(wanted, on, images_per_second=200.0)])
    assert [one["images_per_second"] for one in rates.read(tmp_path / "a.json")] == [200]


def test_a_rate_of_a_busy_machine_gives_way_to_one_of_a_quiet_one(config, tmp_path):
    on, wanted = rates.here("H100", config), rates.subject(config, CELL, "baseline", "warm_up")
    path = tmp_path / "a.json"

    def kept(speed: float, busy: bool) -> float:
        rates.add(path, [rate(wanted, on, images_per_second=speed, busy=busy)])
        (one,) = rates.read(path)
        return one["images_per_second"]

    assert kept(10.0, True) == 10
    assert kept(20.0, True) == 20  # the newer of two busy ones
    assert kept(90.0, False) == 90
    assert kept(30.0, True) == 90
    assert kept(95.0, False) == 95


def test_the_rate_of_a_busy_machine_is_used_where_there_is_no_other(config):
    on, wanted = rates.here("H100", config), rates.subject(config, CELL, "baseline", "warm_up")
    busy = rate(wanted, on, busy=True, measured="2026-02-01T00:00:00+00:00")
    quiet = rate(wanted, {**on, "code": "other"})
    assert rates.find([busy], wanted, on) is busy
    assert rates.find([busy, quiet], wanted, None) is quiet
    assert rates.find([busy, quiet], wanted, on) is busy


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"subject": {}}]', "\xff"])
def test_a_file_that_holds_no_rates_is_named(tmp_path, text):
    path = tmp_path / "rates.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(UserError, match=r"rates.json: no rates in it; expected what `modc plan"):
        rates.read(path)


def test_a_rate_of_nothing_is_refused(config, tmp_path):
    on, wanted = rates.here("H100", config), rates.subject(config, CELL, "baseline", "warm_up")
    for wrong in (0, -1.0, "fast", None, True):
        rates.write_json(tmp_path / "a.json", [rate(wanted, on, images_per_second=wrong)])
        with pytest.raises(UserError, match="no rates in it"):
            rates.read(tmp_path / "a.json")


def test_a_file_of_another_machine_has_to_be_of_one_device(config, tmp_path):
    wanted = rates.subject(config, CELL, "baseline", "warm_up")
    both = [rate(wanted, rates.here(name, config)) for name in ("A100", "H100")]
    assert rates.only_device(both[:1], tmp_path) == "A100"
    with pytest.raises(UserError, match="A100 and H100; expected the rates of one device"):
        rates.only_device(both, tmp_path)
    with pytest.raises(UserError, match="no rates; expected"):
        rates.only_device([], tmp_path)


def test_the_store_is_in_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert rates.default_store() == tmp_path / "modc" / "rates.json"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert rates.default_store() == tmp_path / "home" / ".cache" / "modc" / "rates.json"

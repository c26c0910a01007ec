"""What a run is said to cost, from made-up rates."""

import pytest

from modc import rates
from modc.config import merge
from modc.cost import cell_stages
from modc.grid import cells
from modc.report.plan import hours, images, plan
from modc.report.plan_data import dataset_size
from modc.report.plan_text import BUSY, CONVERGENCE, MAXIMUM, plan_text

NOW = "2026-01-02T00:00:00+00:00"


@pytest.fixture
def config(config, tmp_path) -> dict:
    """The paper's configuration, with no data."""
    return merge(config, {"data": str(tmp_path / "data")})


def made_rates(config: dict, stages: set[str], **changed: object) -> list[dict]:
    """A rate of 1000 images a second of each of these stages, 2000 embedded ones."""
    found = {}
    for cell in cells(config):
        own = [pair for pair in cell_stages(config, cell) if pair[1] in stages]
        subjects = [(True, rates.subject(config, cell, *pair)) for pair in own]
        if rates.EVALUATION in stages:
            subjects.append((False, rates.evaluation_subject(config, cell)))
        for is_stage, subject in subjects:
            found[str(subject)] = {
                "subject": subject,
                **rates.here("H100", config),
                "images_per_second": 1000.0 if is_stage else 2000.0,
                "model_bytes": 100_000_000 if is_stage else None,
                "embedding_dim": None if is_stage else 1024,
                "gpu_bytes": 9_000_000_000,
                "host_bytes": 3_000_000_000,
                "measured": NOW,
                **changed,
            }
    return list(found.values())


SOME = {"warm_up_global", "warm_up", "pseudo_clusters", rates.EVALUATION}


def test_hours_are_images_by_images_a_second(config):
    made = plan(config, made_rates(config, SOME), rates.here("H100", config))
    assert made.is_whole
    for kind in ("warm-up", "supervised", "semi-supervised"):
        assert hours(made.lines, kind) == pytest.approx(images(made.lines, kind) / 1000 / 3600)
    assert hours(made.lines, None) == pytest.approx(images(made.lines, None) / 2000 / 3600)
    total, least = made.makespan(1)
    assert total == pytest.approx(least)
    assert total / 3600 == pytest.approx(
        (672e6 + 315e6 + 3150e6) / 1000 / 3600 + hours(made.lines, None)
    )


def test_more_devices_than_chains_take_as_long_as_the_longest_cell(config):
    made = plan(config, made_rates(config, SOME), None)
    by_cell = {}
    for line in made.lines:
        by_cell[line.cost.cell] = by_cell.get(line.cost.cell, 0) + line.seconds
    longest = max(by_cell.values())
    assert made.makespan(1000) == pytest.approx((longest, longest))
    found, least = made.makespan(4)
    assert sum(by_cell.values()) / 4 <= least <= found <= 2 * least


def test_a_stage_without_a_rate_takes_that_of_the_nearest(config):
    known = made_rates(config, SOME)
    for one in known:
        if one["subject"]["stage"] == "warm_up":
            one["images_per_second"] = 500.0
    made = plan(config, known, None)
    pace = {(line.cost.cell.network, line.cost.stage): line.training for line in made.lines}
    assert pace["ASEN", "supervised"].rate["images_per_second"] == 500
    assert pace["ASEN", "unlabeled"].rate["images_per_second"] == 1000
    assert not pace["ASEN", "unlabeled"].is_own and pace["ASEN", "pseudo_clusters"].is_own


def test_without_rates_there_are_images_and_packed_bytes_but_no_hours(config):
    made = plan(config, [], rates.here("H100", config))
    assert not made.is_whole
    assert hours(made.lines, "warm-up") is None
    assert (made.model_bytes(), made.embedding_bytes(), made.peak("gpu_bytes")) == (None,) * 3
    text = plan_text(made, "H100", 4, set(), "rates.json")
    assert "measure them with --probe" in text and "none yet" in text
    assert "108.6 GB" in text and "of the host: unknown without --probe" in text
    assert "Hours on one" not in text


def test_rates_of_other_code_are_none(config):
    known = made_rates(config, SOME, code="another")
    assert not plan(config, known, rates.here("H100", config)).is_whole
    assert plan(config, known, None).is_whole


def test_every_rate_says_where_it_is_from(config):
    made = plan(config, made_rates(config, SOME), None)
    text = plan_text(made, "H100", 4, set(), "rates.json")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "ASEN pseudo_clusters 224 1,000 9.0 GB stored on 2026-01-02" in lines
    assert "ASEN unlabeled 224 1,000 computed: same as pseudo_clusters" in lines
    assert "ASEN++ warm_up 224 and 448 1,000 9.0 GB stored on 2026-01-02" in lines
    assert any(line.startswith("On 4 x H100: ") and "computed" in line for line in lines)
    assert "of the GPU: 9.0 GB (measured by the probe)" in text and "Hours on one H100" in text
    assert MAXIMUM + CONVERGENCE in text
    text = plan_text(made, "H100", 4, {NOW}, "rates.json")
    assert "measured now" in text and "stored on" not in text


def test_disk_counts_two_models_a_stage_and_two_embeddings_a_cell(config):
    made = plan(config, made_rates(config, SOME), None)
    assert made.model_bytes() == len(made.lines) * 200_000_000
    assert made.checkpoint_bytes() == 200_000_000
    rows = 15 * 2 * 18_000 + 6 * 2 * 21_461
    assert made.embedding_bytes() == rows * 1024 * 4
    assert made.packed_bytes("FashionAI") == {
        str(side): 180_335 * side**2 * 3 for side in (224, 448)
    }


def test_public_weights_cost_no_training(config):
    public = {"networks": {"ASEN++": {"public_checkpoints": {"DARN": "x.pth.tar"}}}}
    config = merge(config, public)
    made = plan(config, made_rates(config, SOME), None)
    (line,) = [
        one
        for one in made.lines
        if (one.cost.cell.dataset, one.cost.cell.labeled_percent) == ("DARN", 100)
        and one.cost.cell.network == "ASEN++"
        and one.cost.stage == "warm_up"
    ]
    assert line.training_seconds == 0 and line.embedding_seconds > 0


def test_the_index_counts_where_there_is_one(config, tmp_path):
    assert dataset_size(config, "DARN").counts.all == 214_619
    folder = tmp_path / "data" / "DARN" / "prepared" / "index"
    folder.mkdir(parents=True)
    (folder / "index.json").write_text('{"images": {"train": 5, "valid": 2, "test": 1}}')
    size = dataset_size(config, "DARN")
    assert (size.counts.train, size.counts.all, size.source) == (5, 8, "its index")
    (folder / "index.json").write_text('{"images": {"train": 5}}')
    assert dataset_size(config, "DARN").counts.all == 214_619


def test_drawn_data_are_counted_and_not_downloaded(config):
    drawn = {"class": "modc.drawn.darn:DrawnDARN", "generate": {"images": 100, "seed": 0}}
    config = merge(config, {"datasets": {"DARN": drawn}})
    size = dataset_size(config, "DARN")
    assert (size.counts.train, size.counts.valid, size.counts.test) == (60, 20, 20)
    assert size.downloaded == 0


def test_a_rate_says_that_the_machine_was_busy_and_that_batches_were_small(config):
    on = rates.here("H100", config)
    quiet = made_rates(config, SOME)
    assert "busy" not in plan_text(plan(config, quiet, on), "H100", 1, set(), "x.json")
    changed = made_rates(config, SOME, busy=True, probe_batch=4, host_bytes=None)
    text = plan_text(plan(config, changed, on), "H100", 1, {NOW}, "x.json")
    assert "measured now, with batches of 4, the machine was busy" in text
    assert "computed: same as pseudo_clusters, with batches of 4, the machine was busy" in text
    assert BUSY in text and "of the host: unknown since the probe used smaller batches" in text


def test_one_cell_of_the_baseline_alone_is_said_in_the_singular(config):
    grid = {"datasets": ["FashionAI"], "networks": ["ASEN"], "methods": ["baseline"]}
    grid |= {"labeled_percent": {"FashionAI": [100]}, "extra_seeds": []}
    made = plan(merge(config, {"grid": grid}), [], None)
    text = plan_text(made, "H100", 1, set(), "rates.json")
    assert "1 cell, 1 stage. " in text and CONVERGENCE not in text
    assert "1 parallel" not in text

"""The layout of a run and of a dataset's prepared files, and the jobs that read and write there."""

import re
from pathlib import Path

import pytest
from snakemake.io import regex_from_filepattern

from modc import ablation, grid, paths
from modc.cell import Cell
from modc.config import load, merge
from modc.errors import UserError
from modc.jobs import Training, fetchings, packings, stage_folder
from modc.methods.modc import STAGES

REPOSITORY = Path(__file__).resolve().parents[1]
CELL = Cell("FashionAI", "ASENv2", 10, 0)
PLACE = "FashionAI/ASENv2/10/seed-0"
RUN = "results/paper"


@pytest.fixture
def paper() -> dict:
    return load([REPOSITORY / "config.yaml"])


@pytest.fixture
def shared(paper) -> dict:
    """MODC starts from the baseline."""
    return merge(paper, {"methods": {"modc": {"warm_up": {"ASENv2": "shared"}}}})


def test_a_cell_is_read_back_from_its_name():
    assert CELL.name == "FashionAI/ASENv2/10/0" and Cell.named(CELL.name) == CELL


@pytest.mark.parametrize(
    "name",
    ["", "DARN/ASEN/10", "DARN/ASEN/10/0/1", "DARN/ASEN/ten/0", "DARN/ASEN/0/0", "a/b/101/0"],
)
def test_a_name_of_no_cell_is_refused(name):
    with pytest.raises(UserError, match="expected DATASET/NETWORK/PERCENT/SEED"):
        Cell.named(name)


def test_everything_of_a_method_lies_together():
    folder = Path("cells", PLACE, "modc")
    assert paths.scores(CELL, "modc") == folder / "scores.json"
    assert paths.queries(CELL, "modc") == folder / "queries.csv"
    assert paths.stage_folder(CELL, "modc", "supervised") == folder / "supervised"
    checkpoint = paths.checkpoint(CELL, "modc", "supervised")
    assert checkpoint == Path("resume", PLACE, "modc", "supervised.pt")
    assert paths.heartbeat(checkpoint) == checkpoint.with_name("supervised.json")
    assert paths.kept_folder(checkpoint) == checkpoint.with_name("supervised")


def test_wildcards_make_a_pattern_that_matches_each_path(paper):
    pattern = str(paths.stage_folder(paths.WILDCARDS, "{method}", "{stage}") / paths.MODEL)
    own = {"method": "modc", "stage": "pseudo_clusters"}
    for cell in grid.cells(paper):
        path = str(paths.stage_folder(cell, **own) / paths.MODEL)
        found = re.fullmatch(regex_from_filepattern(pattern), path).groupdict()
        names = {"percent": cell.labeled_percent, "seed": cell.seed}
        named = {"dataset": cell.dataset, "network": cell.network, **names, **own}
        assert found == {name: str(value) for name, value in named.items()}


def test_no_two_files_of_a_run_have_one_name(paper):
    made = []
    for cell in grid.cells(paper):
        for method in ("baseline", "modc"):
            last = grid.last_stage(paper, cell, method)
            made += [paths.scores(cell, method), paths.score_log(cell, method)]
            made.append(paths.train_log(cell, method, last))
            made += [
                paths.checkpoint(cell, method, s) for s in grid.own_stages(paper, cell, method)
            ]
    assert len(set(made)) == len(made)


def test_a_stage_lies_with_the_method_that_trains_it(paper, shared):
    for config, stage, method in (
        (paper, "warm_up", "baseline"),
        (paper, "warm_up_apart", "modc"),
        (paper, "supervised", "modc"),
        (shared, "warm_up", "baseline"),
    ):
        assert stage_folder(config, CELL, method, stage) == Path("cells", PLACE, method, stage)


def test_a_training_reads_the_datas_files_and_writes_the_runs(paper):
    job = Training(paper, CELL, "modc")
    assert job.stages == ("warm_up_apart", *STAGES)
    prepared = Path("data/FashionAI/prepared")
    assert job.inputs == {
        "index": prepared / "index/index.json",
        "labeled": prepared / "labeled-stratified-2-0/10.csv",
    }
    assert job.packed_marks == [prepared / "packed/224.done"]
    assert job.initial is None and job.assume == ""
    assert job.embeddings == Path(RUN, "cells", PLACE, "modc/pseudo_clusters/test.npz")
    assert job.checkpoint("unlabeled") == Path(RUN, "resume", PLACE, "modc/unlabeled.pt")


def test_a_shared_warm_up_is_read_from_the_baselines_folder(shared):
    job = Training(shared, CELL, "modc")
    model = Path(RUN, "cells", PLACE, "baseline/warm_up/model.pt")
    assert job.stages == STAGES
    assert job.initial == job.inputs["initial"] == model
    last = merge(shared, {"training": {"checkpoint": "last"}})
    assert Training(last, CELL, "modc").initial == model.with_name("last.pt")


def test_a_job_may_end_with_an_earlier_stage(shared):
    job = Training(shared, CELL, "modc", last="self_supervised")
    assert job.stages == ("supervised", "self_supervised")
    with pytest.raises(UserError, match=r"modc of FashionAI/ASENv2/10/0 trains supervised, self"):
        _ = Training(shared, CELL, "modc", last="warm_up").stages


def test_a_variant_trains_what_it_changes_alone(shared):
    variant = ablation.variant(shared, "A5=no_predictor")
    job = Training(shared, CELL, "modc", variant)
    assert job.stages == STAGES[1:] and job.assume == "--assume A5=no_predictor"
    run = Path(RUN, "cells", PLACE, "modc")
    own = Path(RUN, "ablation/A5-no_predictor/cells", PLACE, "modc")
    assert job.stage_folder("supervised") == run / "supervised"
    assert job.stage_folder("unlabeled") == own / "unlabeled"
    assert job.initial == run / "supervised/model.pt"
    # The run's job declares the files of its last stage.
    assert job.inputs["initial"] == run / "pseudo_clusters/model.pt"
    assert job.embeddings == own / "pseudo_clusters/test.npz"
    baseline = Training(shared, CELL, "baseline", variant)
    assert baseline.stages == ()
    assert baseline.embeddings == Path(RUN, "cells", PLACE, "baseline/warm_up/test.npz")


def test_a_variant_may_start_from_the_runs_baseline(paper):
    job = Training(paper, CELL, "modc", ablation.variant(paper, "A1=shared"))
    assert job.stages == STAGES
    baseline = Path(RUN, "cells", PLACE, "baseline/warm_up/model.pt")
    assert job.initial == job.inputs["initial"] == baseline


def test_what_lists_the_images_is_fetched_first(paper):
    found = {job.name: job for job in fetchings(paper)}
    listing, images = found["fetch_FashionAI_listing"], found["fetch_FashionAI"]
    assert (listing.part, images.part, found["fetch_FashionMNIST"].part) == (
        "listing",
        "images",
        "",
    )
    assert images.before == listing.files and found["fetch_DARN"].before == []
    assert listing.log != images.log


def test_what_a_variant_alone_reads_is_packed_apart(paper):
    names = [job.name for job in packings(paper, [])]
    assert names == ["pack_FashionAI", "pack_DARN", "pack_FashionMNIST"]
    variant = ablation.variant(paper, "A20=whole")
    packed = {job.name: job for job in packings(paper, [variant])}
    assert packed["pack_FashionAI_ablation"].forms == ["224-whole"]
    assert packed["pack_FashionAI_ablation"].before == packed["pack_FashionAI"].forms
    assert packed["pack_FashionAI"].log != packed["pack_FashionAI_ablation"].log

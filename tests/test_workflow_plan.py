"""The workflow, from outside: what it plans, what it asks for first, and what it fetches."""

import re

import pytest
from made_archives import release
from project_copy import TINY_RUN, copied, snakemake, stats


def test_a_dry_run_lists_every_job_of_the_papers_grid(tmp_path):
    folder = copied(tmp_path)
    # With GPUs that this machine lacks: it is planned for another.
    status, output = snakemake(folder, "-n", "--cores", "all", "--resources", "gpu=4")
    assert status == 0, output
    assert stats(output) == {
        "fetch_FashionAI_listing": 1,
        "fetch_DARN_listing": 1,
        "fetch_FashionAI": 1,
        "fetch_DARN": 1,
        "index": 2,
        "coverage": 2,
        "pack_FashionAI": 1,
        "pack_DARN": 1,
        # With two further seeds of five cells.
        "subset": 7 + 2 * 3,
        "train": 42 + 20,
        "score": 42 + 20,
        "tables": 1,
        "figures": 1,
        "report": 1,
        "all": 1,
        "total": 151,
    }
    assert not (folder / "results").exists() and not (folder / "data").exists()


@pytest.mark.parametrize(
    ("variable", "value", "options"),
    [
        ("CUDA_VISIBLE_DEVICES", "NoDevFiles", ["--resources", "gpu=4"]),
        ("SLURM_JOB_GPUS", "0", []),
    ],
)
def test_a_gpu_that_is_asked_for_and_not_there_ends_the_run_before_anything_is_made(
    tmp_path, monkeypatch, variable, value, options
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "NoDevFiles")
    monkeypatch.setenv(variable, value)
    folder = copied(tmp_path)
    status, output = snakemake(folder, *TINY_RUN, *options)
    assert status != 0 and "Traceback" not in output
    asked = "--resources gpu" if options else f"{variable}={value}"
    assert re.search(rf"^Error: {asked} asks for GPUs", output, re.M)
    assert not (folder / "results").exists() and not (folder / "data").exists()
    if options:
        return
    # What trains nothing needs none.
    status, output = snakemake(folder, *TINY_RUN, "--until", "fetch_FashionAI")
    assert status == 0, output


def test_as_many_jobs_run_as_there_are_places_on_the_gpus(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-1,GPU-2")
    folder = copied(tmp_path)
    (folder / "three.yaml").write_text("training: {jobs_per_gpu: 3}")
    files = (
        "--configfile",
        "tiny.yaml",
        "three.yaml",
        "--cores",
        "1",
        "--until",
        "fetch_FashionAI",
    )
    status, output = snakemake(folder, *files)
    assert status == 0, output
    assert re.search(r"^Provided resources: gpu=.*\b6\b", output, re.M)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory) -> str:
    """The plan of the smoke run."""
    folder = copied(tmp_path_factory.mktemp("smoke"))
    status, output = snakemake(folder, "-n", "--configfile", "configs/smoke.yaml")
    assert status == 0, output
    return output


def test_the_cell_with_the_most_work_left_goes_first(smoke):
    jobs = re.findall(r"^rule (\w+):\n((?: {4}.*\n)+)", smoke, re.M)
    scores, trainings = set(), {}
    for rule, text in jobs:
        found = re.search(r"priority: (\S+)", text)
        own = float(found[1]) if found else 0
        if rule == "score":
            scores.add(own)
        elif rule == "train":
            names = re.search(r"network=([^,]+), percent=(\d+), .*method=(\w+)", text).groups()
            trainings[names] = own
    assert scores == {0} and max(trainings.values()) < 0
    asen, asen_v2, asen_pp = (trainings[n, "10", "baseline"] for n in ("ASEN", "ASENv2", "ASEN++"))
    assert asen_pp > asen == asen_v2
    # MODC, with a warm-up of its own, has more left.
    assert min(own for (_, p, m), own in trainings.items() if (p, m) == ("10", "modc")) > asen_pp


def test_the_smoke_run_is_the_same_grid(smoke):
    found = stats(smoke)
    assert (found["fetch_FashionAI"], found["fetch_DARN"]) == (1, 1)
    assert (found["train"], found["score"]) == (42, 42)


def test_an_absent_dataset_fails_before_anything_is_trained(tmp_path):
    folder = copied(tmp_path)
    status, output = snakemake(folder, "--cores", "2", "--quiet", "rules")
    assert status != 0 and "Traceback" not in output
    assert "Error: data/FashionAI: FashionAI's archives are not there; register at" in output
    assert not (folder / "results").exists() and not (folder / "data").exists()


def test_split_files_are_fetched_where_they_are_absent_and_own_ones_stay(tmp_path):
    folder = copied(tmp_path)
    own = folder / "data" / "FashionAI" / "splits" / "query_test.txt"
    own.parent.mkdir(parents=True)
    own.write_text("0 0 0\n")
    # The other dataset has all of its own.
    for path, text in release().items():
        _, dataset, name = path.split("/")
        if dataset == "DARN":
            place = folder / "data" / dataset / "splits" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
    # Whose content is not compared with the public release's.
    (folder / "data" / "DARN" / "GENERATED.json").touch()
    targets = ("data/FashionAI/manifest.csv", "data/DARN/manifest.csv")
    status, output = snakemake(folder, *targets, "--cores", "2", "--quiet", "rules", "--keep-going")
    assert status != 0 and "Traceback" not in output
    answer = output[output.index("FAILED (results/paper/logs/fetch/FashionAI-listing.log): ") :]
    assert "https://drive.google.com/file/d/1KUkwqdZxjmDL-ixCcIX8GbsnUFqqcpJH/view" in answer
    assert "run `modc fetch FashionAI --splits FILE`" in answer
    assert own.read_text() == "0 0 0\n"
    answer = output[output.index("FAILED (results/paper/logs/fetch/DARN.log): ") :]
    assert "run `modc fetch DARN --file FILE`" in answer
    assert "DARN-listing.log" not in output


def test_a_frozen_manifest_outlives_a_run_of_its_rule(tmp_path):
    folder = copied(tmp_path)
    target = ("data/FashionAI/manifest.csv", *TINY_RUN)
    status, output = snakemake(folder, *target)
    assert status == 0, output
    facts = folder / "data" / "FashionAI" / "manifest.json"
    facts.write_text(facts.read_text().replace('"frozen": "2', '"frozen": "1'))
    status, output = snakemake(folder, *target, "--forcerun", "fetch_FashionAI")
    assert status == 0 and '"frozen": "1' in facts.read_text()
    # Another drawing is frozen anew, from its own archives.
    (folder / "more.yaml").write_text(
        "datasets: {FashionAI: {generate: {images: 310, seed: 0}, archives: /nowhere}}"
    )
    status, output = snakemake(folder, *target, "--configfile", "tiny.yaml", "more.yaml")
    assert status == 0, output
    assert '"frozen": "2' in facts.read_text() and '"ok": 310' in facts.read_text()

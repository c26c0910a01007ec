"""The workflow, from outside: what it plans, what it makes, what it makes again, how it fails."""

import json
import re
import shutil
from pathlib import Path

import pytest
from project_copy import TINY_RUN, copied, snakemake, stats

FIGURES = "report: {figures: {dataset: auto}}"
ONE = f"{FIGURES}\ngrid: {{datasets: [FashionAI]}}"


def dry_run(folder: Path, override: str) -> tuple[int, str]:
    """Plan the tiny grid with some keys, in YAML, overridden."""
    (folder / "override.yaml").write_text(override)
    return snakemake(folder, "-n", "--configfile", "tiny.yaml", "override.yaml")


def planned(folder: Path, override: str = "run: tiny", grid: str = ONE) -> dict[str, int]:
    """Return how often each rule would run for the tiny grid's first cell."""
    status, output = dry_run(folder, f"{grid}\n{override}")
    assert status == 0, output
    if "Nothing to be done" in output:
        return {}
    return stats(output)


@pytest.fixture(scope="module")
def halved(tmp_path_factory) -> tuple[Path, int, str]:
    """A copy in which the tiny grid was run with --keep-going; exit status and output of that."""
    folder = copied(tmp_path_factory.mktemp("workflow"))
    return folder, *snakemake(folder, *TINY_RUN, "--keep-going")


@pytest.fixture(scope="module")
def finished(halved) -> Path:
    """The same copy after a run of the one cell that can be made."""
    folder = halved[0]
    (folder / "one.yaml").write_text(ONE)
    status, output = snakemake(folder, *TINY_RUN, "--configfile", "tiny.yaml", "one.yaml")
    assert status == 0, output
    return folder


def test_where_a_dataset_is_absent_the_rest_is_made_all_the_same(halved):
    folder, status, output = halved
    assert status != 0
    answer = output[output.index("FAILED (results/tiny/logs/fetch/DARN.log): ") :]
    assert "DARN's list of URLs: Google Drive refuses it" in answer
    assert "run `modc fetch DARN --file FILE`" in answer
    table = (folder / "results" / "tiny" / "tables" / "table1.md").read_text()
    for label in ("ASENv2", r"MODC\(ASENv2\)_top1"):
        ours = re.search(rf"^\| {label} +\|(.*)\|$", table, re.M)
        numbers = [re.sub(r"\*|</?u>", "", part).strip() for part in ours[1].split("|")]
        # Drawn pictures: each number is marked as not comparable.
        assert all(re.fullmatch(r"\d+\.\d\d ?†", number) for number in numbers)
    tables = folder / "results" / "tiny" / "tables"
    assert "not in this run's grid" in (tables / "table2.md").read_text()
    status = json.loads((folder / "results" / "tiny" / "status.json").read_text())
    assert status["workflow"] == "failed"
    assert (status["totals"]["done"], status["totals"]["waiting"]) == (1, 1)
    failed = {Path(job["log"]).name: job["error"] for job in status["failed_data_jobs"]}
    assert "Google Drive refuses it" in failed["DARN.log"]
    missing = (tables / "table5.md").read_text()
    assert "ASENv2 10 %, MODC(ASENv2) 10 %: failed in fetch." in missing
    figures = folder / "results" / "tiny" / "figures"
    listing = json.loads((figures / "figures.json").read_text())
    assert "labels-fashionai.svg" in [figure["file"] for figure in listing["figures"]]
    assert "labels-darn.svg" in [figure["file"] for figure in listing["missing"]]
    # What is made of a part is not taken for the whole: the same command tries the rest again.
    found = stats(dry_run(folder, "run: tiny")[1])
    assert (found["index"], found["tables"], found["figures"]) == (1, 1, 1)


def test_the_status_is_final_once_the_run_succeeded(finished):
    status = json.loads((finished / "results" / "tiny" / "status.json").read_text())
    assert (status["workflow"], status["totals"]["done"]) == ("succeeded", 1)


def test_what_is_finished_is_not_made_again(finished):
    assert planned(finished) == {}


@pytest.fixture
def edited(finished):
    """Return a function that changes a file of the copy for the time of the test."""
    kept = {}

    def edit(name: str, old: str, new: str) -> None:
        path = finished / name
        kept[path] = path.read_text()
        assert old in kept[path]
        path.write_text(kept[path].replace(old, new, 1))

    yield edit
    for path, text in kept.items():
        path.write_text(text)


# Which files each rule is made by, `tests/test_provenance.py` says; here, that each rule reads it.
@pytest.mark.parametrize(
    ("files", "rules"),
    [
        (["modc/networks/attention.py"], {"train", "score", "tables", "figures", "report"}),
        (
            ["modc/papers/modc/claims.yaml", "modc/plot_style.py", "modc/report/coverage.py"],
            {"tables", "figures", "coverage", "report"},
        ),
    ],
)
def test_only_a_file_that_training_imports_retrains(finished, edited, files, rules):
    for file in files:
        # Behind the module's docstring.
        code = ('"""\n', '"""\nEDITED = 1\n')
        edited(file, *(code if file.endswith(".py") else ("# ", "# (edited) ")))
    assert set(planned(finished)) - {"all", "total"} == rules


def test_what_makes_no_number_of_the_run_retrains_nothing(finished, edited):
    for file in (
        *("modc/cli/report.py", "modc/evaluation/embed_images.py"),
        # Another network's code; what shows how far a training is.
        *("modc/networks/csn.py", "modc/training/progress.py"),
    ):
        edited(file, '"""\n', '"""\nEDITED = 1\n')
    edited("modc/losses/triplet.py", '"""', '"""(edited) ')
    edited("modc/networks/asen_v2.py", "\n\n\n", "\n\n\n# A comment.\n")
    (finished / "modc" / "training" / "train.py").touch()
    assert planned(finished) == {}


@pytest.mark.parametrize(
    ("override", "rules"),
    [
        ("training: {margin: 0.3}", {"train", "score", "tables", "figures", "report"}),
        (
            "evaluation: {map_at_100: min}\ndatasets: {FashionAI: {comparable_coverage: 0.9}}",
            {"score", "coverage", "tables", "figures", "report"},
        ),
        # Of another network, of another dataset.
        (
            "networks: {ASEN: {backbone: resnet18}}\ntraining: {local_weight: 0.5}\n"
            "datasets: {DARN: {image_size: 96}}",
            set(),
        ),
    ],
)
def test_only_a_key_that_training_reads_retrains(finished, override, rules):
    assert set(planned(finished, override)) - {"all", "total"} == rules


def test_a_larger_grid_makes_what_is_new(finished):
    grid = "grid: {datasets: [FashionAI], labeled_percent: {FashionAI: [10, 100]}}"
    found = planned(finished, FIGURES, grid)
    assert (found["subset"], found["train"], found["score"]) == (1, 2, 2)


def test_another_size_is_packed_beside_those_there_and_retrains_nothing(finished):
    array = finished / "data" / "FashionAI" / "prepared" / "packed" / "32.npy"
    before = array.stat()
    (finished / "more.yaml").write_text(
        f"{FIGURES}\ngrid: {{datasets: [FashionAI], networks: [ASENv2, ASEN++]}}\n"
        "datasets: {FashionAI: {detail_size: 48}}"
    )
    call = (*TINY_RUN, "--configfile", "tiny.yaml", "more.yaml")
    found = stats(snakemake(finished, "-n", *call[:1], "tiny.yaml", "more.yaml")[1])
    assert (found["pack_FashionAI"], found["train"]) == (1, 2)
    target = array.with_name("48.done").relative_to(finished)
    status, output = snakemake(finished, *call, "--", str(target))
    assert status == 0, output
    assert sorted(path.name for path in array.parent.iterdir() if path.name[0] != ".") == [
        *("32.done", "32.json", "32.npy"),
        *("48.done", "48.json", "48.npy"),
    ]
    after = array.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert planned(finished) == {}


ABLATION = f"""
{ONE}
ablation:
  cell: {{dataset: FashionAI, network: ASENv2, labeled_percent: 100}}
  assumptions: [A11, A12, A14]
"""


def test_the_ablation_trains_what_differs_and_shares_the_rest(finished):
    (finished / "ablation.yaml").write_text(ABLATION)
    call = (*TINY_RUN, "--configfile", "tiny.yaml", "ablation.yaml", "--", "ablation")
    status, output = snakemake(finished, *call)
    assert status == 0, output
    folder = finished / "results" / "tiny" / "ablation"
    # A11 alone has another model; what A12 and A14 leave alone is scored from the run's.
    assert [p.parent.name for p in folder.rglob("model.pt")] == ["self_supervised"]
    text = (folder / "ablation.md").read_text()
    assert re.search(r"A11 all labels: self_supervised +\|( +\d+\.\d\d \|){3} +[-+]\d", text)
    same = "the same model and scores of MODC: this cell does not depend on it."
    assert f"A14 branches: {same}" in text
    assert "A12 divisor of MAP@100: R" in text and "A12 divisor of MAP@100: R" in output
    assert "Nothing to be done" in snakemake(finished, *call)[1]
    assert planned(finished) == {}


def test_an_ablation_of_nothing_there_is_refused_at_once(finished):
    status, output = dry_run(finished, "ablation: {assumptions: [A18]}")
    assert status != 0 and "A18 cannot be ablated" in output and "Traceback" not in output


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainig: {batch: 8}", "unknown key 'trainig' (did you mean 'training'?)"),
        (
            "datasets: {DARN: {class: 'modc.datasets.darn:Darn'}}",
            "datasets.DARN.class: modc.datasets.darn:Darn: no class Darn in modc.datasets.darn; it",
        ),
    ],
)
def test_a_mistake_in_the_configuration_stops_the_run_at_once(finished, override, message):
    status, output = dry_run(finished, override)
    assert status != 0
    assert message in output
    assert "Traceback" not in output


def test_a_failed_training_leaves_no_output_and_is_named(finished, tmp_path):
    folder = copied(tmp_path)
    shutil.copytree(finished / "data", folder / "data")
    (folder / "bad.yaml").write_text(ONE + "\nnetworks: {weights: {resnet10: bad.pth}}")
    configs = ("--configfile", "tiny.yaml", "bad.yaml")
    (folder / "bad.pth").write_bytes(b"no weights")
    status, output = snakemake(folder, *configs, "--cores", "2", "--quiet", "rules")
    assert status != 0
    assert "bad.pth: truncated or not a PyTorch file" in output and "Traceback" not in output
    assert list((folder / "results" / "tiny").rglob("*.pt")) == []
    assert (folder / "results" / "tiny" / "tables" / "table1.md").exists()

"""The command line: the whole way on drawn pictures, and one line for every mistake."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import recipe
import yaml
from click.testing import CliRunner
from quick import PATCHES

from modc import paths
from modc.atomic import HOST
from modc.cli import cli
from modc.errors import file_system
from modc.networks import model_file

CONFIG = Path(__file__).resolve().parents[1] / "config.yaml"
GOLDEN = Path(__file__).with_name("golden") / "metrics.json"
TINY = {
    "run": "tiny",
    "datasets": {
        "FashionAI": {
            "class": "modc.drawn.fashionai:DrawnFashionAI",
            "generate": {"images": 300, "seed": 0},
            "image_size": 32,
            "detail_size": 32,
        }
    },
    "grid": {
        "datasets": ["FashionAI"],
        "networks": ["ASENv2"],
        "labeled_percent": {},
        "extra_seeds": [],
    },
    "methods": {
        "modc": {
            "warm_up": {"ASENv2": "shared", "ASEN++": "shared"},
            "stages": {"ASENv2": {"epochs": {"supervised": 1}}},
        }
    },
    "networks": {"ASENv2": {"backbone": "resnet10"}, "ASEN++": {}},
    "training": {
        "triplets_per_epoch": 32,
        "stages": {
            "ASENv2": {"warm_up": {"epochs": 1}},
            "ASEN++": {"warm_up_global": {"epochs": 1}, "warm_up": {"epochs": 1}},
        },
    },
}
# Its configuration says that it is drawn.
SMOKE = ("--config", CONFIG, "--config", CONFIG.parent / "configs" / "smoke.yaml")
TINY["grid"]["labeled_percent"] = {"FashionAI": [100]}
TINY["networks"]["ASEN++"] = {"global_backbone": "resnet10", "local_backbone": "resnet10"}


@pytest.fixture(autouse=True)
def small(monkeypatch) -> None:
    """Make each training quicker."""
    for (module, name), value in PATCHES.items():
        monkeypatch.setattr(f"{module}.{name}", value)


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """The working folder, an empty one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def drawn(place: Path) -> tuple:
    """Return the dataset and the configuration that lie in a `prepared` folder, as arguments."""
    return "FashionAI", "--config", CONFIG, "--config", place / "tiny.yaml"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """A folder with drawn garments in data/, their index, a labeled part, packed images."""
    place = tmp_path_factory.mktemp("prepared")
    (place / "tiny.yaml").write_text(yaml.safe_dump({**TINY, "data": str(place / "data")}))
    data = place / "data" / "FashionAI"
    index, packed = paths.index_folder(data), paths.packed_folder(data)
    labeled = [paths.labeled_part(data, "stratified", *part) for part in ((0, 0, 100), (2, 0, 10))]
    steps = [
        ["fetch", *drawn(place)],
        ["index", *drawn(place)],
        *(["subset", "--index", index, "--percent", p.stem, "--output", p] for p in labeled),
        ["pack", "--index", index, "--folder", data, "--size", 32, "--output", packed],
    ]
    for step in steps:
        done = CliRunner().invoke(cli, list(map(str, step)), catch_exceptions=False)
        assert done.exit_code == 0, done.output
    return place


def train_arguments(prepared: Path, method: str = "baseline", **changed) -> list:
    """Return the arguments of a tiny training, whose results go below the working folder."""
    options = {"cell": "FashionAI/ASENv2/100/0", "method": method, "threads": 1, **changed}
    arguments = ["train", "--config", CONFIG, "--config", prepared / "tiny.yaml"]
    return arguments + [word for name, value in options.items() for word in (f"--{name}", value)]


def one_error(err: str) -> str:
    """Return the one error line of stderr; whatever else is there is log, and no traceback."""
    assert "Traceback" not in err
    lines = [line for line in err.splitlines() if line.startswith("modc: error: ")]
    assert len(lines) == 1
    return lines[0].removeprefix("modc: error: ")


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    "command",
    [
        [],
        *([name] for name in cli.commands),
        *(["fetch", name] for name in ("FashionAI", "DARN", "FashionMNIST")),
    ],
)
def test_help_says_what_each_step_does(modc, command):
    status, out, _ = modc(*command, "--help")
    assert status == 0 and out.startswith(f"Usage: modc {' '.join(command)}".strip())
    said = out.split("Options:")[0].split("\n", 1)[1]
    assert len(said.split()) > 4


def test_a_mistyped_option_exits_with_2(modc):
    status, _, err = modc("score", "--embedings", "x")
    assert status == 2 and "--embeddings" in err


def test_from_trained_model_to_table(modc, prepared, here, caplog):
    caplog.set_level("INFO")
    status, _, _ = modc(*train_arguments(prepared))
    assert status == 0 and "images/s" in caplog.text and "left" in caplog.text
    names = ("curve.csv", "curve.png", "last.pt", "model.pt", "test.npz")
    place = "FashionAI/ASENv2/100/seed-0/baseline"
    stage = [f"{place}/warm_up/{name}" for name in names]
    results = here / "results" / "tiny"
    assert files(results) == [
        *(f"cells/{name}" for name in stage),
        f"resume/{place}/warm_up.json",
        f"resume/{place}/warm_up.pt.lock",
        *(f"resume/{name}" for name in stage),
    ]
    method = results / "cells" / place
    scores, queries = method / "scores.json", method / "queries.csv"
    status, out, _ = modc(
        "score",
        "--embeddings",
        method / "warm_up" / "test.npz",
        "--output",
        scores,
        "--queries",
        queries,
    )
    assert status == 0 and "MAP@100" in out
    content = json.loads(scores.read_text())
    assert len(content["attributes"]) == 8
    assert content["overall"]["queries"] == sum(part["queries"] for part in content["attributes"])
    assert len(queries.read_text().splitlines()) == 1 + content["overall"]["queries"]
    status, out, _ = modc("tables", "--config", CONFIG, "--config", prepared / "tiny.yaml")
    assert status == 0 and "Table 1" in out and "NOT COMPARABLE" in out
    shown = f"{100 * content['overall']['MAP@100']:.2f}"
    assert shown in (results / "tables" / "table1.md").read_text()
    status, out, _ = modc(
        *("embed", "--network", "ASENv2", "--checkpoint", method / "warm_up" / "model.pt"),
        *("--attributes", 8, "--output", "e.npz", *sorted(picture_files(prepared, here))),
    )
    assert status == 0 and "(3, 8, 64)" in out  # the quick backbone has 64 channels
    with np.load("e.npz") as arrays:
        assert arrays["embedding"].shape == (3, 8, 64)
        assert arrays["embedding"].dtype == np.float32
        assert arrays["attention"].shape == (3, 8, 2, 2)


def test_one_call_trains_both_parts_of_a_warm_up_and_goes_on_where_it_was(modc, prepared, here):
    arguments = train_arguments(prepared, cell="FashionAI/ASEN++/100/0")
    assert modc(*arguments)[0] == 0
    place = Path("FashionAI/ASEN++/100/seed-0/baseline")
    cells, resume = (here / "results" / "tiny" / part / place for part in ("cells", "resume"))
    names = ("curve.csv", "curve.png", "last.pt", "model.pt")
    expected = [f"{stage}/{name}" for stage in ("warm_up_global", "warm_up") for name in names]
    assert files(cells) == sorted([*expected, "warm_up/test.npz"])
    # As if it had been killed in the second part: the first one is not trained again.
    before = {path: path.stat().st_mtime_ns for path in (cells / "warm_up_global").iterdir()}
    with np.load(cells / "warm_up" / "test.npz") as arrays:
        embedding = arrays["query_embedding"]
    for folder in (cells / "warm_up", resume / "warm_up"):
        for path in folder.iterdir():
            path.unlink()
    assert modc(*arguments)[0] == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    with np.load(cells / "warm_up" / "test.npz") as arrays:
        assert np.array_equal(arrays["query_embedding"], embedding)


def picture_files(prepared: Path, place: Path) -> list[Path]:
    """Unpack three pictures of the drawn dataset."""
    import zipfile

    paths = []
    with zipfile.ZipFile(next((prepared / "data" / "FashionAI").glob("*.zip"))) as archive:
        for number, name in enumerate([n for n in archive.namelist() if n.endswith(".jpg")][:3]):
            paths.append(place / f"{number}.jpg")
            paths[-1].write_bytes(archive.read(name))
    return paths


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"cell": "FashionAI/ASENv2/100"}, "expected DATASET/NETWORK/PERCENT/SEED, the perc"),
        ({"cell": "DeepFashion/ASENv2/100/0"}, "DeepFashion is not in datasets of"),
        ({"cell": "FashionAI/ASENv3/100/0"}, "ASENv3 is not in networks of"),
        (
            {"stage": "warm_up_global"},
            "stage warm_up_global: baseline of FashionAI/ASENv2/100/0 trains warm_up",
        ),
        (
            {"method": "modc", "stage": "unlabeled"},
            "stage unlabeled: modc of FashionAI/ASENv2/100/0 trains supervised",
        ),
        ({"assume": "A4=marginal"}, "A4=marginal: no such alternative; expected one of margin"),
        ({"assume": "A4"}, "A4: expected an assumption and an alternative, as A4=margin"),
        ({"assume": "A4=margin"}, "--assume A4=margin: changes no stage of baseline"),
        ({"cell": "DARN/ASENv2/10/0"}, "/DARN/prepared/index/index.json: no such file of the inde"),
        ({"cell": "FashionAI/ASENv2/50/0"}, "/50.csv: no such labeled part"),
        ({"method": "modc"}, "/baseline/warm_up/model.pt: no such checkpoint"),
    ],
)
def test_a_training_that_cannot_start_says_why(modc, prepared, here, changed, message):
    status, _, err = modc(*train_arguments(prepared, **changed))
    assert status == 1
    assert message in one_error(err)
    assert not list(here.rglob("*.pt"))


def test_modc_follows_the_warm_up_and_an_unfit_model_is_refused(modc, prepared, here):
    assert modc(*train_arguments(prepared))[0] == 0
    assert modc(*train_arguments(prepared, "modc"))[0] == 0
    cells = here / "results" / "tiny" / "cells" / "FashionAI"
    embeddings = cells / "ASENv2/100/seed-0/modc/supervised/test.npz"
    assert modc("score", "--embeddings", embeddings, "--output", "scores.json")[0] == 0
    assert json.loads((here / "scores.json").read_text())["method"] == "modc"
    status, _, err = modc("score", "--embeddings", embeddings, "--output", embeddings)
    assert status == 1 and "would overwrite the embeddings" in one_error(err)
    model = cells / "ASENv2/100/seed-0/baseline/warm_up/model.pt"
    for place, why in (
        ("ASEN++/100", "initial model's network: ASENv2; expected ASEN++"),
        ("ASENv2/10", "initial model's labeled part: "),
    ):
        other = cells / place / "seed-0/baseline/warm_up/model.pt"
        other.parent.mkdir(parents=True)
        shutil.copy(model, other)
        arguments = train_arguments(prepared, "modc", cell=f"FashionAI/{place}/0")
        status, _, err = modc(*arguments)
        assert status == 1 and why in one_error(err)
    other.write_bytes(b"no checkpoint")
    status, _, err = modc(*arguments)
    assert status == 1 and f"{other.relative_to(here)}: truncated or not" in one_error(err)


def test_a_labeled_part_of_other_images_is_refused(modc, prepared, here):
    shutil.copytree(prepared / "data", here / "data")
    labeled = paths.labeled_part(here / "data" / "FashionAI", "stratified", 0, 0, 100)
    labeled.write_text("image\n200\n")
    (here / "data.yaml").write_text("data: data")
    status, _, err = modc(*train_arguments(prepared, config="data.yaml"))
    assert status == 1
    assert "the labeled part names image 200, which is no training" in one_error(err)


def test_an_alternative_trains_what_it_changes_in_a_folder_of_its_own(modc, prepared, here):
    assert modc(*train_arguments(prepared))[0] == 0
    chains = []
    for assume in ("A4=margin", "A4=temperature_0.05"):
        assert modc(*train_arguments(prepared, "modc", assume=assume))[0] == 0
        folder = here / "results" / "tiny" / "ablation" / assume.replace("=", "-")
        assert [path.parent.name for path in folder.rglob("model.pt")] == ["supervised"] * 2
        (made,) = folder.glob("cells/FashionAI/ASENv2/100/seed-0/modc/supervised/model.pt")
        chains.append(model_file.load(made).facts["settings_chain"])
    one, other = chains
    assert one[0] == other[0] and one[1] != other[1]


def test_the_assumptions_are_listed_with_the_settings_of_a_configuration(modc, tmp_path):
    (tmp_path / "other.yaml").write_text("methods: {modc: {cluster_loss: margin}}")
    status, out, _ = modc("assumptions", "--config", CONFIG, "--config", tmp_path / "other.yaml")
    assert status == 0
    assert all(f"\nA{number} " in f"\n{out}" for number in range(1, 19))
    assert "methods.modc.cluster_loss: margin (the default is softmax)" in out


def test_an_ablation_of_a_run_that_has_nothing_says_so(modc, prepared, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    call = ["ablation", "--config", CONFIG, "--results", folder]
    status, out, _ = modc(*call)
    assert status == 0 and "A3 memory_bank: not run." in out
    endings = ("-standalone.tex", ".csv", ".md", ".tex")
    written = [f"ablation/ablation{ending}" for ending in endings]
    assert files(folder) == [*written, "ablation/summary.txt", "rendered/ablation.json"]
    (tmp_path / "a18.yaml").write_text("ablation: {assumptions: [A18]}")
    status, _, err = modc(*call, "--config", tmp_path / "a18.yaml")
    assert status == 1 and "A18 cannot be ablated" in one_error(err)
    status, _, err = modc("ablation", "--config", CONFIG, "--results", tmp_path / "nothing")
    assert status == 1 and "no such folder; expected a run's" in one_error(err)


def test_an_index_of_another_dataset_is_refused(modc, prepared, here):
    shutil.copytree(prepared / "data" / "FashionAI", here / "data" / "DARN")
    (here / "more.yaml").write_text("data: data\ndatasets: {DARN: {image_size: 32}}")
    arguments = train_arguments(prepared, cell="DARN/ASENv2/100/0", config="more.yaml")
    status, _, err = modc(*arguments)
    assert status == 1 and "the index is of FashionAI; expected DARN" in one_error(err)


def test_garments_never_touch_what_was_not_drawn(modc, tmp_path):
    (tmp_path / "real.zip").write_bytes(b"precious")
    call = ("garments", "DARN", *SMOKE, "--images", 300, "--folder", tmp_path)
    status, _, err = modc(*call)
    assert status == 1 and "holds files that were not drawn" in one_error(err)
    assert files(tmp_path) == ["real.zip"]


def test_a_mistyped_results_folder_is_named(modc, prepared, tmp_path):
    configs = ("--config", CONFIG, "--config", prepared / "tiny.yaml")
    status, _, err = modc("tables", *configs, "--results", tmp_path / "typo")
    assert status == 1 and "typo: no such folder" in one_error(err)
    assert not (tmp_path / "typo").exists()


def test_packed_images_of_another_size_are_named(modc, prepared, here):
    shutil.copytree(prepared / "data", here / "data")
    (here / "larger.yaml").write_text("data: data\ndatasets: {FashionAI: {image_size: 48}}")
    packed = paths.packed_folder(here / "data" / "FashionAI")
    for suffix in ("npy", "json"):
        shutil.copy(packed / f"32.{suffix}", packed / f"48.{suffix}")
    status, _, err = modc(*train_arguments(prepared, config="larger.yaml"))
    assert status == 1
    assert "48.npy: packed as 32; expected 48, as configured" in one_error(err)


def test_a_config_typo_is_named(modc, prepared, tmp_path):
    config = tmp_path / "typo.yaml"
    config.write_text("training: {bacth: 16}")
    status, _, err = modc("tables", "--config", CONFIG, "--config", config)
    assert status == 1
    assert "typo.yaml: training: unknown key 'bacth' (did you mean 'batch'?)" in one_error(err)


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("filenames_train.txt", "{first}", "is already in line 1"),
        ("label_train.txt", "5 0 6", "value 6 of attribute 0; expected 0 to 5"),
        ("query_test.txt", "99999 0 0", "image 99999; the split has 60 filenames"),
        ("label_train.txt", "3 8 0", "attribute 8; expected 0 to 7"),
        ("candidate_test.txt", "3 0", "expected `index attribute value`"),
        ("filenames_test.txt", "absent_labels/0.jpg", "the first is absent_labels/0.jpg"),
    ],
)
def test_a_mistake_in_the_split_files_is_named(modc, prepared, tmp_path, file, line, message):
    folder = tmp_path / "data"
    shutil.copytree(prepared / "data" / "FashionAI", folder)
    path = folder / "splits" / file
    path.write_text(path.read_text() + line.format(first=path.read_text().split()[0]) + "\n")
    status, _, err = modc(
        "index", *drawn(prepared), "--folder", folder, "--output", tmp_path / "index"
    )
    assert status == 1
    assert message in one_error(err)
    assert not (tmp_path / "index").exists()


def test_an_attribute_without_queries_is_named(modc, prepared, tmp_path):
    folder = tmp_path / "data"
    shutil.copytree(prepared / "data" / "FashionAI", folder)
    path = folder / "splits" / "query_test.txt"
    kept = [line for line in path.read_text().splitlines() if line.split()[1] != "2"]
    path.write_text("\n".join(kept))
    status, _, err = modc(
        "index", *drawn(prepared), "--folder", folder, "--output", tmp_path / "index"
    )
    assert status == 1
    assert "the attribute coat_length has no query image in test" in one_error(err)


@pytest.mark.parametrize("content", [None, b"", b"<html>"])
def test_a_missing_or_unreadable_picture_is_named_by_embed(modc, prepared, tmp_path, content):
    import torch

    from modc.networks.build import build
    from modc.networks.model_file import ModelFile, save

    architecture = {"backbone": "resnet10"}
    weights = build("ASENv2", architecture, 2, {"resnet10": "none"}).state_dict()
    facts = {"sizes": {"image": 32}, "stage": "warm_up", "key": "0"}
    save(tmp_path / "m.pt", ModelFile("ASENv2", architecture, ("a", "b"), weights, facts))
    picture, output = tmp_path / "p.jpg", tmp_path / "e.npz"
    if content is not None:
        picture.write_bytes(content)
    call = ("embed", "--network", "ASENv2", "--checkpoint", tmp_path / "m.pt", "--output", output)
    status, _, err = modc(*call, "--attributes", 2, picture)
    assert status == 1
    why = "no such image" if content is None else "not_an_image"
    assert one_error(err).startswith(f"{picture}: {why}")
    status, _, err = modc(*call, "--attributes", 3, picture)
    assert status == 1 and "knows 2 attributes, not 3: a, b; pass --attributes 2" in one_error(err)
    data = (tmp_path / "m.pt").read_bytes()
    (tmp_path / "m.pt").write_bytes(data[: len(data) // 2])
    status, _, err = modc(*call, "--attributes", 2, picture)
    assert status == 1 and one_error(err).startswith(f"{tmp_path}/m.pt: ")
    torch.save({"format": "modc model 1", "network": "ASENv2"}, tmp_path / "m.pt")
    status, _, err = modc(*call, "--attributes", 2, picture)
    assert status == 1 and one_error(err).startswith(f"{tmp_path}/m.pt: ")
    assert not output.exists()


@pytest.fixture
def writing(prepared, tmp_path):
    """Return a function from a step to its arguments, with which it writes below `tmp_path`/out."""
    folder, embeddings = tmp_path / "out", tmp_path / "e.npz"
    folder.mkdir()
    parts = {
        f"{role}_{name}": array
        for role in ("query", "candidate")
        for name, array in (
            ("embedding", np.ones((40, 2), np.float32)),
            ("attribute", np.zeros(40, int)),
            ("value", np.zeros(40, int)),
        )
    }
    np.savez(embeddings, **parts)
    configs = ["--config", CONFIG, "--config", prepared / "tiny.yaml"]
    data = [*drawn(prepared), "--folder"]
    arguments = {
        "train": train_arguments(prepared),
        "score": ["score", "--embeddings", embeddings, "--output", folder / "scores.json"],
        "index": ["index", *drawn(prepared), "--output", folder / "index"],
        "tables": ["tables", *configs, "--results", folder],
        "garments": ["garments", *data, folder / "data", "--images", 300],
    }
    return arguments.get


def assert_says_where(err: str, step: str, folder: Path) -> None:
    """Assert that a step could not write to a folder, that it says so, and that nothing stayed."""
    message = one_error(err)
    assert ("results" if step == "train" else str(folder)) in message and "; " in message
    # The heartbeat is small enough to be whole.
    whole = (".lock", ".drawn", "baseline/warm_up.json")
    assert [name for name in files(folder) if not name.endswith(whole)] == []


@pytest.mark.parametrize("step", ["train", "score", "index", "tables", "garments"])
def test_a_full_disk_ends_in_one_line(modc, files_up_to, writing, tmp_path, monkeypatch, step):
    folder, arguments = tmp_path / "out", writing(step)
    monkeypatch.chdir(folder)
    with files_up_to(400):
        status, _, err = modc(*arguments)
    assert status == 1
    assert_says_where(err, step, folder)


@pytest.mark.parametrize("step", ["score", "index"])
def test_a_read_only_folder_ends_in_one_line(writing, tmp_path, step):
    folder = tmp_path / "out"
    command = [sys.executable, "-m", "modc.cli", *map(str, writing(step))]
    folder.chmod(0o555)
    if os.geteuid() == 0:  # the superuser may write everywhere, unless told otherwise
        if not shutil.which("setpriv"):
            pytest.skip("needs setpriv to test as the superuser")
        drop = "-dac_override,-dac_read_search"
        command = ["setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}", *command]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(CONFIG.parent)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    folder.chmod(0o755)
    assert done.returncode == 1
    assert_says_where(done.stderr, step, folder)


def test_an_error_of_the_file_system_names_the_destination_and_no_temporary_file(
    modc, monkeypatch, tmp_path
):
    """As where a whole file system is read-only, so that not even nothing can be removed."""

    def read_only(path, *_, **__):
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "write_bytes", read_only)
    monkeypatch.setattr(Path, "unlink", read_only)
    status, _, err = modc("tables", "--config", CONFIG, "--results", tmp_path)
    assert status == 1
    said = "Read-only file system; choose a folder that can be written"
    assert err == f"modc: error: {tmp_path}/results.csv: {said}\n"
    inside = OSError(errno.ENOSPC, "No space left on device", f"r/.all.{HOST}.17.tmp/cells/a.csv")
    assert file_system(inside).startswith("r/all/cells/a.csv: No space left")


INTERRUPTED = {
    "tables": "modc.report.render.render_all",
    "figures": "modc.report.figures.render.render",
    "report": "modc.report.page.page.render",
    "assumptions": "modc.report.assumptions.listing",
    "plan": "modc.report.plan.plan",
}


@pytest.mark.parametrize("step", INTERRUPTED)
def test_control_c_ends_every_command_in_one_line(modc, monkeypatch, tmp_path, step):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(INTERRUPTED[step], interrupted)
    status, out, err = modc(step, "--config", CONFIG)
    assert (status, out, err) == (130, "", "modc: stopped; run the same command again\n")


def test_help_lists_the_commands_in_the_order_of_a_run(modc):
    status, out, _ = modc("--help")
    listed = [line.split()[0] for line in out.partition("Commands:")[2].splitlines() if line]
    assert status == 0 and len(listed) == len(set(listed)) == len(cli.commands)
    order = ["fetch", "index", "subset", "pack", "train", "embed", "score", "tables", "figures"]
    order += ["report", "status", "plan", "verify", "merge"]
    assert [name for name in listed if name in order] == order


def test_help_shows_the_purpose_of_each_command_whole(modc):
    _, out, _ = modc("--help")
    listed = out.partition("Commands:")[2].splitlines()
    assert len(listed) > 1 and [line for line in listed if line.endswith("...")] == []


@pytest.mark.parametrize("golden", json.loads(GOLDEN.read_text()))
def test_the_real_lists_score_as_the_golden_metrics_say(modc, shared, golden, tmp_path):
    """Both datasets' real test lists, embeddings drawn from names, through the command itself."""
    arrays = {}
    for role in ("query", "candidate"):
        path = shared / "annotations" / golden["dataset"] / f"{role}_test.txt"
        _, attribute, value = np.loadtxt(path, np.int64).T
        drawn = recipe.embeddings(golden["salt"], role, attribute, value)
        parts = {"embedding": drawn, "attribute": attribute, "value": value}
        arrays |= {f"{role}_{name}": part for name, part in parts.items()}
    np.savez(tmp_path / "e.npz", **arrays)
    status, _, _ = modc(
        "score", "--embeddings", tmp_path / "e.npz", "--output", tmp_path / "s.json"
    )
    assert status == 0
    overall = json.loads((tmp_path / "s.json").read_text())["overall"]
    names = {"MAP@all": "map_all", "MAP@100": "map_100", "Recall@100": "recall_100"}
    for ours, theirs in names.items():
        assert overall[ours] == pytest.approx(golden["overall"][theirs], abs=1e-6)


@pytest.mark.parametrize("command", ["tables", "status"])
def test_seeds_of_a_cell_that_the_grid_lacks_are_named(here, modc, command):
    (here / "smaller.yaml").write_text("grid: {networks: [ASEN], datasets: [FashionAI]}")
    run = here / "run"
    run.mkdir()
    configs = ("--config", CONFIG, "--config", here / "smaller.yaml")
    status, _, err = modc(command, *configs, "--results", run)
    assert status == 0
    assert "grid.extra_seeds: FashionAI ASENv2 100 % is not in the grid, and not trained" in err

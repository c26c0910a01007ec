"""A run exported as one archive, and the archive verified."""

import base64
import json
import platform
import re
import shutil
import signal
import stat
import subprocess
import sys
import warnings
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image
from rocrate.rocrate import ROCrate

from modc import config as configuration
from modc import paths
from modc.atomic import write_json
from modc.cell import Cell
from modc.cli.report import figures, report, tables
from modc.grid import own_stages
from modc.report import rendered
from modc.report.figures.listing import LISTING
from modc.runs import rerender
from modc.runs.checksums import CHECKSUMS
from modc.runs.crate import COMPLETED, FAILED, METADATA
from modc.runs.verify import Verified

IMAGE = "figures/figure2-skirt-length.png"


@pytest.fixture(scope="module")
def shown(unchanged, tmp_path_factory) -> Path:
    """A run with tables, page and figures, among them one that shows images."""
    run = tmp_path_factory.mktemp("shown") / "made"
    shutil.copytree(unchanged, run)
    options = ["--config", str(run / "config.yaml"), "--results", str(run)]
    for command in (tables, figures):
        assert CliRunner().invoke(command, options).exit_code == 0
    Image.effect_noise((64, 48), 90).save(run / IMAGE)
    (run / IMAGE).with_suffix(".csv").write_text("rank,path\n0,a.jpg\n")
    listing = json.loads((run / "figures" / LISTING).read_text())
    words = {"title": "Figure 2", "caption": "Found", "alt": "Found"}
    name = Path(IMAGE).name
    entry = {"file": name, "data": name.replace("png", "csv"), **words}
    missing = [one for one in listing["missing"] if one["file"] != name]
    write_json(
        run / "figures" / LISTING, {"figures": [*listing["figures"], entry], "missing": missing}
    )
    rendered.note(run, "figures", sorted((run / "figures").iterdir()))
    assert CliRunner().invoke(report, options).exit_code == 0
    return run


@pytest.fixture(scope="module")
def archive(shown, tmp_path_factory) -> Path:
    from modc.runs.export import export

    path = tmp_path_factory.mktemp("archive") / "paper.zip"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("modc.runs.export.verify", lambda *_: Verified([], [], [], []))
        export(shown, path, ("Ada Example <https://orcid.org/0000-0002-1825-0097>",))
    return path


@pytest.fixture(scope="module")
def again(archive, tmp_path_factory) -> dict[str, dict[str, bytes]]:
    """What verifying the archive renders again, by command."""
    folder = tmp_path_factory.mktemp("again")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    config = configuration.load([folder / "config.yaml"])
    commands = ("tables", "figures", "report")
    return {one: rerender._rendered(folder, config, one) for one in commands}


@pytest.fixture
def rendered_before(again, monkeypatch) -> None:
    """No need to render again each time."""
    monkeypatch.setattr(rerender, "_rendered", lambda run, config, command: again[command])


@pytest.fixture
def held(monkeypatch) -> None:
    """No need to verify the run again each time it is exported."""
    monkeypatch.setattr("modc.runs.export.verify", lambda *_: Verified([], [], [], []))


def content(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def pack(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return path


def summed(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return `files` with the checksums that they have now."""
    rest = {name: data for name, data in files.items() if name != CHECKSUMS}
    sums = "".join(f"{sha256(data).hexdigest()}  {name}\n" for name, data in rest.items())
    return rest | {CHECKSUMS: sums.encode()}


def test_the_library_opens_it_as_a_workflow_run(archive):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        crate = ROCrate(archive)
    assert crate.mainEntity.id == "Snakefile" and "ComputationalWorkflow" in crate.mainEntity.type
    (action,) = crate.root_dataset["mentions"]
    assert action.type == "CreateAction" and action["instrument"] is crate.mainEntity
    assert action["actionStatus"] == COMPLETED
    assert "4 of 4 results" in action["description"]
    assert crate.root_dataset["citation"][0]["author"][0]["familyName"] == "Jiao"
    assert "#snakemake" in {one.id for one in crate.mainEntity["softwareRequirements"]}
    assert {"config.yaml"} < {one.id for one in action["object"]}
    results = {one.id for one in action["result"]}
    assert {"report.html", "results.csv", "tables/table1.csv", "figures/gain.csv"} <= results
    assert len([one for one in results if one.endswith(("/scores.json", "/queries.csv"))]) == 8
    assert [one["name"] for one in action["agent"]] == ["Ada Example"]
    profiles = {one.id for one in crate.root_dataset["conformsTo"]}
    expected = {f"https://w3id.org/ro/wfrun/{one}/0.5" for one in ("process", "workflow")}
    assert profiles == expected | {"https://w3id.org/workflowhub/workflow-ro-crate/1.0"}
    assert IMAGE in crate.root_dataset["description"]
    assert crate.root_dataset["license"].id.startswith("https://spdx.org/")
    described = {one.id for one in crate.data_entities}
    assert described == content(archive).keys() - {METADATA, CHECKSUMS}
    referred = re.findall(r'\{"@id": "([^"]+)"\}', json.dumps(crate.metadata.generate()["@graph"]))
    outside = {one for one in referred if crate.get(one) is None}
    assert all(one.startswith("http") for one in outside)


def test_the_checksums_hold(archive):
    files = content(archive)
    sums = dict(reversed(line.split("  ")) for line in files.pop(CHECKSUMS).decode().splitlines())
    assert sums == {name: sha256(data).hexdigest() for name, data in files.items()}
    assert {"config.yaml", "requirements.lock", "LICENSE", "CITATION.cff"} <= files.keys()
    for entity in json.loads(files[METADATA])["@graph"]:
        if "sha256" in entity:
            assert entity["sha256"] == sums[entity["@id"]]


def test_no_image_model_or_embedding_is_inside(shown, archive):
    files = content(archive)
    assert IMAGE not in files and IMAGE.replace("png", "csv") in files
    assert not [name for name in files if name.endswith((".pt", ".npz"))]
    source = re.compile(rb'<img src="data:[^;]+;base64,([^"]+)"')
    in_run = source.findall((shown / "report.html").read_bytes())
    in_archive = source.findall(files["report.html"])
    assert len(in_run) == len(in_archive) + 1 and set(in_archive) < set(in_run)
    (image,) = set(in_run) - set(in_archive)
    assert not any(image in data or base64.b64decode(image) in data for data in files.values())
    assert (shown / IMAGE).exists()


def test_the_same_run_gives_the_same_bytes(shown, archive, tmp_path, modc, held):
    # Of a copy whose files are of another time.
    run = shutil.copytree(shown, tmp_path / "copied" / "made", copy_function=shutil.copyfile)
    copy = tmp_path / "paper.zip"
    author = "Ada Example <https://orcid.org/0000-0002-1825-0097>"
    for _ in range(2):  # the second one replaces an export
        status, _, _ = modc("export", run, "--output", copy, "--author", author)
        assert status == 0 and copy.read_bytes() == archive.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"copied", "paper.zip"}


def test_it_verifies_and_says_what_was_tampered_with(archive, tmp_path, modc, rendered_before):
    status, out, _ = modc("verify", archive, "--json")
    found = json.loads(out)
    assert status == 0 and found["holds"] and len(found["scores"]) == 4
    files = content(archive)
    bad = pack(tmp_path / "bad.zip", {**files, "LICENSE": files["LICENSE"] + b"x"})
    del files["CITATION.cff"]
    status, out, _ = modc("verify", bad)
    assert status == 1 and out.startswith("changed LICENSE")
    assert modc("verify", pack(bad, files))[1].startswith("missing CITATION.cff")


def test_a_score_altered_with_its_checksum_is_found(archive, tmp_path, modc, rendered_before):
    files = content(archive)
    name = next(name for name in files if name.endswith("modc/scores.json"))
    scores = json.loads(files[name])
    scores["overall"]["Acc"] = 0.125
    files[name] = json.dumps(scores).encode()
    status, out, _ = modc("verify", pack(tmp_path / "bad.zip", summed(files)))
    assert status == 1 and f"changed {Path(name).parent.relative_to('cells')}" in out


def test_a_damaged_member_is_found_and_nothing_that_depends_on_it(archive, tmp_path, modc):
    bad = tmp_path / "bad.zip"
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as opened:
        name = next(name for name in opened.namelist() if name.endswith("modc/scores.json"))
        at = opened.getinfo(name).header_offset
    data[at + 120] ^= 0xFF
    bad.write_bytes(data)
    status, out, _ = modc("verify", bad, "--json")
    found = json.loads(out)
    assert status == 1 and found["broken"] == [name]
    assert found["files"][0]["details"] == ["damaged in the archive"]


def test_an_export_unpacked_and_packed_again_holds(archive, tmp_path, modc, rendered_before):
    folder = tmp_path / "paper"
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    packed = shutil.make_archive(str(tmp_path / "again"), "zip", folder)  # with its folders
    assert any(name.endswith("/") for name in zipfile.ZipFile(packed).namelist())
    assert modc("verify", packed)[0] == 0
    assert modc("verify", folder)[0] == 0
    (folder / "LICENSE").write_text("mine")
    (folder / "CITATION.cff").unlink()
    status, out, _ = modc("verify", folder)
    broken = [line.partition(":")[0] for line in out.splitlines()]
    assert status == 1 and {"changed LICENSE", "missing CITATION.cff"} < {*broken}


@pytest.mark.parametrize("name", ["../out.csv", "/tmp/out.csv", "evil.py", "a\\b.csv", "link.csv"])
def test_what_is_unsafe_is_not_unpacked(archive, tmp_path, modc, name):
    member = zipfile.ZipInfo(name)
    member.filename = name
    if name == "link.csv":
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
    bad = tmp_path / "bad.zip"
    shutil.copyfile(archive, bad)
    with zipfile.ZipFile(bad, "a") as opened:
        opened.writestr(member, "/etc/passwd")
    status, out, err = modc("verify", bad)
    assert status == 1 and not out and "not unpacked" in err and "\n" not in err
    assert not (tmp_path.parent / "out.csv").exists()


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"more.csv": b"x"}, "more.csv"),
        ({"tables/table1.md/a.csv": b"x"}, "tables/table1.md"),
        ({"LICENSE/": b""}, "LICENSE"),
        ({"tables//table1.csv": b"x"}, "tables/table1.csv"),
        ({"zeros.csv": bytes(20 << 20)}, "zeros.csv"),
        ({CHECKSUMS: b"0" * 64 + b"  /dev/zero"}, CHECKSUMS),
    ],
)
def test_what_no_export_holds_is_not_unpacked(archive, tmp_path, modc, more, named):
    files = (
        summed(content(archive) | more) | more if named != "more.csv" else content(archive) | more
    )
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    status, out, err = modc("verify", bad)
    assert status == 1 and not out and err.startswith(f"modc: error: {bad}: ") and "\n" not in err
    assert named in err


def test_too_large_an_archive_is_refused(archive, modc, monkeypatch):
    monkeypatch.setattr("modc.runs.archive.MOST_BYTES", 1000)
    status, _, err = modc("verify", archive)
    assert status == 1 and "unpacked" in err


def test_a_partial_run_says_what_is_missing_and_no_path_of_this_machine(
    make_run, tmp_path, modc, config, monkeypatch, held
):
    monkeypatch.setattr(platform, "node", lambda: "ada-laptop")
    place = str(tmp_path / "weights.pth")
    config["networks"]["weights"]["resnet50"] = place
    run = make_run(training="")
    name = "FashionAI/ASEN/10/seed-0/modc"
    for file in ("scores.json", "queries.csv"):
        (run / "cells" / name / file).unlink()
    cell = Cell("FashionAI", "ASEN", 10, 0)
    log = run / paths.train_log(cell, "modc", own_stages(config, cell, "modc")[-1])
    log.parent.mkdir(parents=True)
    log.write_text(f"12:00:00 on ada-laptop\nmodc: error: {place}: on ada-laptop\n")
    options = ["--config", run / "config.yaml", "--results", run]
    for command in ("tables", "figures"):
        assert modc(command, *options)[0] == 0
    output = tmp_path / "paper.zip"
    status, _, err = modc("export", run, "--output", output)
    assert status == 1 and name in err and "--partial" in err and not output.exists()
    status, out, _ = modc("export", run, "--output", output, "--partial", "--license", "CC0-1.0")
    assert status == 0 and "3 of 4 results" in out and name in out
    files = content(output)
    for host in (str(tmp_path), "ada-laptop"):
        assert not [one for one, data in files.items() if host.encode() in data]
    assert files["logs/train/" + log.name] == b"modc: error: weights.pth: on host\n"
    crate = json.loads(files[METADATA])["@graph"]
    (action,) = (one for one in crate if one["@type"] == "CreateAction")
    (root,) = (one for one in crate if one["@id"] == "./")
    assert action["actionStatus"]["@id"] == FAILED and name in action["error"]
    assert name in root["description"] and "3 of 4 results" in root["description"]
    assert root["license"]["@id"] == "https://spdx.org/licenses/CC0-1.0"
    status, out, _ = modc("verify", output)
    assert status == 0 and "settings of training other" not in out


def test_what_does_not_hold_is_not_published(shown, tmp_path, modc, edit, rendered_before):
    run = shutil.copytree(shown, tmp_path / "made")
    name = "FashionAI/ASEN/10/seed-0/modc"
    path = run / "cells" / name / "scores.json"
    edit(path, overall={**json.loads(path.read_text())["overall"], "MAP@100": 0.999})
    output = tmp_path / "paper.zip"
    status, _, err = modc("export", run, "--output", output)
    assert status == 1 and name in err and "--force" in err and not output.exists()
    status, out, _ = modc("export", run, "--output", output, "--force")
    assert status == 0 and name in out


def test_no_code_is_imported_for_a_strangers_configuration(archive, tmp_path, modc, monkeypatch):
    (tmp_path / "evil.py").write_text("raise SystemExit(7)\n")
    monkeypatch.chdir(tmp_path)
    files = content(archive)
    files["config.yaml"] += b"\nclass_folders: ['.']\n"
    files["config.yaml"] = files["config.yaml"].replace(
        b"class: modc.datasets.fashionai:FashionAI", b"class: evil:Evil"
    )
    assert b"evil:Evil" in files["config.yaml"]
    status, _, err = modc("verify", pack(tmp_path / "bad.zip", summed(files)))
    assert status == 1 and "--config" in err


def test_mistakes_end_in_one_line(shown, archive, make_run, tmp_path, modc, rendered_before):
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    altered = shutil.copytree(shown, tmp_path / "altered")
    with (altered / "tables" / "table1.csv").open("a") as file:
        file.write("x")
    output = tmp_path / "new.zip"
    calls = [
        (["export", tmp_path / "gone", "--output", output], "no such folder"),
        (["export", make_run(), "--output", output], "no tables were rendered"),
        (["export", shown, "--output", mine, "--force"], "choose another name"),
        (["export", shown, "--output", tmp_path, "--force"], "is a folder"),
        (["export", shown, "--output", output, "--license", "my own"], "--license"),
        (["verify", tmp_path / "nope.zip"], "no such folder or archive"),
        (["export", shown, "--output", output, "--author", "<x>"], "--author"),
        (["export", altered, "--output", output], "table1.csv"),
        (["verify", mine], "not a zip archive"),
        (["verify", pack(tmp_path / "other.zip", {"a.csv": b""})], METADATA),
    ]
    for call, message in calls:
        status, out, err = modc(*call)
        assert status == 1 and not out and message in err and "\n" not in err, call
    assert mine.read_text() == "mine" and not output.exists()


def test_a_kill_leaves_the_earlier_export(shown, archive, tmp_path, modc, held):
    path = tmp_path / "paper.zip"
    shutil.copyfile(archive, path)
    code = (
        "import sys, time; from pathlib import Path; from modc.runs import crate, export, verify\n"
        "export.verify = lambda *_: verify.Verified([], [], [], [])\n"
        "crate.metadata = lambda *_: (print('half', flush=True), time.sleep(60))\n"
        "export.export(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, shown, path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "half\n"
        assert len(list(tmp_path.iterdir())) == 2
        process.send_signal(signal.SIGKILL)
    assert path.read_bytes() == archive.read_bytes()
    assert modc("export", shown, "--output", path)[0] == 0
    assert list(tmp_path.iterdir()) == [path]


def test_a_run_of_no_repository_is_a_process_run(shown, archive, tmp_path, monkeypatch, held):
    from modc.runs import export

    monkeypatch.setattr(export, "_of_repository", lambda run: {})
    export.export(shown, tmp_path / "paper.zip")
    crate = ROCrate(tmp_path / "paper.zip")
    (action,) = crate.root_dataset["mentions"]
    assert crate.mainEntity is None and action["instrument"].id == "#modc"
    (profile,) = crate.root_dataset["conformsTo"]
    assert profile.id.startswith("https://w3id.org/ro/wfrun/process/")
    assert configuration.load([shown / "config.yaml"])["run"] in crate.name

"""A run exported as one archive, and the archive verified."""

import base64
import json
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
from modc.atomic import write_json
from modc.cli.report import figures, report, tables
from modc.report import rendered
from modc.report.figures.listing import LISTING
from modc.runs import rerender
from modc.runs.archive import CHECKSUMS
from modc.runs.crate import METADATA

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
    action = crate.get("#run")
    assert action.type == "CreateAction" and action["instrument"] is crate.mainEntity
    assert {"config.yaml"} < {one.id for one in action["object"]}
    assert {"report.html", "results.csv", "tables/table1.csv"} <= {o.id for o in action["result"]}
    assert [one["name"] for one in action["agent"]] == ["Ada Example"]
    profiles = {one.id for one in crate.root_dataset["conformsTo"]}
    assert {f"https://w3id.org/ro/wfrun/{one}/0.5" for one in ("process", "workflow")} == profiles
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


def test_the_same_run_gives_the_same_bytes(shown, archive, tmp_path, modc):
    copy = tmp_path / "paper.zip"
    author = "Ada Example <https://orcid.org/0000-0002-1825-0097>"
    for _ in range(2):  # the second one replaces an export
        status, _, _ = modc("export", shown, "--output", copy, "--author", author)
        assert status == 0 and copy.read_bytes() == archive.read_bytes()
    assert list(tmp_path.iterdir()) == [copy]


def test_it_verifies_and_says_what_was_tampered_with(archive, tmp_path, modc, rendered_before):
    status, out, _ = modc("verify", archive, "--json")
    found = json.loads(out)
    assert status == 0 and found["holds"] and len(found["scores"]) == 4
    files = content(archive)
    changed = {"LICENSE": files["LICENSE"] + b"x", "more.csv": b"x"}
    bad = pack(tmp_path / "bad.zip", {**files, **changed})
    del files["CITATION.cff"]
    status, out, _ = modc("verify", bad)
    assert status == 1 and "changed LICENSE" in out and "changed more.csv" in out
    assert modc("verify", pack(bad, files))[1].startswith("missing CITATION.cff")


def test_a_score_altered_with_its_checksum_is_found(archive, tmp_path, modc, rendered_before):
    files = content(archive)
    name = next(name for name in files if name.endswith("modc/scores.json"))
    scores = json.loads(files[name])
    scores["overall"]["Acc"] = 0.125
    files[name] = json.dumps(scores).encode()
    status, out, _ = modc("verify", pack(tmp_path / "bad.zip", summed(files)))
    assert status == 1 and f"changed {Path(name).parent.relative_to('cells')}" in out


def test_a_damaged_member_is_found(archive, tmp_path, modc, rendered_before):
    bad = tmp_path / "bad.zip"
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as opened:
        at = opened.getinfo("LICENSE").header_offset
    data[at + 60] ^= 0xFF
    bad.write_bytes(data)
    status, out, _ = modc("verify", bad)
    assert status == 1 and "changed LICENSE" in out


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


def test_too_large_an_archive_is_refused(archive, modc, monkeypatch):
    monkeypatch.setattr("modc.runs.archive.MOST_BYTES", 1000)
    status, _, err = modc("verify", archive)
    assert status == 1 and "unpacked" in err


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


def test_mistakes_end_in_one_line(shown, archive, make_run, tmp_path, modc):
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    altered = shutil.copytree(shown, tmp_path / "altered")
    with (altered / "tables" / "table1.csv").open("a") as file:
        file.write("x")
    output = tmp_path / "new.zip"
    calls = [
        (["export", tmp_path / "gone", "--output", output], "no such folder"),
        (["export", make_run(), "--output", output], "no tables were rendered"),
        (["export", shown, "--output", mine], "--force"),
        (["export", shown, "--output", tmp_path], "--force"),
        (["export", shown, "--output", output, "--author", "<x>"], "--author"),
        (["export", altered, "--output", output], "table1.csv"),
        (["verify", mine], "not a zip archive"),
        (["verify", pack(tmp_path / "other.zip", {"a.csv": b""})], METADATA),
    ]
    for call, message in calls:
        status, out, err = modc(*call)
        assert status == 1 and not out and message in err and "\n" not in err, call
    assert mine.read_text() == "mine" and not output.exists()
    assert modc("export", shown, "--output", mine, "--force")[0] == 0


def test_a_kill_leaves_the_earlier_export(shown, archive, tmp_path, modc):
    path = tmp_path / "paper.zip"
    shutil.copyfile(archive, path)
    code = (
        "import sys, time; from pathlib import Path; from modc.runs import crate, export\n"
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


def test_a_run_of_no_repository_is_a_process_run(shown, archive, tmp_path, monkeypatch):
    from modc.runs import export

    monkeypatch.setattr(export, "_of_repository", lambda run: {})
    export.export(shown, tmp_path / "paper.zip")
    crate = ROCrate(tmp_path / "paper.zip")
    assert crate.mainEntity is None and crate.get("#run")["instrument"].id == "#modc"
    (profile,) = crate.root_dataset["conformsTo"]
    assert profile.id.startswith("https://w3id.org/ro/wfrun/process/")
    assert configuration.load([shown / "config.yaml"])["run"] in crate.name

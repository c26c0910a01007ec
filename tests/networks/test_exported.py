"""A model exported as safetensors, and used as docs/use-a-model.md shows."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from modc import config as configuration
from modc import paths
from modc.cell import Cell
from modc.cli import cli
from modc.grid import last_stage, settings_chain
from modc.jobs import stage_folder
from modc.networks import exported, model_file
from modc.networks.build import build

REPOSITORY = Path(__file__).resolve().parents[2]
ATTRIBUTES = ("skirt_length", "sleeve_length")
CELL = Cell("FashionAI", "ASENv2", 100, 0)


def modc(*arguments) -> tuple[int, str]:
    done = CliRunner().invoke(cli, list(map(str, arguments)))
    return done.exit_code, f"{done.output}{done.exception or ''}"


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with images, a run with one model, and this exported as model/."""
    place = tmp_path_factory.mktemp("model")
    config = configuration.load([REPOSITORY / "config.yaml"])
    torch.manual_seed(0)
    network = build("ASENv2", {"backbone": "resnet10"}, len(ATTRIBUTES))
    last = last_stage(config, CELL, "modc")
    facts = {"stage": "supervised", "sizes": {"image": 32}, "epoch": 3, "provenance": {}}
    facts["settings_chain"] = settings_chain(config, CELL, "modc", last)
    stage = stage_folder(config, CELL, "modc", last)
    model = model_file.ModelFile(
        "ASENv2", {"backbone": "resnet10"}, ATTRIBUTES, network.state_dict(), facts
    )
    model_file.save(place / "run" / stage / paths.MODEL, model)
    configuration.write(place / "run" / paths.CONFIG, config)
    (place / "images").mkdir()
    rng = np.random.default_rng(0)
    for number in range(7):
        pixels = rng.integers(0, 256, (40, 36, 3), np.uint8)
        Image.fromarray(pixels).save(place / "images" / f"{number}.png")
    assert modc(*export(place))[0] == 0
    return place


def export(place: Path, output: str = "model", cell: str = CELL.name, method: str = "modc") -> list:
    call = ["--cell", cell, "--method", method, "--output", place / output]
    return ["export-model", place / "run", *call]


def embed(place: Path, checkpoint: Path, output: str = "embedded.npz") -> dict[str, bytes]:
    options = ["--checkpoint", checkpoint, "--output", place / output]
    status, said = modc("embed", *options, place / "images")
    assert status == 0, said
    return {name: array.tobytes() for name, array in np.load(place / output).items()}


def test_it_embeds_as_the_model_of_the_run_to_the_last_bit(place):
    (model,) = (place / "run").rglob(paths.MODEL)
    assert embed(place, place / "model") == embed(place, model, "other.npz")
    torch_state = model_file.load(model).state_dict
    state = exported.read(place / "model").state_dict
    assert state.keys() == torch_state.keys()
    assert all(torch.equal(state[name], torch_state[name]) for name in state)


def test_the_folder_says_what_it_is(place):
    assert {path.name for path in (place / "model").iterdir()} == {
        *("model.safetensors", "config.json", "README.md"),
    }
    found = json.loads((place / "model" / "config.json").read_text())
    assert found["attributes"] == list(ATTRIBUTES) and found["sizes"] == {"image": 32}
    assert found["training"]["cell"] == CELL.name
    card = (place / "model" / "README.md").read_text()
    assert card.startswith("---\n") and all(name in card for name in ATTRIBUTES)


def test_the_code_of_the_page_runs(place, monkeypatch, capsys):
    embed(place, place / "model")
    text = (REPOSITORY / "docs" / "use-a-model.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(place)
    exec(compile(code, "use-a-model.md", "exec"), {})
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    vectors = np.load("embedded.npz")["embedding"][:, 0].astype(float)
    cosines = vectors @ vectors[0] / np.linalg.norm(vectors, axis=1) / np.linalg.norm(vectors[0])
    assert [float(score) for score, _ in printed] == pytest.approx(
        sorted(cosines[1:], reverse=True)[:5], abs=6e-4
    )


def test_mistakes_are_named_and_nothing_is_replaced(place):
    (place / "mine").mkdir()
    (place / "mine" / "own.txt").write_text("own")
    (place / "other.yaml").write_text("training: {margin: 0.9}")
    other = ["--config", place / "run" / paths.CONFIG, "--config", place / "other.yaml"]
    for call, message in [
        (export(place, "mine"), "choose another name"),
        ([*export(place, "new"), *other], "settings other than those of"),
        (export(place, "new", cell="FashionAI/ASENv2/10/0"), "no such model"),
        (export(place, "new", cell="FashionAI/Other/10/0"), "Other"),
        (export(place, "new", method="other"), "other"),
    ]:
        status, said = modc(*call)
        assert status == 1 and message in said
    assert (place / "mine" / "own.txt").exists() and not (place / "new").exists()
    assert modc(*export(place))[0] == 0  # an earlier export is replaced


def altered(place: Path, folder: Path) -> Path:
    """Copy the exported model to a folder, to be altered."""
    for path in (place / "model").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def refused(folder: Path, *more: object) -> str:
    """Return what `modc embed` says of a folder that it refuses."""
    call = ["embed", "--checkpoint", folder, "--output", folder.parent / "e.npz", *more, "x.png"]
    status, said = modc(*call)
    assert status == 1 and not (folder.parent / "e.npz").exists()
    return said


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("content", [b"{", b"x" * 20, None])
def test_a_damaged_folder_is_named(place, tmp_path, file, content):
    altered(place, tmp_path)
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(content)
    assert file in refused(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("format", "another"), ("network", 3), ("attributes", []), ("attributes", [1, 2])),
        *(("sizes", {"image": side}) for side in (-5, 0, True, 10**6, "32")),
        *(("sizes", {}), ("preprocessing", None), ("preprocessing", []), ("preprocessing", {})),
        ("weights_sha256", "0" * 64),
    ],
)
def test_an_edited_configuration_is_refused(place, tmp_path, key, value):
    path = altered(place, tmp_path) / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    assert key.removesuffix("_sha256") in refused(tmp_path)


def test_a_flipped_bit_of_the_weights_is_refused(place, tmp_path):
    path = altered(place, tmp_path) / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert "model.safetensors: other weights" in refused(tmp_path)


def test_another_network_or_number_of_attributes_is_refused(place):
    assert "pass --network ASENv2" in refused(place / "model", "--network", "ASEN")
    outside = ("--network", "modc.networks.asen:ASEN")
    assert "the weights are of ASENv2" in refused(place / "model", *outside)
    assert "pass --attributes 2" in refused(place / "model", "--attributes", 8)
    assert "expected its folder" in refused(place / "model" / "model.safetensors")


def test_no_input_is_overwritten_and_a_pipe_is_no_image(place, tmp_path):
    image = next((place / "images").iterdir())
    call = ["embed", "--checkpoint", place / "model", "--output"]
    for output in (image, place / "model" / "config.json", place / "model"):
        before = output.read_bytes() if output.is_file() else b""
        status, said = modc(*call, output, image)
        assert status == 1 and "expected another file" in said
        assert (output.read_bytes() if output.is_file() else b"") == before
    os.mkfifo(tmp_path / "pipe.png")
    status, said = modc(*call, tmp_path / "e.npz", tmp_path / "pipe.png")
    assert status == 1 and "not a regular file" in said
    (tmp_path / "empty").mkdir()
    status, said = modc(*call, tmp_path / "e.npz", tmp_path / "empty")
    assert status == 1 and "no images in this folder" in said


def test_other_commands_do_not_import_the_libraries():
    code = "import modc.cli, modc.runs.export, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"rocrate", "safetensors"} & set(done.stdout.split())

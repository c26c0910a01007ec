"""A model exported as safetensors, and used as docs/use-a-model.md shows."""

import json
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
from modc.grid import last_stage
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
    facts = {"stage": "supervised", "sizes": {"image": 32}, "epoch": 3, "provenance": {}}
    stage = stage_folder(config, CELL, "modc", last_stage(config, CELL, "modc"))
    model = model_file.ModelFile(
        "ASENv2", {"backbone": "resnet10"}, ATTRIBUTES, network.state_dict(), facts
    )
    model_file.save(place / "run" / stage / paths.MODEL, model)
    (place / "images").mkdir()
    rng = np.random.default_rng(0)
    for number in range(7):
        pixels = rng.integers(0, 256, (40, 36, 3), np.uint8)
        Image.fromarray(pixels).save(place / "images" / f"{number}.png")
    assert modc(*export(place))[0] == 0
    return place


def export(place: Path, output: str = "model", cell: str = CELL.name, method: str = "modc") -> list:
    run = ["--config", REPOSITORY / "config.yaml", "--results", place / "run"]
    return ["export-model", *run, "--cell", cell, "--method", method, "--output", place / output]


def embed(place: Path, checkpoint: Path, output: str = "embedded.npz") -> dict[str, bytes]:
    images = sorted((place / "images").iterdir())
    options = ["--checkpoint", checkpoint, "--attributes", 2, "--output", place / output]
    status, said = modc("embed", "--network", "ASENv2", *options, *images)
    assert status == 0, said
    return {name: array.tobytes() for name, array in np.load(place / output).items()}


def test_it_embeds_as_the_model_of_the_run_to_the_last_bit(place):
    (model,) = (place / "run").rglob(paths.MODEL)
    assert embed(place, place / "model") == embed(place, model, "other.npz")
    torch_state = model_file.load(model).state_dict
    state = exported.load(place / "model").state_dict
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
    vectors = np.load("embedded.npz")["embedding"][:, 1].astype(float)
    cosines = vectors @ vectors[0] / np.linalg.norm(vectors, axis=1) / np.linalg.norm(vectors[0])
    assert [float(score) for score, _ in printed] == pytest.approx(
        sorted(cosines[1:], reverse=True)[:5], abs=6e-4
    )


def test_mistakes_are_named_and_nothing_is_replaced(place):
    (place / "mine").mkdir()
    (place / "mine" / "own.txt").write_text("own")
    for call, message in [
        (export(place, "mine"), "expected another folder"),
        (export(place, "new", cell="FashionAI/ASENv2/10/0"), "no such model"),
        (export(place, "new", cell="FashionAI/Other/10/0"), "Other"),
        (export(place, "new", method="other"), "other"),
    ]:
        status, said = modc(*call)
        assert status == 1 and message in said
    assert (place / "mine" / "own.txt").exists() and not (place / "new").exists()
    assert modc(*export(place))[0] == 0  # an earlier export is replaced


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", b"{"),
        ("config.json", b"{}"),
        ("config.json", None),
        ("model.safetensors", b"x" * 20),
        ("model.safetensors", None),
    ],
)
def test_a_damaged_folder_is_named(place, tmp_path, file, content):
    for path in (place / "model").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(content)
    options = ["--checkpoint", tmp_path, "--attributes", 2, "--output", tmp_path / "e.npz"]
    status, said = modc("embed", "--network", "ASENv2", *options, "x.png")
    assert status == 1 and file in said


def test_other_commands_do_not_import_the_libraries():
    code = "import modc.cli, modc.runs.export, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"rocrate", "safetensors"} & set(done.stdout.split())

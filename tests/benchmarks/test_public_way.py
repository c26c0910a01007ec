"""The public way of benchmarks/training.py: the rendering, clones, and how far ours is from both.

`clones/` has the names, lists and state dicts of the public repositories, our networks behind them.
"""

import shutil
import sys
from pathlib import Path

import numpy as np
import public_way
import pytest
import torch
import training
from PIL import Image
from public_clones import OWN, cloned, cuda_is
from public_way import BATCH, ImageFiles, prepared, rendered

from modc.errors import UserError
from modc.training.train import Machine

CLONES = Path(__file__).parent / "clones"
CPU = torch.device("cpu")
SIZE = 32
NETWORKS = ("ASEN", "ASENv2", "ASEN++")


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(4):
        pixels = rng.integers(0, 256, (60, 50, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.jpg")
    return sorted(folder.iterdir())


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """Return a function that copies the clone of a network, and leave imports as they were."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def forget():
        for name in [name for name in sys.modules if name.partition(".")[0] in OWN]:
            del sys.modules[name]

    def copied(network):
        name = "asenpp" if network == "ASEN++" else "asen"
        return Path(shutil.copytree(CLONES / name, tmp_path / name))

    forget()
    yield copied
    forget()


@pytest.fixture
def settings():
    """Leave torch's settings as they were."""
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.allow_tf32, torch.are_deterministic_algorithms_enabled()
    yield
    training.keep_freed_memory(False)
    cudnn.benchmark, cudnn.allow_tf32 = before[:2]
    torch.use_deterministic_algorithms(before[2], warn_only=True)


@pytest.fixture(autouse=True)
def one_worker(monkeypatch):
    """Four would decode in advance what no test asks for."""
    monkeypatch.setattr(public_way, "WORKERS", 1)


def in_one_line(error) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_triplet_is_three_images_and_an_attribute(files):
    *images, attribute = ImageFiles(files, 5, 3, prepared(SIZE, flip=True))[0]
    assert [tuple(image.shape) for image in images] == [(3, SIZE, SIZE)] * 3
    assert attribute in range(5)


def test_a_single_image_is_never_mirrored(files):
    seen = ImageFiles(files, 5, 1, prepared(SIZE))
    assert all(torch.equal(seen[0][0], seen[0][0]) for _ in range(20))


@pytest.mark.slow
def test_the_rendering_trains_and_embeds_what_its_workers_yield(files):
    way = rendered("ASEN++", 5, SIZE, CPU, files)
    before = [parameter.clone() for parameter in way.network.parameters()]
    assert way.step(next(way.batches())) > 0
    moved = [not torch.equal(*pair) for pair in zip(before, way.network.parameters(), strict=True)]
    found = way.embed(next(way.singles()))
    assert np.mean(moved) > 0.9
    assert found.shape == (way.test_batch, 2048)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("network", ["ASEN", "ASEN++"])
def test_a_clone_trains_and_embeds_what_its_workers_yield(files, clone, network):
    of_torch = torch.Tensor.cuda, torch.nn.Module.cuda
    way = cloned(clone(network), network, 5, SIZE, CPU, files)
    assert way.cudnn_benchmark == (network != "ASEN++")
    batch = next(way.batches())
    first = way.step(batch)
    assert way.step(batch) != first
    found = way.embed(next(way.singles()))
    assert len(found) == way.test_batch
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    assert (torch.Tensor.cuda, torch.nn.Module.cuda) == of_torch


def test_cuda_is_left_alone_where_there_is_a_gpu():
    of_torch = torch.Tensor.cuda
    with cuda_is(torch.device("cuda")):
        assert torch.Tensor.cuda is of_torch
    with cuda_is(CPU):
        ones = torch.ones(2)
        assert ones.cuda(0, non_blocking=True) is ones


@pytest.mark.parametrize("network", NETWORKS)
def test_a_folder_that_is_no_clone_is_named(tmp_path, clone, network):
    with pytest.raises(
        UserError, match=r"--public-repo .*expected a clone of github.com/"
    ) as error:
        cloned(tmp_path, network, 5, SIZE, CPU, [])
    in_one_line(error)


def test_a_package_that_the_clone_needs_is_named(clone):
    repository = clone("ASEN++")
    transforms = repository / "modules" / "data" / "transforms.py"
    transforms.write_text("import cv2\n" + transforms.read_text())
    with pytest.MonkeyPatch.context() as patched, pytest.raises(UserError) as error:
        patched.setitem(sys.modules, "cv2", None)
        cloned(repository, "ASEN++", 5, SIZE, CPU, [])
    assert "needs cv2" in in_one_line(error) and "opencv-python-headless" in str(error.value)


def test_a_size_that_the_clone_cannot_take_is_one_line(clone):
    repository = clone("ASEN")
    model = repository / "model.py"
    model.write_text(model.read_text().replace("SCALE = 1", "SCALE = torch.ones(14, 14)"))
    with pytest.raises(UserError, match="ASEN at 32 pixels") as error:
        cloned(repository, "ASEN", 5, SIZE, CPU, [])
    in_one_line(error)


# One network is enough beside every change; the others take as long again.
@pytest.mark.parametrize(
    "network", [NETWORKS[0], *(pytest.param(n, marks=pytest.mark.slow) for n in NETWORKS[1:])]
)
def test_ours_takes_over_the_clones_weights_and_agrees_with_it(clone, settings, network):
    machine = Machine(CPU, torch.float32)
    rows = training.agreement(network, SIZE, 1, machine, clone(network))
    apart = {name: (loss, cosine) for name, loss, cosine in rows}
    assert apart[training.PUBLIC] == (0, pytest.approx(1))
    assert apart["ours, float32"] == (pytest.approx(0, abs=1e-3), pytest.approx(1, abs=0.01))
    if network == "ASEN++":  # the crops alone differ, and not by much
        exact = apart["ours, float32, Pillow's crops"]
        assert exact == (pytest.approx(0, abs=1e-5), pytest.approx(1, abs=0.01))


def test_a_clone_that_computes_something_else_is_found_out(clone, settings):
    repository = clone("ASENv2")
    model = repository / "model.py"
    model.write_text(model.read_text().replace("SCALE = 1", "SCALE = -1"))
    rows = training.agreement("ASENv2", SIZE, 1, Machine(CPU, torch.float32), repository)
    assert rows[1][1] > 1e-3 and rows[1][2] < 0.99


def test_the_settings_are_the_public_codes_or_ours(settings):
    cudnn = torch.backends.cudnn
    for benchmark in (True, False):
        training.as_in_training(False, benchmark)
        assert (cudnn.benchmark, cudnn.allow_tf32) == (benchmark, True)
        assert not torch.are_deterministic_algorithms_enabled()
        training.as_in_training(True, benchmark)
        assert (cudnn.benchmark, cudnn.allow_tf32) == (False, False)
        assert torch.are_deterministic_algorithms_enabled()


def test_the_public_way_alone_runs_under_the_public_settings(settings):
    seen = []

    def step():
        seen.append(torch.backends.cudnn.benchmark)

    ways = {training.PUBLIC: (step, 1), training.OURS: (step, 2)}
    rows = training.compare(ways, 2, 0, Machine(CPU, torch.float32))
    assert seen == [True, False] * 3  # once that is not counted, then two rounds in turns
    assert [row[0] for row in rows] == list(ways) and rows[0][2] == 1


def test_asenpp_has_details_and_the_public_codes_rates(tmp_path):
    drawn = training.draw(tmp_path / "drawn", 8, SIZE)
    assert drawn.packed["detail"].shape == (8, 2 * SIZE, 2 * SIZE, 3)
    assert list(drawn.seen_by("ASENv2")) == ["image"]
    machine = Machine(CPU, torch.float32)
    learner = training.our_learner("ASEN++", drawn.seen_by("ASEN++"), SIZE, BATCH, machine)
    assert [group["lr"] for group in learner.adam.param_groups] == [1e-5, 1e-4]


@pytest.mark.slow
def test_every_way_is_measured(tmp_path, settings):
    how = training.draw(tmp_path / "drawn", 8, SIZE), 1, 0, Machine(CPU, torch.float32)
    rows = training.measure_training("ASEN++", *how)
    assert [row[0] for row in rows] == [training.PUBLIC, training.OURS, training.FIXED]
    assert all(rate > 0 for _, rate, _ in rows)
    rows = training.measure_embedding("ASENv2", *how)
    assert rows[0][0] == training.PUBLIC and len(rows) == 4

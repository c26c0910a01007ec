"""Which GPUs are visible, and by what names, on machines with and without the driver's tool."""

import os

import pytest

from modc.training import gpus
from modc.training.gpus import asked_for, visible_gpus

ONE, TWO = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", "GPU-8a56a4bc-0184-cd5e-1b1c-3c1b1b1b1b1b"
SMALL, LARGE = (
    "MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f",
    "MIG-c637af0e-e3ca-5a9d-9f51-1a7c2a7c3a4b",
)
TWO_CARDS = f"""\
GPU 0: NVIDIA H100 80GB HBM3 (UUID: {ONE})
GPU 1: NVIDIA H100 80GB HBM3 (UUID: {TWO})
"""
DIVIDED = f"""\
GPU 0: NVIDIA H100 80GB HBM3 (UUID: {ONE})
  MIG 1g.10gb     Device  0: (UUID: {SMALL})
  MIG 3g.40gb     Device  1: (UUID: {LARGE})
GPU 1: NVIDIA H100 80GB HBM3 (UUID: {TWO})
"""


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch):
    for name in ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", *gpus.SLURM):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Return a function that gives the machine an `nvidia-smi` with a listing, or takes it away."""

    def has(listing: str | None, status: int = 0) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin" if listing is not None else "")
        tool = folder / "nvidia-smi"
        tool.write_text(f'#!/bin/sh\n[ "$1" = -L ] && cat {tmp_path}/listing\nexit {status}\n')
        tool.chmod(0o755)
        (tmp_path / "listing").write_text(listing or "")

    return has


def touched(root, *paths: str):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("none", []),
        ("void,0", []),
        ("0", ["0"]),
        ("2, 3", ["2", "3"]),
        ("1,-1,2", ["1"]),
        ("1,NoDevFiles,2", ["1"]),
        ("GPU-8932f937", ["GPU-8932f937"]),
    ],
)
def test_without_the_drivers_tool_the_variable_is_taken_as_it_is(
    monkeypatch, machine, listed, names
):
    machine(None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    assert visible_gpus() == names


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        (None, [ONE, TWO]),
        ("0", [ONE]),
        ("1,0", [TWO, ONE]),
        (TWO, [TWO]),
        ("GPU-8932,1", [ONE, TWO]),
        ("GPU-8", ["GPU-8"]),  # two begin so: CUDA will refuse it
        ("GPU-77", ["GPU-77"]),
        ("2", []),
        ("0,7,1", [ONE]),
    ],
)
def test_a_card_has_one_name_however_it_is_spelled(monkeypatch, machine, listed, names):
    machine(TWO_CARDS)
    if listed is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    assert visible_gpus() == names


@pytest.mark.parametrize(
    ("listed", "names"),
    [(None, [SMALL, LARGE, TWO]), ("0", [SMALL]), ("1", [TWO]), ("MIG-c637", [LARGE])],
)
def test_the_instances_of_a_divided_card_are_devices(monkeypatch, machine, listed, names):
    machine(DIVIDED)
    if listed is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    assert visible_gpus() == names


def test_a_tool_that_fails_leaves_the_counting_to_the_kernel(machine, tmp_path):
    machine("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n", 9)
    assert visible_gpus(touched(tmp_path / "root", "dev/nvidia0")) == ["0"]


def test_the_kernel_counts_devices(machine, tmp_path):
    machine(None)
    assert visible_gpus(tmp_path) == []
    touched(tmp_path, *(f"dev/{name}" for name in ("nvidiactl", "nvidia-uvm", "null")))
    assert visible_gpus(tmp_path) == []
    touched(tmp_path, "proc/driver/nvidia/gpus/0000:1a:00.0")  # before CUDA makes device files
    assert visible_gpus(tmp_path) == ["0"]
    touched(tmp_path, "dev/nvidia0", "dev/nvidia5")
    assert visible_gpus(tmp_path) == ["0", "1"]


def test_wsl2_has_one_device(machine, tmp_path):
    machine(None)
    assert visible_gpus(touched(tmp_path, "dev/dxg")) == ["0"]


@pytest.mark.parametrize(
    ("hidden", "names"), [(None, ["0", "1"]), ("1", ["0"]), ("0,1,2", ["0", "1"]), ("", [])]
)
def test_rocms_gpus_are_its_nodes_with_an_id(monkeypatch, machine, tmp_path, hidden, names):
    machine(None)
    if hidden is not None:
        monkeypatch.setenv("ROCR_VISIBLE_DEVICES", hidden)
    nodes = tmp_path / "sys/class/kfd/kfd/topology/nodes"
    for node, number in enumerate(("0", "51966", "4097")):
        touched(nodes, f"{node}/gpu_id")
        (nodes / f"{node}/gpu_id").write_text(f"{number}\n")
    assert visible_gpus(tmp_path) == []
    assert visible_gpus(touched(tmp_path, "dev/kfd")) == names


@pytest.mark.parametrize(
    ("environment", "asked"),
    [
        ({}, None),
        ({"CUDA_VISIBLE_DEVICES": "0"}, "CUDA_VISIBLE_DEVICES=0"),
        ({"CUDA_VISIBLE_DEVICES": "GPU-1,2"}, "CUDA_VISIBLE_DEVICES=GPU-1,2"),
        ({"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, None),
        ({"SLURM_JOB_GPUS": "0"}, "SLURM_JOB_GPUS=0"),
        ({"SLURM_JOB_GPUS": ""}, None),
        ({"SLURM_GPUS_ON_NODE": "2", "CUDA_VISIBLE_DEVICES": "NoDevFiles"}, "SLURM_GPUS_ON_NODE=2"),
        ({"SLURM_GPUS_ON_NODE": "0"}, None),
        # The user's own word for the CPU.
        ({"SLURM_JOB_GPUS": "3", "CUDA_VISIBLE_DEVICES": ""}, None),
        ({"SLURM_JOB_GPUS": "3", "CUDA_VISIBLE_DEVICES": "-1"}, None),
    ],
)
def test_who_asks_for_a_gpu(monkeypatch, environment, asked):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert asked_for() == asked
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == environment.get("CUDA_VISIBLE_DEVICES")

"""Which GPUs are visible, and by what names, on machines with and without the driver's tool."""

import importlib.util
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
OF_ROCM = ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")
DIVIDED = f"""\
GPU 0: NVIDIA H100 80GB HBM3 (UUID: {ONE})
  MIG 1g.10gb     Device  0: (UUID: {SMALL})
  MIG 3g.40gb     Device  1: (UUID: {LARGE})
GPU 1: NVIDIA H100 80GB HBM3 (UUID: {TWO})
"""


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch):
    for name in ("CUDA_VISIBLE_DEVICES", *OF_ROCM, *gpus.SLURM):
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
        ("4", []),
        ("1,-1,2", ["1"]),
        ("1,1,2", ["1", "2"]),
        ("1,NoDevFiles,2", ["1"]),
        ("GPU-8932f937", ["GPU-8932f937"]),
    ],
)
def test_without_the_drivers_tool_the_kernels_devices_have_numbers(
    monkeypatch, machine, tmp_path, listed, names
):
    machine(None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    assert visible_gpus(touched(tmp_path, *(f"dev/nvidia{n}" for n in range(4)))) == names


def test_a_number_on_a_machine_without_a_gpu_is_none(monkeypatch, machine, tmp_path):
    machine(None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert visible_gpus(tmp_path) == [] and asked_for() == "CUDA_VISIBLE_DEVICES=0"


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        (None, [ONE, TWO]),
        ("0", [ONE]),
        ("1,0", [TWO, ONE]),
        (TWO, [TWO]),
        ("GPU-8932,1", [ONE, TWO]),
        ("0,GPU-8932,0", [ONE]),
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
    [
        (None, [SMALL, LARGE, TWO]),
        ("0", [SMALL]),
        (ONE, [SMALL]),
        ("1", [TWO]),
        ("MIG-c637", [LARGE]),
    ],
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


def test_wsl2_has_one_device_if_it_has_cuda(machine, tmp_path):
    machine(None)
    assert visible_gpus(touched(tmp_path, "dev/dxg")) == []
    assert visible_gpus(touched(tmp_path, "usr/lib/wsl/lib/libcuda.so.1")) == ["0"]


@pytest.mark.parametrize(
    ("hidden", "names"), [(None, ["0", "1"]), ("1", ["0"]), ("0,1,2", ["0", "1"]), ("", [])]
)
def test_rocms_gpus_are_its_nodes_with_an_id(monkeypatch, machine, tmp_path, hidden, names):
    machine(None)
    monkeypatch.setattr(gpus, "_is_rocm", lambda: True)
    if hidden is not None:
        monkeypatch.setenv("ROCR_VISIBLE_DEVICES", hidden)
    nodes = tmp_path / "sys/class/kfd/kfd/topology/nodes"
    for node, number in enumerate(("0", "51966", "4097")):
        touched(nodes, f"{node}/gpu_id")
        (nodes / f"{node}/gpu_id").write_text(f"{number}\n")
    assert visible_gpus(tmp_path) == []
    assert visible_gpus(touched(tmp_path, "dev/kfd")) == names
    # A node of another job's is there and cannot be read.
    (nodes / "3" / "gpu_id").mkdir(parents=True)
    assert visible_gpus(tmp_path) == names
    monkeypatch.setattr(gpus, "_is_rocm", lambda: False)
    assert visible_gpus(tmp_path) == []


def test_rocms_own_variable_counts_for_a_torch_that_is_built_for_it(monkeypatch, machine, tmp_path):
    machine(None)
    root = touched(tmp_path, "dev/nvidia0", "dev/nvidia1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "1")
    assert visible_gpus(root) == ["0"]
    monkeypatch.setattr(gpus, "_is_rocm", lambda: True)
    assert visible_gpus(root) == ["1"]
    gpus.show_only("1")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == os.environ["HIP_VISIBLE_DEVICES"] == "1"


@pytest.mark.parametrize(
    ("line", "expected"),
    [("hip: Optional[str] = '6.4.1'", True), ("hip = None", False), ("hip: str = None", False)],
)
def test_what_torch_is_built_for_is_read_from_its_version(monkeypatch, tmp_path, line, expected):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").touch()
    (tmp_path / "torch" / "version.py").write_text(f"cuda = None\n{line}\n")
    spec = importlib.util.spec_from_file_location("torch", tmp_path / "torch" / "__init__.py")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    assert gpus._is_rocm.__wrapped__() is expected


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

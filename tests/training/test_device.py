"""The GPU lease: one device a process, freed however the process ends."""

import os
import subprocess
import sys

import pytest
import torch

from modc.training.device import lease, training_dtype, visible_devices


@pytest.mark.parametrize(
    ("listed", "devices"),
    [
        ("", []),
        ("-1", []),
        ("0", ["0"]),
        ("2, 3", ["2", "3"]),
        ("1,-1,2", ["1"]),
        ("GPU-8932f937", ["GPU-8932f937"]),
    ],
)
def test_cuda_visible_devices_decides(monkeypatch, listed, devices):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    assert visible_devices() == devices


def test_without_it_the_device_nodes_are_counted(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_devices(tmp_path) == []
    for name in ("nvidia0", "nvidia5", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert visible_devices(tmp_path) == ["0", "1"]


def test_without_a_gpu_the_lease_is_none_and_says_so(monkeypatch, caplog):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with lease() as device:
        assert device is None
    assert "NO GPU IS VISIBLE" in caplog.text


HOLDER = """
import os, sys
from modc.training.device import lease
with lease() as device:
    print(device, os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
    sys.stdin.readline()
"""


def hold(folder, devices="4,7", **slurm):
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": devices, "TMPDIR": str(folder), **slurm}
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=env,
        text=True,
    )


def test_two_processes_never_share_a_device_and_a_third_waits_for_a_death(tmp_path):
    first, second = hold(tmp_path), hold(tmp_path)
    got = {first.stdout.readline(), second.stdout.readline()}
    assert got == {"4 4\n", "7 7\n"}
    third = hold(tmp_path)
    with pytest.raises(subprocess.TimeoutExpired):
        third.wait(timeout=2)
    first.kill()
    first.wait()
    assert third.stdout.readline() in got
    for process in (second, third):
        process.communicate("\n")
        assert process.returncode == 0


def test_two_slurm_jobs_on_a_node_each_have_a_device_0_of_their_own(tmp_path):
    first, second = (hold(tmp_path, "0", SLURM_JOB_ID=job) for job in ("17", "18"))
    assert {first.stdout.readline(), second.stdout.readline()} == {"0 0\n"}
    # Within one job it is one device.
    third = hold(tmp_path, "0", SLURM_JOB_ID="18")
    with pytest.raises(subprocess.TimeoutExpired):
        third.wait(timeout=2)
    second.communicate("\n")
    assert third.stdout.readline() == "0 0\n"
    for process in (first, third):
        process.communicate("\n")
        assert process.returncode == 0


@pytest.mark.parametrize(
    ("name", "units", "expected"),
    [
        ("Intel Xeon", {"amx_bf16": True, "avx512_bf16": True}, torch.bfloat16),
        ("Intel Xeon", {"amx_bf16": False, "avx512_bf16": True}, torch.float32),
        ("AMD EPYC", {"amx_bf16": False, "avx512_bf16": True}, torch.bfloat16),
        ("AMD EPYC", {"amx_bf16": False, "avx512_bf16": False}, torch.float32),
        ("Neoverse", {}, torch.float32),
    ],
)
def test_auto_precision_on_a_cpu_is_bfloat16_where_it_pays(monkeypatch, name, units, expected):
    found = {"cpu_name": name, **units}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)
    assert training_dtype("auto", torch.device("cpu")) is expected


def test_a_precision_that_is_set_is_taken():
    cpu = torch.device("cpu")
    assert training_dtype("bfloat16", cpu) is torch.bfloat16
    assert training_dtype("float32", cpu) is torch.float32

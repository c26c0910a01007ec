"""The GPU lease: places on cards, freed however the process ends; and GPUs that do not work."""

import os
import subprocess
import sys
import tempfile

import pytest
import torch

from modc.errors import UserError
from modc.training.device import lease, torch_device, training_dtype


def test_without_a_gpu_the_lease_is_none_and_says_so(monkeypatch, caplog):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with lease() as device:
        assert device is None
    assert "NO GPU IS VISIBLE" in caplog.text


def test_a_gpu_that_slurm_gave_and_that_is_not_there_is_an_error(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "NoDevFiles")
    monkeypatch.setenv("SLURM_JOB_GPUS", "0")
    with pytest.raises(UserError, match="SLURM_JOB_GPUS=0"), lease():
        pass


HOLDER = """
import logging, os, sys
from modc.training import gpus
from modc.training.device import lease
logging.basicConfig(stream=sys.stdout, level="INFO", format="%(message)s")
gpus._cards = lambda root: {number: [number] for number in "01234567"}
with lease(int(sys.argv[1])) as device:
    print(device, os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def hold(tmp_path):
    """Return a function that starts a job which holds a place on one of the devices."""
    started = []

    def start(devices: str = "4,7", jobs_per_gpu: int = 1, **more: str) -> subprocess.Popen:
        # No PATH, so that the devices need not be there.
        env = {**os.environ, "CUDA_VISIBLE_DEVICES": devices, "TMPDIR": str(tmp_path), "PATH": ""}
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(jobs_per_gpu)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**env, **more},
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def got(process: subprocess.Popen) -> str:
    """Wait for a job's device; return it."""
    device, variable = process.stdout.readline().split()
    assert device == variable
    return device


def assert_waits(process: subprocess.Popen) -> None:
    assert "leased by other jobs: waiting" in process.stdout.readline()


def test_two_processes_never_share_a_device_and_a_third_waits_for_a_death(hold):
    first, second = hold(), hold()
    devices = {got(first), got(second)}
    assert devices == {"4", "7"}
    third = hold()
    assert_waits(third)
    first.kill()
    first.wait()
    assert got(third) in devices
    for process in (second, third):
        process.communicate("\n")
        assert process.returncode == 0


def test_two_slurm_jobs_on_a_node_each_have_a_device_0_of_their_own(hold):
    first, second = (hold("0", SLURM_JOB_ID=job) for job in ("17", "18"))
    assert got(first) == got(second) == "0"
    # Within one job it is one device.
    third = hold("0", SLURM_JOB_ID="18")
    assert_waits(third)
    second.communicate("\n")
    assert got(third) == "0"


def test_a_card_that_is_named_by_its_uuid_is_the_same_in_every_slurm_job(hold):
    first = hold("GPU-1", SLURM_JOB_ID="17")
    assert got(first) == "GPU-1"
    second = hold("GPU-1", SLURM_JOB_ID="18")
    assert_waits(second)


def test_several_jobs_share_a_card_and_the_least_used_one_is_taken_first(hold):
    first, second = hold(jobs_per_gpu=2), hold(jobs_per_gpu=2)
    assert {got(first), got(second)} == {"4", "7"}
    third, fourth = hold(jobs_per_gpu=2), hold(jobs_per_gpu=2)
    assert {got(third), got(fourth)} == {"4", "7"}
    fifth = hold(jobs_per_gpu=2)
    assert_waits(fifth)
    third.kill()
    assert got(fifth) in ("4", "7")


def test_a_job_that_wants_its_card_alone_shares_it_with_none(hold):
    shared = hold("4", 2)
    assert got(shared) == "4"
    alone = hold("4", 1)
    assert_waits(alone)
    shared.communicate("\n")
    assert got(alone) == "4"
    assert_waits(hold("4", 2))


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("The NVIDIA driver on your system is too old (found version 11040). Please"),
        RuntimeError("CUDA error: CUDA-capable device(s) is/are busy or unavailable\nCUDA kernel"),
        AssertionError("Torch not compiled with CUDA enabled"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 MiB."),
        AssertionError(),
    ],
)
def test_a_gpu_that_cannot_be_used_is_one_line(monkeypatch, error):
    def fails(*_, **__):
        raise error

    monkeypatch.setattr(torch, "ones", fails)
    with pytest.raises(UserError) as raised:
        torch_device("GPU-1")
    message = str(raised.value)
    assert "\n" not in message and "GPU-1" in message
    assert (str(error).split("\n")[0].rstrip(".") or "AssertionError") in message


def test_no_lease_is_the_cpu():
    assert torch_device(None) == torch.device("cpu")


@pytest.mark.parametrize(
    ("vendor", "flags", "expected"),
    [
        ("GenuineIntel", "avx512f avx512_bf16 amx_bf16", torch.bfloat16),
        ("GenuineIntel", "avx512f avx512_bf16", torch.float32),
        ("AuthenticAMD", "avx512f avx512_bf16", torch.bfloat16),
        ("AuthenticAMD", "avx512f", torch.float32),
        (None, "", torch.float32),
    ],
)
def test_auto_precision_on_a_cpu_is_bfloat16_where_it_pays(tmp_path, vendor, flags, expected):
    cpuinfo = tmp_path / "cpuinfo"
    if vendor:
        cpuinfo.write_text(
            f"vendor_id\t: {vendor}\nmodel name\t: one\nflags\t\t: fpu {flags} sse\n"
        )
    assert training_dtype("auto", torch.device("cpu"), cpuinfo) is expected


def test_a_precision_that_is_set_is_taken():
    cpu = torch.device("cpu")
    assert training_dtype("bfloat16", cpu) is torch.bfloat16
    assert training_dtype("float32", cpu) is torch.float32


@pytest.mark.parametrize("kind", ["link", "another's"])
def test_a_folder_of_locks_that_another_user_made_is_refused(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / f"modc-{os.getuid()}"
    if kind == "link":
        (tmp_path / "theirs").mkdir()
        folder.symlink_to(tmp_path / "theirs")
    else:
        folder.mkdir()
        other = os.getuid() + 1
        monkeypatch.setattr(os, "getuid", lambda: other)
        folder.rename(tmp_path / f"modc-{other}")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr("modc.training.device.visible_gpus", lambda: ["0"])
    with pytest.raises(UserError, match="belongs to another user; set TMPDIR"), lease():
        raise AssertionError("leased")

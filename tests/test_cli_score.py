"""On what `modc score` ranks: PyTorch takes seconds to import, so only a GPU's work may pay it."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from modc.cli import evaluate


@pytest.fixture
def embeddings(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {}
    for role, rows in (("query", 8), ("candidate", 60)):
        arrays[f"{role}_embedding"] = rng.standard_normal((rows, 5)).astype(np.float32)
        arrays[f"{role}_attribute"] = rng.integers(0, 2, rows)
        arrays[f"{role}_value"] = rng.integers(0, 3, rows)
    np.savez(tmp_path / "e.npz", **arrays)
    return tmp_path / "e.npz"


def score(embeddings, devices, *options):
    code = "import sys; sys.modules['torch'] = None; from modc.cli import main; main()"
    output = embeddings.with_name("s.json")
    command = [sys.executable, "-c", code, "score", "--embeddings", embeddings, "--output", output]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": devices}
    subprocess.run([*command, *options], env=environment, check=True, capture_output=True)
    content = json.loads(output.read_text())
    return {key: content[key] for key in ("attributes", "overall")}


def test_without_a_gpu_or_with_little_to_do_it_imports_no_torch(embeddings):
    alone = score(embeddings, "")
    assert score(embeddings, "GPU-1") == alone
    assert score(embeddings, "", "--threads", "3") == alone


@pytest.mark.parametrize(
    ("devices", "usable", "pairs", "device"),
    [
        ("", True, 10**12, None),
        ("GPU-1", True, evaluate.PAIRS_FOR_A_GPU - 1, None),
        ("GPU-1", True, evaluate.PAIRS_FOR_A_GPU, "cuda"),
        ("GPU-1", False, 10**12, None),
    ],
)
def test_a_gpu_takes_large_splits(monkeypatch, devices, usable, pairs, device):
    cuda = SimpleNamespace(is_available=lambda: usable)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", devices)
    assert evaluate._device(pairs) == device


def test_where_the_gpu_is_full_the_cpu_scores(monkeypatch, embeddings):
    from modc.evaluation import retrieval_torch

    def full(*_):
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 MiB.\nMore of it.")

    outputs = [embeddings.with_name(f"{name}.json") for name in ("gpu", "cpu")]
    monkeypatch.setattr(retrieval_torch, "metrics", full)
    for output, device in zip(outputs, ("cuda", None), strict=True):
        monkeypatch.setattr(evaluate, "_device", lambda pairs, device=device: device)
        call = ["--embeddings", str(embeddings), "--output", str(output)]
        done = CliRunner().invoke(evaluate.score, call)
        assert done.exit_code == 0, done.output
    one, other = (json.loads(output.read_text()) for output in outputs)
    assert one["overall"] == other["overall"]

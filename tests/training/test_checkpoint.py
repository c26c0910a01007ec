"""The resumable checkpoint: found again under its key, never trusted otherwise."""

import pytest
import torch

from modc.training import checkpoint


def test_it_is_found_under_its_key_alone(tmp_path):
    path = tmp_path / "resume" / "stage.pt"
    assert checkpoint.load(path, "a") is None
    checkpoint.save(path, "a", {"epoch": 3, "network": {"w": torch.ones(2)}})
    assert checkpoint.load(path, "a")["epoch"] == 3
    assert checkpoint.load(path, "b") is None


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None])
def test_a_damaged_one_is_as_good_as_none(tmp_path, content, caplog):
    path = tmp_path / "stage.pt"
    checkpoint.save(path, "a", {"epoch": 3, "network": {"w": torch.ones(1000)}})
    path.write_bytes(path.read_bytes()[:700] if content is None else content)
    assert checkpoint.load(path, "a") is None
    assert "starting anew" in caplog.text


def test_a_checkpoint_that_would_run_code_is_not_loaded(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    path = tmp_path / "stage.pt"
    torch.save({"key": "a", "state": Evil()}, path)
    assert checkpoint.load(path, "a") is None
    assert not (tmp_path / "ran").exists()

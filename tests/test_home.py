"""A user without a home folder."""

import pytest

from modc import rates
from modc.errors import UserError
from modc.home import in_home
from modc.networks.backbone import weights_file


def test_a_home_folder_is_put_in(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert in_home("~/a", "X") == tmp_path / "a"


def test_without_one_a_line_says_what_to_set(monkeypatch):
    for name in ("HOME", "XDG_CACHE_HOME", "TORCH_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_000)
    for name, call in (
        ("XDG_CACHE_HOME", rates.default_store),
        ("TORCH_HOME", lambda: weights_file("resnet18")),
    ):
        with pytest.raises(UserError, match=f"set HOME or {name}"):
            call()

"""A bar that counts things, some to a row, and does without tqdm."""

import sys

import pytest

from modc.progress_bar import progress_bar


@pytest.mark.parametrize("installed", [True, False])
def test_all_rows_come_and_the_last_may_stand_for_fewer(monkeypatch, capsys, installed):
    if not installed:
        monkeypatch.setitem(sys.modules, "tqdm", None)
    assert list(progress_bar("abc", "letters", total=12, done=1, step=4)) == ["a", "b", "c"]
    assert ("12/12" in capsys.readouterr().err) == installed

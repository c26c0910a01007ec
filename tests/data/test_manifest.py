"""The manifest: what it keeps, and that it notices a change."""

import pandas as pd
import pytest

from modc.data import manifest
from modc.errors import UserError


@pytest.fixture
def described(pictures):
    (pictures / "page.jpg").write_text("<html></html>")
    return manifest.describe(pictures, ["0.jpg", "1.jpg", "absent.jpg", "page.jpg"])


def test_describes_what_lies_there(described, pictures):
    assert described["status"].tolist() == ["ok", "ok", "missing", "not_an_image"]
    assert described["bytes"][0] == (pictures / "0.jpg").stat().st_size
    assert len(described["sha256"][0]) == 64 and described["sha256"][2] == ""
    assert pd.isna(described["width"][3])


def test_comes_back_as_it_was_written(described, tmp_path):
    name = manifest.write(tmp_path, described, {"list": "abc"})
    found = manifest.read(tmp_path)
    assert found.sha256 == name and found.facts["sources"] == {"list": "abc"}
    assert found.facts["pictures"] == {"ok": 2, "missing": 1, "not_an_image": 1}
    pd.testing.assert_frame_equal(found.table, described.sort_values("path").reset_index(drop=True))
    assert found.pictures["path"].tolist() == ["0.jpg", "1.jpg"]


def test_the_order_of_the_rows_makes_no_difference(described, tmp_path):
    first = manifest.write(tmp_path / "a", described, {})
    assert manifest.write(tmp_path / "b", described.iloc[::-1], {}) == first


def test_an_equal_manifest_is_left_untouched(described, tmp_path):
    manifest.write(tmp_path, described, {})
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    manifest.write(tmp_path, described, {"list": "another"})
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}


def test_a_change_is_noticed(described, tmp_path):
    manifest.write(tmp_path, described, {})
    path = tmp_path / manifest.MANIFEST
    path.write_text(path.read_text().replace("1.jpg,ok", "2.jpg,ok"))
    with pytest.raises(UserError, match="changed since it was frozen"):
        manifest.read(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", "not JSON"])
def test_damaged_facts_are_named(described, tmp_path, text):
    manifest.write(tmp_path, described, {})
    (tmp_path / manifest.FACTS).write_text(text)
    with pytest.raises(UserError, match=r"manifest\.json: damaged"):
        manifest.read(tmp_path)


def test_an_absent_manifest_is_named(tmp_path):
    assert not manifest.exists(tmp_path)
    with pytest.raises(UserError, match=r"manifest\.json: no manifest"):
        manifest.read(tmp_path)


def test_a_path_listed_twice_is_refused(described, tmp_path):
    with pytest.raises(UserError, match=r"0\.jpg twice"):
        manifest.write(tmp_path, pd.concat([described, described[:1]]), {})
    assert not manifest.exists(tmp_path)

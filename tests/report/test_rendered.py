"""The notes of what was rendered, and what they remove."""

import pytest

from modc.report.rendered import note, noted


@pytest.fixture
def written(tmp_path):
    """Return a function that writes files and notes them as tables of a run."""

    def write(*names: str) -> None:
        for name in names:
            (tmp_path / name).write_text(name)
        note(tmp_path, "tables", [tmp_path / name for name in names])

    return write


def test_what_is_no_longer_written_is_removed_and_nothing_else(tmp_path, written):
    (tmp_path / "mine.md").write_text("mine")
    written("table1.md", "other.md")
    written("table1.md")
    assert {path.name for path in tmp_path.glob("*.md")} == {"mine.md", "table1.md"}
    assert set(noted(tmp_path, "tables").hashes) == {"table1.md"}


@pytest.mark.parametrize("name", ["../outside.md", "/outside.md"])
def test_a_note_that_names_files_outside_the_run_removes_none(tmp_path, written, name):
    run = tmp_path / "run"
    run.mkdir()
    (tmp_path / "outside.md").write_text("mine")
    (run / "a.md").write_text("a")
    note(run, "tables", [run / "a.md"])
    path = run / "rendered" / "tables.json"
    path.write_text(path.read_text().replace('"a.md"', f'"{name}"'))
    assert noted(run, "tables") is None
    note(run, "tables", [])
    assert (tmp_path / "outside.md").exists()

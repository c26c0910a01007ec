"""The ledger as a run prints it."""

from pathlib import Path

import pytest
from made_tables import MODC, paper_table

from modc.config import load as load_config
from modc.config import merge
from modc.report.assumptions import changed, listing, markdown_ledger
from modc.report.layout import page
from modc.report.results import collect

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def config() -> dict:
    """The configuration as it stands."""
    return load_config([REPOSITORY / "config.yaml"])


def test_all_are_printed_with_their_setting_and_alternatives(config):
    for text in (markdown_ledger(config), listing(config)):
        for assumption in MODC.assumptions:
            assert assumption.statement in text and assumption.source in text
            assert all(name in text for name in assumption.alternatives)
        assert "the default is" not in text
    assert "`methods.modc.centers: running_mean` (the default)" in markdown_ledger(config)


def test_another_setting_is_said_with_its_default(config):
    other = merge(config, {"methods": {"modc": {"centers": "memory_bank", "temperature": 0.2}}})
    text = markdown_ledger(other)
    assert "`methods.modc.centers: memory_bank` (the default is running_mean)" in text
    assert "this run uses the alternative memory_bank" in text
    assert changed(config) == []
    assert changed(other) == [
        "A3 methods.modc.centers: memory_bank",
        "A4 methods.modc.temperature: 0.2",
    ]


def test_a_table_names_what_is_not_at_its_default(config, tmp_path):
    def notes(own: dict) -> str:
        frame = paper_table(1, collect(tmp_path, own), own)
        return "\n".join(page(frame, "table1", own).notes)

    assert "Assumptions" not in notes(config)
    other = merge(config, {"evaluation": {"map_at_100": "min"}})
    assert "Assumptions not at their defaults: A12 evaluation.map_at_100: min." in notes(other)


def test_a_table_counts_values_without_a_labeled_image(config, write_run):
    folder = write_run(config, absent_values=[["neck_design", 3], ["lapel_design", 0]])
    frame = paper_table(3, collect(folder, config), config)
    notes = "\n".join(page(frame, "table3", config).notes)
    assert "never predicted: 2 at 1 %, 2 at 5 %, 2 at 50 %." in notes

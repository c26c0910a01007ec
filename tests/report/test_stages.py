"""The table of stages."""

from modc.grid import Cell, cells, stages
from modc.report.results import collect
from modc.report.stages import markdown_stages
from modc.report.stages import stages as stage_table


def test_each_stage_of_each_cell_has_one_row(config, write_run):
    frame = stage_table(collect(write_run(config), config))
    expected = [
        (cell.dataset, cell.network, cell.labeled_percent, stage)
        for cell in cells(config)
        for stage in stages(config, cell, "modc")  # the baseline's are among them
    ]
    columns = ["dataset", "network", "labeled_percent", "stage"]
    assert list(frame[columns].itertuples(index=False, name=None)) == expected


def test_it_says_why_a_stage_stopped_and_what_it_reached(config, write_run, scores_of):
    folder = write_run(config)
    text = markdown_stages(stage_table(collect(folder, config)))
    ended = scores_of(Cell("FashionAI", "ASEN", 1, 0), "modc")["stages"][1]
    row = next(line for line in text.splitlines() if "| supervised" in line)
    assert "converged at epoch 9" in row
    assert f"| {100 * ended['best']['MAP@all']:.2f} " in row


def test_nothing_run_says_so(config, tmp_path):
    assert "No stage has finished." in markdown_stages(stage_table(collect(tmp_path, config)))

"""What the figures read from a run: its tables, its embeddings and its index."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from modc import datasets, paths
from modc.cell import Cell
from modc.data.index import Index, read
from modc.errors import UserError
from modc.evaluation.scores import read_embeddings, read_facts
from modc.grid import cells_to_show, last_stage
from modc.jobs import stage_folder
from modc.papers.paper import papers
from modc.papers.places import OVERALL, Place
from modc.report.results import collect, result_of
from modc.report.tables import NOT_COMPARABLE, Source, all_frames


@dataclass(frozen=True)
class Run:
    """A run's folder and configuration, and what several figures read from them once."""

    folder: Path
    config: dict

    @cached_property
    def overall(self) -> pd.DataFrame:
        """The overall places of all tables, each once, as returned by `paper_table`."""
        source = Source(collect(self.folder, self.config), self.config)
        frames = [frame for frame in all_frames(source).values() if len(frame)]
        frame = pd.concat(frames, ignore_index=True)
        frame = frame[frame["attribute"] == OVERALL]
        # The last tables have every percentage in order.
        return frame.drop_duplicates(list(Place._fields[1:]), keep="last")

    @cached_property
    def _indexes(self) -> dict[str, Index]:
        return {}

    def index(self, dataset: str) -> Index:
        """Return the index of a dataset. Raises UserError if it is absent or altered."""
        if dataset not in self._indexes:
            self._indexes[dataset] = read(paths.index_folder(self.data(dataset)))
        return self._indexes[dataset]

    def data(self, dataset: str) -> Path:
        """Return the folder of a dataset."""
        return paths.dataset_folder(self.config, dataset)

    def stage_folder(self, cell: Cell, method: str) -> Path:
        """Return the folder of the stage that ends with the method's model."""
        stage = last_stage(self.config, cell, method)
        return self.folder / stage_folder(self.config, cell, method, stage)

    def embeddings(self, cell: Cell, method: str) -> tuple[dict[str, np.ndarray], dict]:
        """Return the embeddings of the test split (`read_embeddings`) and their origin.

        Raises UserError if they are absent, damaged, or from another index.
        """
        path = self.stage_folder(cell, method) / paths.EMBEDDINGS
        if not path.is_file():
            raise UserError(f"{path}: no embeddings; train this cell first")
        arrays, facts = read_embeddings(path), read_facts(path)
        if facts.get("index_sha256") != self.index(cell.dataset).sha256:
            raise UserError(f"{path}: embeddings of another index; train this cell again")
        return arrays, facts

    def why_not_comparable(self, cell: Cell, method: str) -> str:
        """Return why a cell is not comparable, as a sentence to end a caption; or ""."""
        why = result_of(self.folder, self.config, cell, method).not_comparable
        return f" Not comparable to the paper: {why}." if why else ""


def shown_cell(config: dict, figure: str) -> Cell:
    """Return the cell that a figure shows, such as figure1, of those that `report.figures` allows.

    Where that says auto: the first dataset of the grid, the network that the paper shows or else
    the grid's first one, the largest percentage, the first seed.
    """
    networks = {paper.figures.get(figure) for paper in papers(config)}
    datasets = config["grid"]["datasets"]
    return min(
        cells_to_show(config),
        key=lambda cell: (
            datasets.index(cell.dataset),
            cell.network not in networks,
            -cell.labeled_percent,
        ),
    )


def attributes_of(config: dict, dataset: str) -> dict[str, int]:
    """Return the attributes of a dataset, in the tables' order, with their numbers of values."""
    return dict(datasets.of(config, dataset).attributes)


def not_comparable(frame: pd.DataFrame) -> str:
    """Return why numbers of `frame` are not comparable, as a sentence to end a caption; or ""."""
    reasons = [reason for status in frame["status"] for reason in status.split("; ")]
    said = dict.fromkeys(r for r in reasons if r.startswith(NOT_COMPARABLE))
    if not said:
        return ""
    reasons = "; ".join(reason.removeprefix(f"{NOT_COMPARABLE}: ") for reason in said)
    return f" Our numbers are not comparable to the paper: {reasons}."

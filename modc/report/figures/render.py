"""All figures of a run: drawn if possible, else listed with the reason."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from modc import paths
from modc.atomic import write_bytes, write_json, write_text
from modc.errors import UserError
from modc.report.figures import curves, gain, labels, retrieval, spaces
from modc.report.figures.figure import BASELINE_METHOD, PAPERS_METHOD, Figure
from modc.report.figures.listing import LISTING, read_figures
from modc.report.figures.run import Run, attributes_of, shown_cell

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Planned:
    """A figure that a run may have: its file, its title, and the function that draws it."""

    file: str
    title: str
    draw: Callable[[Run], Figure]
    # Needs only scores and curves; the others need test embeddings, index and images too.
    is_of_scores: bool = False
    # Of a figure of embeddings or images, as `shown_cell` takes it.
    name: str = ""
    # Images of a dataset, which its owner may not allow to be passed on.
    shows_images: bool = False


def files_with_images(config: dict) -> list[str]:
    """Return the files in results/<run>/figures/ that would show images of a dataset."""
    return [planned.file for planned in _plan(config) if planned.shows_images]


def render(run_folder: Path, config: dict) -> tuple[list[Path], dict[str, str]]:
    """Write each figure, its numbers as CSV, and figures.json; return paths, and what is missing.

    A figure that cannot be drawn is returned as file -> reason, and an earlier version of it is
    removed. But a figure of embeddings or images stays as it is where index, embeddings or model
    are not there, as in the run of someone else, as long as the scores of the cell that it
    shows are the same. figures.json: {"figures": [...], "missing": [...]}, see
    `modc.report.figures.listing`.
    """
    run, folder = Run(Path(run_folder), config), Path(run_folder) / paths.FIGURES
    earlier = {one["file"]: one for one in read_figures(run.folder)[0]}
    written, drawn, missing = [], [], []
    for planned in _plan(config):
        picture = folder / planned.file
        data = picture.with_suffix(".csv")
        absent = None if planned.is_of_scores else _absent(run, planned)
        made_from = {} if planned.is_of_scores else {"scores": _scores(run, planned)}
        known = earlier.get(planned.file, {})
        if absent and data.is_file() and made_from.items() <= known.items():
            log.warning("%s: not drawn again, since there is no %s", picture, absent)
            written += [picture, data]
            drawn.append(known)
            continue
        try:
            figure = planned.draw(run)
        except (UserError, OSError) as error:
            picture.unlink(missing_ok=True)
            data.unlink(missing_ok=True)
            missing.append({"file": planned.file, "title": planned.title, "reason": str(error)})
            continue
        write_bytes(picture, figure.picture)
        write_text(data, _numbers(figure))
        written += [picture, data]
        drawn.append(
            {
                "file": picture.name,
                "data": data.name,
                "title": figure.title,
                "caption": figure.caption,
                "alt": figure.alt,
                **made_from,
            }
        )
    write_json(folder / LISTING, {"figures": drawn, "missing": missing})
    return [*written, folder / LISTING], {place["file"]: place["reason"] for place in missing}


def _absent(run: Run, planned: _Planned) -> Path | None:
    """Return the first that is not there of what a figure of embeddings or images shows."""
    cell = shown_cell(run.config, planned.name)
    places = [paths.index_folder(run.data(cell.dataset)) / paths.INDEX]
    folders = [run.stage_folder(cell, method) for method in (BASELINE_METHOD, PAPERS_METHOD)]
    places += [folder / paths.EMBEDDINGS for folder in folders]
    places.append(folders[-1] / paths.MODEL)
    return next((place for place in places if not place.exists()), None)


def _scores(run: Run, planned: _Planned) -> str:
    """Return a fingerprint of the scores of the cell that a figure shows."""
    cell = shown_cell(run.config, planned.name)
    files = [run.folder / paths.scores(cell, one) for one in (BASELINE_METHOD, PAPERS_METHOD)]
    content = [file.read_bytes() if file.is_file() else b"" for file in files]
    return sha256(b" ".join(content)).hexdigest()[:16]


def numbers_of_scores(run_folder: Path, config: dict) -> dict[str, str]:
    """Return, by file name, the CSV of each figure that needs only scores and curves.

    Figures that cannot be drawn are left out. Nothing is written.
    """
    run, found = Run(Path(run_folder), config), {}
    for planned in _plan(config):
        if planned.is_of_scores:
            try:
                found[Path(planned.file).with_suffix(".csv").name] = _numbers(planned.draw(run))
            except (UserError, OSError):
                continue
    return found


def _numbers(figure: Figure) -> str:
    return figure.data.to_csv(index=False, float_format="%.6g")


def _plan(config: dict) -> list[_Planned]:
    """Return every figure, in display order."""
    grid = config["grid"]
    attributes = attributes_of(config, shown_cell(config, retrieval.NAME).dataset)
    return [
        _Planned("figure1.png", "Figure 1: the spaces", spaces.draw, name=spaces.NAME),
        *(
            _Planned(
                f"figure2-{_slug(name)}.png",
                f"Figure 2: retrieval by {name.replace('_', ' ')}",
                partial(retrieval.draw, attribute=name),
                name=retrieval.NAME,
                shows_images=True,
            )
            for name in attributes
        ),
        *(
            _Planned(
                f"labels-{_slug(dataset)}.svg",
                f"MAP@100 by labels on {dataset}",
                partial(labels.draw, dataset=dataset),
                is_of_scores=True,
            )
            for dataset in grid["datasets"]
        ),
        _Planned("gain.svg", "Gain against Acc", gain.draw, is_of_scores=True),
        *(
            _Planned(
                f"curves-{_slug(dataset)}-{_slug(network)}.png",
                f"Learning curves of {network} on {dataset}",
                partial(curves.draw, dataset=dataset, network=network),
                is_of_scores=True,
            )
            for dataset in grid["datasets"]
            for network in grid["networks"]
        ),
    ]


def _slug(name: str) -> str:
    """Return a name as part of a file name: ASEN++ is asenpp, skirt_length is skirt-length."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower().replace("+", "p"))

"""The page of a run as one self-contained HTML file."""

from pathlib import Path

from modc import paths
from modc.atomic import write_text
from modc.report.html import environment, fragment
from modc.report.page.content import page_data


def render(run_folder: Path, config: dict) -> Path:
    """Write report.html into a run's folder and return its path, even for an empty run."""
    path = Path(run_folder) / paths.REPORT
    write_text(path, html(page_data(run_folder, config)))
    return path


def html(data: dict) -> str:
    """Return the page that shows `data` (`page_data`)."""
    template = environment().get_template("report.html.j2")
    return template.render(**data, fragment=fragment)

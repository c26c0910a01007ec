"""The files of a finished stage, kept until the run is over: where they are lost, it is not
trained again.

Snakemake deletes the outputs of all jobs of a group when one of them fails, and those of a finished
baseline with them when its cluster job is preempted later. Hard links outside every declared output
stay, and take no space.
"""

import logging
import os
from pathlib import Path

from modc import paths
from modc.training.task import Task

log = logging.getLogger(__name__)


def keep(task: Task) -> None:
    """Keep the files of a finished task. Without hard links nothing is kept, and that is said."""
    folder = paths.kept_folder(task.resume)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in task.results():
            _link(path, folder / path.name)
    except OSError as error:
        log.warning("%s: nothing is kept here: %s", folder, error.strerror or error)


def take_back(task: Task, key: str) -> bool:
    """Put the kept files in their place if they were made under `key`; return whether they were."""
    folder = paths.kept_folder(task.resume)
    kept = {path: folder / path.name for path in task.results()}
    if not task.made_under(key, kept.values()):
        return False
    for path, link in kept.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        _link(link, path)
        os.utime(path)  # not older than the inputs, as what was just made
    return True


def _link(path: Path, link: Path) -> None:
    """Make `link` another name of the file `path`, whatever it was before."""
    if link.exists() and link.samefile(path):
        return
    link.unlink(missing_ok=True)
    link.hardlink_to(path)

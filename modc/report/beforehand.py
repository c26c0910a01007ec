"""Checks before a run: folders, disk space, locks, GPU, weights, data.

Nothing is downloaded, and torch is imported only if a GPU is visible.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from modc import datasets, grid, lock, paths
from modc.data import manifest
from modc.errors import UserError, file_system
from modc.home import in_home
from modc.methods.method import public_weights
from modc.report.plan import Plan
from modc.training.gpus import asked_for, visible_gpus


def beforehand(plan: Plan, jobs: int) -> list[str]:
    """Return a line for each thing that is missing or in the way of a run, [] if nothing is.

    jobs: number of parallel trainings.
    """
    data, results = Path(plan.config["data"]), paths.run_folder(plan.config)
    return [
        *_folders(data, results),
        *_space(plan, jobs, data, results),
        *_gpu(),
        *_weights(plan.config),
        *(line for name in plan.sizes for line in datasets.of(plan.config, name).beforehand()),
        *grid.seeds_without_cell(plan.config),
    ]


def stops(config: dict, trains: bool, fetched: list[str]) -> list[str]:
    """Return a line for each missing file that a run cannot do without.

    trains: whether the run trains a network; fetched: the datasets that it fetches.
    """
    lines = list(_named_files(config)) if trains else []
    return lines + [line for name in fetched for line in datasets.of(config, name).stops()]


def writable(folder: Path) -> str:
    """Return why a folder, existing or not, cannot be written and locked; "" if it can."""
    there = _there(folder)
    if folder.is_symlink() and not folder.exists():
        return f"{folder}: a dangling link; create its target or remove the link"
    try:
        with tempfile.NamedTemporaryFile(dir=there, prefix=".modc-") as file:
            taken = lock.take(Path(file.name))
            if taken is not None:
                os.close(taken)
    except OSError as error:
        error.filename = str(there)
        return file_system(error)
    except UserError as error:
        return str(error)
    return ""


def _there(folder: Path) -> Path:
    """Return the folder, or the nearest parent that exists."""
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if place.is_dir())


def _folders(data: Path, results: Path) -> Iterator[str]:
    wrong = writable(results)
    if wrong:
        yield wrong
    wrong = writable(data)
    if wrong:
        yield f"{wrong} (data that is already prepared need not be written)"


def _space(plan: Plan, jobs: int, data: Path, results: Path) -> Iterator[str]:
    needed: dict[Path, float] = {data: 0, results: 0}
    for name, size in plan.sizes.items():
        folder = data / name
        if not manifest.exists(folder):
            needed[data] += size.downloaded
        for side, taken in plan.packed_bytes(name).items():
            if not paths.packed_mark(paths.packed_folder(folder), side).exists():
                needed[data] += taken
    models, checkpoint = plan.model_bytes(), plan.checkpoint_bytes()
    needed[results] += (models or 0) + (plan.embedding_bytes() or 0) + jobs * (checkpoint or 0)
    disks: dict[int, list[Path]] = {}
    for folder in needed:
        disks.setdefault(_there(folder).stat().st_dev, []).append(folder)
    for folders in disks.values():
        free = shutil.disk_usage(_there(folders[0])).free
        wanted = sum(needed[folder] for folder in folders)
        if wanted > free:
            named = " and ".join(map(str, folders))
            yield (
                f"{named}: the run needs up to {wanted / 1e9:.1f} GB, but only {free / 1e9:.1f} GB "
                f"are free; free some space or set another `data` folder"
            )


def _gpu() -> Iterator[str]:
    visible, asked = visible_gpus(), asked_for()
    if asked and not visible:
        yield f"{asked} asks for a GPU, but none is visible"
    if visible:
        import torch

        if not torch.cuda.is_available():
            yield (
                f"GPU {visible[0]}: PyTorch {torch.__version__} cannot use it; update the NVIDIA "
                f"driver or install a matching PyTorch"
            )
    if not visible:
        yield "no GPU is visible: all training would run on the CPU"


def _weights(config: dict) -> Iterator[str]:
    yield from _named_files(config)
    for name, start in _starts(config):
        if start != "imagenet":
            continue
        try:
            folder = _hub() / "checkpoints"
        except UserError as error:
            yield str(error)
            return
        if not list(folder.glob(f"{name}-*.pth")):
            yield f"ImageNet weights of {name} are not in {folder}: they will be downloaded"


def _starts(config: dict) -> list[tuple[str, str]]:
    """Return each backbone of the grid and where its weights come from."""
    networks = config["networks"]
    used = {
        name
        for network in config["grid"]["networks"]
        for key, name in networks[network].items()
        if key.endswith("backbone")
    }
    return [(name, networks["weights"].get(name, "none")) for name in sorted(used)]


def _named_files(config: dict) -> Iterator[str]:
    for name, start in _starts(config):
        if start not in ("imagenet", "none") and not Path(start).is_file():
            yield f"networks.weights.{name}: {start}: no such file"
    named = {
        (cell.network, cell.dataset, path)
        for cell in grid.cells(config)
        if (path := public_weights(config, cell))
    }
    for network, dataset, path in sorted(named):
        if not Path(path).is_file():
            yield f"networks.{network}.public_checkpoints.{dataset}: {path}: no such file"


def _hub() -> Path:
    """Return torch.hub's folder, as torch finds it."""
    home = os.environ.get("TORCH_HOME")
    if not home:
        home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "torch"
    return in_home(str(home), "TORCH_HOME") / "hub"

"""A run as one archive to publish: all that `modc verify` needs, and no image of a dataset."""

import json
import os
import shutil
import zipfile
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from modc import paths
from modc.atomic import atomic_path, write_json
from modc.config import load
from modc.errors import UserError
from modc.provenance import PACKAGE
from modc.report import rendered
from modc.report.failures import explained
from modc.report.figures.listing import LISTING, read_figures
from modc.report.figures.render import files_with_images
from modc.report.files import coverage_files, listed_datasets
from modc.report.page import page
from modc.report.results import collect
from modc.runs import crate
from modc.runs.archive import CHECKSUMS, is_export
from modc.runs.crate import METADATA, Member

# What a zip archive says of each member's time where that must not change its bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)
REPOSITORY = (
    *(crate.WORKFLOW, "workflow/rules/*.smk", "workflow/report/*.rst"),
    *(crate.LOCK, crate.LICENSE, crate.CITATION),
)


def export(
    run: Path, output: Path, authors: tuple[str, ...] = (), force: bool = False
) -> tuple[int, list[str]]:
    """Write the run in the folder `run` as the archive `output`, whole or not at all.

    The same run gives the same bytes. The page is rendered again, without the figures that show
    images. force: also replace a file that is no export. Returns the number of files, and the
    figures left out. Raises UserError if there is no such run, nothing was rendered, or a file is
    not what was rendered.
    """
    if not run.is_dir():
        raise UserError(f"{run}: no such folder; expected a run's, such as results/paper")
    if output.is_dir() or (output.exists() and not force and not is_export(output)):
        raise UserError(f"{output}: exists and is no export; expected another name, or --force")
    crate.check_authors(authors)
    config = load([run / paths.CONFIG])
    noted = rendered.noted(run, "tables")
    if noted is None:
        raise UserError(
            f"{run}: no tables were rendered yet; run modc tables, figures and report first"
        )
    results = collect(run, config)
    with TemporaryDirectory(prefix="modc-") as name:
        folder = Path(name)
        left_out = _gather(run, config, folder)
        files = {
            path.relative_to(folder).as_posix(): path
            for path in folder.rglob("*")
            if not path.is_dir()
        }
        files |= _of_repository(run)
        with atomic_path(output) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            members = {
                name: _add(archive, name, files[name].read_bytes()) for name in sorted(files)
            }
            described = crate.metadata(config, results, members, _time(run), authors, left_out)
            content = json.dumps(described, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
            members[METADATA] = _add(archive, METADATA, content.encode())
            sums = [f"{member.sha256}  {name}\n" for name, member in sorted(members.items())]
            _add(archive, CHECKSUMS, "".join(sums).encode())
    return len(members) + 1, left_out


def _gather(run: Path, config: dict, folder: Path) -> list[str]:
    """Bring what is published of a run into an empty folder; return the figures left out."""
    for name in [*_rendered(run), *_others(run, config)]:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        # The page shows no figure behind a link.
        if target.parent.name == paths.FIGURES:
            shutil.copyfile(run / name, target)
        else:
            target.symlink_to((run / name).resolve())
    left_out = _without_images(folder, config)
    rendered.note(folder, "report", [page.render(folder, config)])
    return left_out


def _rendered(run: Path) -> list[str]:
    """Return the files that tables, figures and ablation rendered, and the notes on them.

    Raises UserError if one is absent or was altered.
    """
    found = []
    for command in ("tables", "figures", "ablation"):
        noted = rendered.noted(run, command)
        for name in noted.hashes if noted else ():
            path = run / name
            if not path.is_file() or not noted.is_as_written(name, path.read_bytes()):
                raise UserError(
                    f"{path}: not what modc {command} wrote; run it again, or restore the file"
                )
            found.append(name)
        if noted:
            found.append(f"{paths.RENDERED}/{command}.json")
    return found


def _others(run: Path, config: dict) -> list[str]:
    """Return what the tables and the page are rendered from, and what counts the images."""
    coverage = [
        f"{paths.COVERAGE}/{file}"
        for dataset in listed_datasets(config)
        for file in coverage_files(dataset)
    ]
    names = [paths.CONFIG, paths.MERGED, *coverage]
    known = explained(run, config, collect(run, config))[1].values()
    # A missing number's reason stands in the log of its job.
    names += [why["log"] for why in known if why["log"].startswith(f"{paths.LOGS}/")]
    of_cells = [
        paths.scores(paths.EVERY, "*"),
        paths.queries(paths.EVERY, "*"),
        paths.stage_folder(paths.EVERY, "*", "*") / paths.CURVE,
    ]
    found = [
        path.relative_to(run).as_posix()
        for pattern in of_cells
        for place in ("", f"{paths.ABLATION}/*/")
        for path in run.glob(f"{place}{pattern}")
    ]
    return list(dict.fromkeys(name for name in [*names, *found] if (run / name).is_file()))


def _without_images(folder: Path, config: dict) -> list[str]:
    """Remove the figures that show images, from the listing and the note too; return their files.

    Their numbers stay.
    """
    noted = rendered.noted(folder, "figures")
    if noted is None:
        return []
    drawn, missing = read_figures(folder)
    with_images = files_with_images(config)
    left_out = [one for one in drawn if one["file"] in with_images]
    names = {f"{paths.FIGURES}/{one['file']}" for one in left_out}
    for name in names:
        (folder / name).unlink()
    reason = f"left out of the archive: it {crate.LEFT_OUT}"
    missing += [{"file": o["file"], "title": o["title"], "reason": reason} for o in left_out]
    listing = f"{paths.FIGURES}/{LISTING}"
    kept = [one for one in drawn if one not in left_out]
    write_json(folder / listing, {"figures": kept, "missing": missing})
    hashes = {name: own for name, own in noted.hashes.items() if name not in names}
    hashes[listing] = sha256((folder / listing).read_bytes()).hexdigest()
    note = folder / paths.RENDERED / "figures.json"
    note.unlink()  # a link to the run's own
    write_json(note, {"code": noted.code, "sha256": hashes})
    return sorted(names)


def _of_repository(run: Path) -> dict[str, Path]:
    """Return the workflow, lock file, license and citation by name, from the run's repository."""
    beside = run.resolve().parent.parent
    root = next((f for f in (beside, PACKAGE.parent) if (f / crate.WORKFLOW).is_file()), None)
    found = [path for pattern in REPOSITORY for path in (root.glob(pattern) if root else ())]
    return {path.relative_to(root).as_posix(): path for path in found}


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> Member:
    info = zipfile.ZipInfo(name, EPOCH)
    info.create_system, info.external_attr = 3, 0o644 << 16
    archive.writestr(info, content, zipfile.ZIP_DEFLATED, 9)
    return Member(sha256(content).hexdigest(), len(content))


def _time(run: Path) -> str:
    """Return when the tables were rendered, or SOURCE_DATE_EPOCH, in UTC (ISO 8601)."""
    note = run / paths.RENDERED / "tables.json"
    try:
        seconds = int(os.environ["SOURCE_DATE_EPOCH"])
    except (KeyError, ValueError):
        seconds = int(note.stat().st_mtime)
    return datetime.fromtimestamp(seconds, UTC).isoformat()

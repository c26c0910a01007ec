"""A run as one archive to publish: all that `modc verify` needs, and no image of a dataset."""

import json
import os
import shutil
import zipfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from modc import config as configuration
from modc import paths
from modc.atomic import atomic_path, write_json, write_text
from modc.errors import UserError
from modc.grid import last_stage, settings_chain
from modc.plugins import FOLDERS
from modc.provenance import PACKAGE
from modc.readable import counted
from modc.report import rendered
from modc.report.failures import explained
from modc.report.figures.listing import LISTING, read_figures
from modc.report.figures.render import files_with_images
from modc.report.files import coverage_files, listed_datasets
from modc.report.page import page
from modc.report.render import render_all
from modc.report.results import Result, collect
from modc.runs import crate
from modc.runs.archive import is_export
from modc.runs.checksums import CHECKSUMS
from modc.runs.compare import first_few
from modc.runs.crate import METADATA, Member
from modc.runs.rescore import name_of
from modc.runs.unnamed import in_values, in_words, reason
from modc.runs.verify import own_config, verify

# What a zip archive says of each member's time where that must not change its bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)
REPOSITORY = (
    *(crate.WORKFLOW, "workflow/rules/*.smk", "workflow/report/*.rst"),
    *(crate.LOCK, crate.LICENSE, crate.CITATION),
)


@dataclass(frozen=True)
class Exported:
    """What an archive holds and lacks: files; results as in "3 of 4 results"; names of the others.

    broken: what does not hold in spite of which it was written.
    """

    files: int
    share: str
    missing: list[str]
    left_out: list[str]
    broken: list[str]


def export(
    run: Path,
    output: Path,
    authors: tuple[str, ...] = (),
    license: str = "MIT",
    partial: bool = False,
    force: bool = False,
) -> Exported:
    """Write the run in the folder `run` as the archive `output`, whole or not at all.

    The same run gives the same bytes. The page is rendered again, without the figures that show
    images; paths of this machine are replaced by their last part. partial: also a run with missing
    results; force: also one that does not hold by `verify`. Raises UserError if there is no such
    run, nothing was rendered, or it is not to be published so.
    """
    if not run.is_dir():
        raise UserError(f"{run}: no such folder; expected a run's, such as results/paper")
    if output.is_dir():
        raise UserError(f"{output}: is a folder; expected a file name")
    if output.exists() and not is_export(output):
        raise UserError(
            f"{output}: already exists and was not written by modc export; choose another name"
        )
    crate.check_authors(authors)
    crate.license_url(license)
    config = own_config(run, "bring it up to date")
    noted = rendered.noted(run, "tables")
    if noted is None or not noted.written:
        raise UserError(
            f"{run}: no tables were rendered yet, or by an earlier version; run modc tables, "
            f"figures and report first"
        )
    results = collect(run, config)
    missing = [name_of(result) for result in results if result.scores is None]
    if missing and not partial:
        raise UserError(
            f"{run}: {len(missing)} of {counted(len(results), 'result')} missing: "
            f"{first_few(missing, ', ')}; finish the run, or export it with --partial"
        )
    broken = verify(run, config).broken
    if broken and not force:
        first, *more = broken
        rest = f", and {len(more)} more" if more else ""
        raise UserError(
            f"{run}: {first.name} {first.state}: {first.details[0]}{rest}; modc verify says "
            f"what, and --force exports it nevertheless"
        )
    time = _time(noted)
    with TemporaryDirectory(prefix="modc-") as name:
        folder = Path(name)
        left_out = _gather(run, config, results, folder, noted.written)
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
            citation = files.get(crate.CITATION)
            described = crate.Published(
                config,
                *(results, members, time, authors, license, left_out, missing),
                yaml.safe_load(citation.read_bytes()) if citation else {},
            )
            told = crate.metadata(described)
            content = json.dumps(told, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
            members[METADATA] = _add(archive, METADATA, content.encode())
            sums = [f"{member.sha256}  {name}\n" for name, member in sorted(members.items())]
            _add(archive, CHECKSUMS, "".join(sums).encode())
    return Exported(
        len(members) + 1, described.share, missing, left_out, [one.name for one in broken]
    )


def _gather(
    run: Path, config: dict, results: list[Result], folder: Path, written: str
) -> list[str]:
    """Bring what is published of a run into an empty folder; return the figures left out.

    written: when its tables were rendered.
    """
    for name in [*_rendered(run), *_others(run, config)]:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        # The page shows no figure behind a link.
        if target.parent.name == paths.FIGURES:
            shutil.copyfile(run / name, target)
        else:
            target.symlink_to((run / name).resolve())
    # A missing number's reason stands in the log of its job.
    for why in explained(run, config, results)[1].values():
        if why["log"].startswith(f"{paths.LOGS}/") and (run / why["log"]).is_file():
            write_text(folder / why["log"], reason(run / why["log"]))
    published = _without_places(config, results, folder, written)
    left_out = _without_images(folder, config)
    rendered.note(folder, "report", [page.render(folder, published)], written)
    return left_out


def _without_places(config: dict, results: list[Result], folder: Path, written: str) -> dict:
    """Replace the paths of this machine in `folder`, and return the configuration for rendering.

    The files of weights are part of the settings, so scores and tables then say the new ones.
    """
    published = in_values(config)
    if (folder / paths.MERGED).exists():
        merged = json.loads((folder / paths.MERGED).read_bytes())
        write_json(folder / paths.MERGED, in_values(merged))
    if published == config:
        return config
    configuration.write(folder / paths.CONFIG, published)
    # Papers and classes outside modc are still where they were.
    published |= {key: config[key] for key in (FOLDERS,) if key in config}
    if published["networks"] == config["networks"]:
        return published
    for result in results:
        where = result.cell, result.method
        before, now = (
            settings_chain(own, *where, last_stage(own, *where)) for own in (config, published)
        )
        if result.scores and result.scores.get("settings_chain") == before:
            scores = {**result.scores, "settings_chain": now}
            write_json(folder / paths.scores(*where), scores)
    made = render_all(folder, published, folder)
    rendered.note(folder, "tables", made, written)
    return published


def _rendered(run: Path) -> list[str]:
    """Return the files that tables, figures and ablation rendered, and the notes on them."""
    found = []
    for command in ("tables", "figures", "ablation"):
        noted = rendered.noted(run, command)
        found += [name for name in (noted.hashes if noted else ()) if (run / name).is_file()]
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

    Their numbers stay. The listing's texts lose the paths of this machine.
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
    content = {"figures": kept, "missing": missing}
    said = {
        kind: [{key: in_words(text) for key, text in one.items()} for one in own]
        for kind, own in content.items()
    }
    write_json(folder / listing, said)
    hashes = {name: own for name, own in noted.hashes.items() if name not in names}
    hashes[listing] = sha256((folder / listing).read_bytes()).hexdigest()
    rendered.write_note(folder, "figures", replace(noted, hashes=hashes))
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


def _time(noted: rendered.Rendered) -> str:
    """Return when the tables were rendered, or SOURCE_DATE_EPOCH, in UTC (ISO 8601)."""
    try:
        return datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC).isoformat()
    except (KeyError, ValueError):
        return noted.written

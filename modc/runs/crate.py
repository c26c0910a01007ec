"""The metadata of an exported run: an RO-Crate that describes one run of the workflow.

It conforms to the profiles Process Run Crate and, where the Snakefile is among the files, Workflow
Run Crate (https://www.researchobject.org/workflow-run-crate/).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from modc import paths, provenance
from modc.errors import UserError
from modc.papers import paper
from modc.report.page.provenance import manifests
from modc.report.results import Result

METADATA = "ro-crate-metadata.json"
WORKFLOW, LOCK, LICENSE, CITATION = "Snakefile", "requirements.lock", "LICENSE", "CITATION.cff"
# The profiles are written for this version.
VERSION = "1.1"
PROFILE_VERSION = "0.5"
TERMS = "https://w3id.org/ro/terms/workflow-run/context"
MIT = "https://spdx.org/licenses/MIT"
LEFT_OUT = "shows images of the dataset, which may not be redistributed"
FORMATS = {
    ".cff": "application/yaml",
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".tex": "application/x-tex",
    ".yaml": "application/yaml",
}
_AUTHOR = re.compile(r"(?P<name>[^<>]*[^<>\s])\s*(<(?P<id>https://orcid\.org/[\dX-]+)>)?")


@dataclass(frozen=True)
class Member:
    """A file of the archive: sha256 in hexadecimal digits, size in bytes."""

    sha256: str
    size: int


def metadata(
    config: dict,
    results: list[Result],
    members: Mapping[str, Member],
    rendered: str,
    authors: tuple[str, ...],
    left_out: list[str],
) -> dict:
    """Return the content of ro-crate-metadata.json, the same for the same arguments.

    members: all other files by name; rendered: when the tables were (ISO 8601); authors: "Name" or
    "Name <https://orcid.org/...>"; left_out: figures that show images of a dataset. Raises
    UserError for an author in another form.
    """
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version=VERSION)
    crate.metadata.extra_contexts.append(TERMS)

    def describe(key: str, kind: str, **properties: object) -> ContextEntity:
        return crate.add(ContextEntity(crate, key, properties={"@type": kind, **properties}))

    files = {}
    for name, member in sorted(members.items()):
        properties = {"name": name, "contentSize": str(member.size), "sha256": member.sha256}
        properties["encodingFormat"] = FORMATS.get(PurePosixPath(name).suffix, "text/plain")
        if name == WORKFLOW:
            files[name] = crate.add_workflow(
                dest_path=name, properties=properties, main=True, lang="snakemake"
            )
        else:
            files[name] = crate.add_file(dest_path=name, properties=properties)
    people = [describe(key, "Person", name=name) for key, name in map(_person, authors)]
    data = [
        describe(
            f"#data-{one['dataset']}-{one['sha256'][:12]}",
            "Dataset",
            name=f"{one['dataset']}, drawn" if one["is_drawn"] else one["dataset"],
            identifier=f"sha256:{one['sha256']}",
            description=f"Not part of this archive. The identifier is the SHA-256 of the manifest, "
            f"which lists each image with its own; {one['count']} results rest on it.",
        )
        for one in manifests(results)
    ]
    software = describe(
        "#modc", "SoftwareApplication", name="modc", softwareVersion=_versions(results)
    )
    workflow = files.get(WORKFLOW)
    if workflow:
        workflow["license"] = {"@id": MIT}
        workflow["softwareRequirements"] = [software, *filter(None, [files.get(LOCK)])]
    shown = [
        file
        for name, file in files.items()
        if name in (paths.REPORT, paths.FRAME) or name.startswith(f"{paths.TABLES}/")
    ]
    action = describe(
        "#run",
        "CreateAction",
        name=f"Run {config['run']}",
        instrument=workflow or software,
        object=[files[paths.CONFIG], *data],
        result=shown,
        endTime=rendered,
        actionStatus={"@id": "http://schema.org/CompletedActionStatus"},
    )
    describe(MIT, "CreativeWork", name="MIT License", identifier="MIT")
    articles = [
        describe(f"#paper-{number}", "ScholarlyArticle", name=own.title)
        for number, own in enumerate(paper.papers(config), 1)
    ]
    profiles = {"process": "Process Run Crate"}
    profiles |= {"workflow": "Workflow Run Crate"} if workflow else {}
    root = crate.root_dataset
    root["conformsTo"] = [
        describe(
            f"https://w3id.org/ro/wfrun/{key}/{PROFILE_VERSION}",
            "CreativeWork",
            name=name,
            version=PROFILE_VERSION,
        )
        for key, name in profiles.items()
    ]
    root["name"] = f"MODC reproducibility harness: run {config['run']}"
    root["description"] = description(left_out)
    root["datePublished"] = rendered[:10]
    root["license"] = {"@id": MIT}
    root["citation"] = articles
    root["mentions"] = [action]
    if people:
        root["author"] = people
        action["agent"] = people
    return crate.metadata.generate()


def description(left_out: list[str]) -> str:
    """Return what the archive holds and lacks, and how to check it."""
    lacks = "Left out: the datasets, trained models, embeddings and drawn learning curves"
    figures = f"; {', '.join(left_out)} (each {LEFT_OUT})" if left_out else ""
    return (
        f"Configuration, scores of every query, learning curves, tables, report and figures of one "
        f"run. {lacks}{figures}. `modc verify` checks the archive without a network: it recomputes "
        f"the scores and renders tables and report again."
    )


def check_authors(authors: tuple[str, ...]) -> None:
    """Raise UserError for an author in another form than `metadata` takes."""
    for author in authors:
        _person(author)


def _person(author: str) -> tuple[str, str]:
    found = _AUTHOR.fullmatch(author.strip())
    if found is None:
        raise UserError(f"--author {author}: expected NAME, or NAME <https://orcid.org/NUMBER>")
    name = found["name"]
    return found["id"] or "#" + re.sub(r"\W+", "-", name.lower()), name


def _versions(results: list[Result]) -> str:
    """Return the versions of modc that trained the results; the one here if none says so."""
    found = {
        str(made_by["modc"])
        for result in results
        if result.scores
        and isinstance(made_by := result.scores.get("provenance"), dict)
        and "modc" in made_by
    }
    return ", ".join(sorted(found)) or provenance.software()["modc"]

"""The metadata of an exported run: an RO-Crate that describes one run of the workflow.

It conforms to the profiles Process Run Crate and, where the Snakefile is among the files, Workflow
Run Crate (https://www.researchobject.org/workflow-run-crate/).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePosixPath

from modc import paths, provenance
from modc.errors import UserError
from modc.papers import paper
from modc.readable import counted
from modc.report.page.provenance import manifests
from modc.report.results import Result

METADATA = "ro-crate-metadata.json"
WORKFLOW, LOCK, LICENSE, CITATION = "Snakefile", "requirements.lock", "LICENSE", "CITATION.cff"
# The profiles are written for this version.
VERSION = "1.1"
# URL, name and version of each profile.
PROCESS = ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5")
RUN = ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5")
WORKFLOW_CRATE = (
    *("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
)
TERMS = "https://w3id.org/ro/terms/workflow-run/context"
SPDX = "https://spdx.org/licenses/"
MIT = f"{SPDX}MIT"
# The run profiles allow only these two of an action that is over.
COMPLETED = "http://schema.org/CompletedActionStatus"
FAILED = "http://schema.org/FailedActionStatus"
LEFT_OUT = "shows images of the dataset"
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


@dataclass(frozen=True)
class Published:
    """A run as its archive holds it.

    members: all files but the metadata, by name. rendered: when the tables were (ISO 8601).
    authors: "Name" or "Name <https://orcid.org/...>". license: of the results, an SPDX id or a URL.
    left_out: figures that show images of a dataset. missing: names of the results that are not
    there. citation: the content of CITATION.cff, {} without one.
    """

    config: dict
    results: list[Result]
    members: Mapping[str, Member]
    rendered: str
    authors: tuple[str, ...]
    license: str
    left_out: list[str]
    missing: list[str]
    citation: dict

    @property
    def share(self) -> str:
        """How many of the results are there, such as "3 of 4 results"."""
        count = len(self.results)
        return f"{count - len(self.missing)} of {counted(count, 'result')}"

    @property
    def key(self) -> str:
        """A name of the content, the same for the same files."""
        lines = [f"{name} {member.sha256}" for name, member in sorted(self.members.items())]
        return sha256("\n".join(lines).encode()).hexdigest()[:12]


def metadata(run: Published) -> dict:
    """Return the content of ro-crate-metadata.json, the same for the same run.

    Raises UserError for an author or a license in another form.
    """
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version=VERSION)
    crate.metadata.extra_contexts.append(TERMS)

    def describe(key: str, kind: str, **properties: object) -> ContextEntity:
        return crate.add(ContextEntity(crate, key, properties={"@type": kind, **properties}))

    files = {}
    for name, member in sorted(run.members.items()):
        properties = {"name": name, "contentSize": str(member.size), "sha256": member.sha256}
        properties["encodingFormat"] = FORMATS.get(PurePosixPath(name).suffix, "text/plain")
        if name == WORKFLOW:
            files[name] = crate.add_workflow(
                dest_path=name, properties=properties, main=True, lang="snakemake"
            )
        else:
            files[name] = crate.add_file(dest_path=name, properties=properties)
    people = [describe(key, "Person", name=name) for key, name in map(_person, run.authors)]
    data = [
        describe(
            f"#data-{one['dataset']}-{one['sha256'][:12]}",
            "Dataset",
            name=f"{one['dataset']}, drawn" if one["is_drawn"] else one["dataset"],
            identifier=f"sha256:{one['sha256']}",
            description=f"Not part of this archive. The identifier is the SHA-256 of the manifest, "
            f"which lists each image with its own; {counted(one['count'], 'result')} "
            f"{'was' if one['count'] == 1 else 'were'} computed from it.",
        )
        for one in manifests(run.results)
    ]
    software = describe(
        "#modc", "SoftwareApplication", name="modc", softwareVersion=_versions(run.results)
    )
    workflow = files.get(WORKFLOW)
    if workflow:
        snakemake = _snakemake()
        needed = [describe("#snakemake", "SoftwareApplication", **snakemake)] if snakemake else []
        workflow["license"] = {"@id": MIT}
        workflow["softwareRequirements"] = [
            *(software, *needed, *filter(None, [files.get(LOCK)])),
        ]
    ended = {"actionStatus": {"@id": COMPLETED}}
    if run.missing:
        ended = {"actionStatus": {"@id": FAILED}, "error": f"Missing: {', '.join(run.missing)}"}
    action = describe(
        f"#run-{run.key}",
        "CreateAction",
        name=f"Run {run.config['run']}",
        description=f"Trained networks, scored them ({run.share}), and rendered tables, figures "
        f"and report.",
        instrument=workflow or software,
        object=[files[paths.CONFIG], *data],
        result=[file for name, file in files.items() if _is_result(name)],
        endTime=run.rendered,
        **ended,
    )
    describe(MIT, "CreativeWork", name="MIT License", identifier="MIT")
    url = license_url(run.license)
    if url != MIT:
        describe(url, "CreativeWork", name=run.license, identifier=run.license)
    articles = []
    for number, own in enumerate(paper.papers(run.config), 1):
        by = [
            describe(f"#paper-{number}-author-{at}", "Person", **author)
            for at, author in enumerate(_authors_of(own.title, run.citation), 1)
        ]
        written = {"author": by} if by else {}
        key = f"#paper-{number}"
        articles.append(describe(key, "ScholarlyArticle", name=own.title, **written))
    root = crate.root_dataset
    root["conformsTo"] = [
        describe(url, "CreativeWork", name=name, version=version)
        for url, name, version in (PROCESS, *((RUN, WORKFLOW_CRATE) if workflow else ()))
    ]
    root["name"] = f"MODC reproducibility harness: run {run.config['run']}"
    root["description"] = description(run)
    root["datePublished"] = run.rendered[:10]
    root["license"] = {"@id": url}
    root["citation"] = articles
    root["mentions"] = [action]
    if people:
        root["author"] = people
        action["agent"] = people
    return crate.metadata.generate()


def description(run: Published) -> str:
    """Return what the archive holds and lacks, and how to check it."""
    names = run.members
    parts = {
        "scores of every query": any(name.endswith(f"/{paths.QUERIES}") for name in names),
        "learning curves": any(name.endswith(f"/{paths.CURVE}") for name in names),
        "figures": any(name.startswith(f"{paths.FIGURES}/") for name in _images(names)),
    }
    holds = ["Configuration", "tables", "report", *(part for part, is_in in parts.items() if is_in)]
    lacks = "Left out: the datasets, trained models, embeddings and the plots of single stages"
    figures = f"; {', '.join(run.left_out)} (each {LEFT_OUT})" if run.left_out else ""
    missing = f"; missing: {', '.join(run.missing)}" if run.missing else ""
    return (
        f"{', '.join(holds)} of one run. It has {run.share}{missing}. {lacks}{figures}. `modc "
        f"verify` checks the archive without a network: it recomputes the scores and renders "
        f"tables and report again."
    )


def license_url(named: str) -> str:
    """Return a license's URL. Raises UserError unless it is an SPDX id or a URL."""
    if re.fullmatch(r"https?://\S+", named):
        return named
    if re.fullmatch(r"[A-Za-z0-9.+-]+", named):
        return f"{SPDX}{named}"
    raise UserError(f"--license {named}: expected an SPDX id, such as CC-BY-4.0, or a URL")


def _is_result(name: str) -> bool:
    folders = (f"{paths.TABLES}/", f"{paths.FIGURES}/")
    is_score = PurePosixPath(name).name in (paths.SCORES, paths.QUERIES)
    return name in (paths.REPORT, paths.FRAME) or name.startswith(folders) or is_score


def _images(names: Iterable[str]) -> list[str]:
    return [name for name in names if PurePosixPath(name).suffix in (".png", ".svg")]


def _snakemake() -> dict:
    """Return the name and version of Snakemake here, {} where there is none."""
    try:
        return {"name": "Snakemake", "softwareVersion": version("snakemake")}
    except PackageNotFoundError:
        return {}


def _authors_of(title: str, citation: dict) -> list[dict]:
    """Return the names of a paper's authors as the citation file lists them."""
    # A paper's title here ends with where it was published.
    listed = citation.get("references", [])
    found = [one for one in listed if one.get("title") and title.startswith(one["title"])]
    return [
        {
            "name": " ".join(one[key] for key in ("given-names", "family-names") if key in one),
            "familyName": one["family-names"],
        }
        for reference in found
        for one in reference.get("authors", [])
        if "family-names" in one
    ]


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

"""README and docs: links lead somewhere, and the commands shown are those of `modc`."""

import re
import shlex
from pathlib import Path

import click
import pytest

from modc.cli import cli

REPOSITORY = Path(__file__).resolve().parents[1]
README = REPOSITORY / "README.md"
PAGES = [README, *sorted((REPOSITORY / "docs").glob("*.md")), REPOSITORY / "results" / "README.md"]
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
FENCED = re.compile(r"^ *```[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
# Inline code, which may run over a line's end.
INLINE = re.compile(r"`(modc [^`]+)`")


def anchors(page: Path) -> set[str]:
    """Return the headings as GitHub spells them in a link."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> list[str]:
    """Return the calls of `modc` in a page's code."""
    text = page.read_text()
    blocks = "\n".join(FENCED.findall(text)).splitlines()
    shown = [line.split("#")[0].strip() for line in blocks if line.strip().startswith("modc ")]
    return shown + [" ".join(call.split()) for call in INLINE.findall(FENCED.sub("", text))]


def name(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_relative_link_resolves(page):
    for target, anchor in LINK.findall(page.read_text()):
        if target.startswith(("http:", "https:")):
            continue
        file = page.parent / target if target else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), f"{target}#{anchor}"


def test_every_page_is_linked_from_the_readme():
    linked = {README.parent / target for target, _ in LINK.findall(README.read_text()) if target}
    assert set(PAGES[1:-1]) <= linked


def test_the_readme_is_a_page():
    assert len(README.read_text().splitlines()) <= 120


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_shown_exists_with_its_options(page):
    for call in commands(page):
        _, command, *arguments = shlex.split(call)
        if command.isupper() or command.startswith("-"):  # a placeholder, `modc --help`
            continue
        assert command in cli.commands, call
        if command == "fetch":  # its options are the dataset's
            continue
        parameters = cli.commands[command].params
        known = {o for p in parameters if isinstance(p, click.Option) for o in p.opts}
        given = {word for word in arguments if word.startswith("--")} - {"--help"}
        assert given <= known, call

"""Tables as Markdown, and as plain text for the terminal."""

from tabulate import tabulate

from modc.report.layout import Entry, Page, Row


def markdown(page: Page) -> str:
    """Return the page as GitHub Markdown, one table per part."""
    blocks = [f"# {escape(page.title)}"]
    for title, rows in page.parts.items():
        blocks += [f"## {title}", _table(page, rows, "pipe", _markup, escape, escape)]
    blocks.append("\n".join(f"- {escape(note)}" for note in page.notes))
    return "\n\n".join(blocks) + "\n"


def plain(page: Page) -> str:
    """Return the page as plain text, without marks for the best numbers."""
    blocks = [page.title]
    for title, rows in page.parts.items():
        table = _table(page, rows, "simple", lambda entry: entry.text, str, _two_lines)
        blocks.append(f"{title}\n{table}")
    notes = [note for note in page.notes if not note.startswith("Bold: ")]
    return "\n\n".join([*blocks, "\n".join(notes)])


def _table(page: Page, rows: list[Row], style: str, markup, label, heading) -> str:
    headings = [heading(text) for text in _headings(page)]
    return tabulate(
        [[label(row.label), *(markup(entry) for entry in row.entries)] for row in rows],
        ["", *headings],
        tablefmt=style,
        disable_numparse=True,
        colalign=("left", *("right",) * len(headings)) if rows else None,
    )


def _headings(page: Page) -> list[str]:
    above = {group for group, _ in page.columns}
    if len(above) == 1:
        return [name for _, name in page.columns]
    return [f"{group}: {name}".replace(" of the labels", "") for group, name in page.columns]


def _two_lines(heading: str) -> str:
    return "\n".join(heading.rsplit(" ", 1))


def _markup(entry: Entry) -> str:
    text = f"**{entry.text}**" if entry.best_of_network else entry.text
    return f"<u>{text}</u>" if entry.best_of_all else text


def escape(text: str) -> str:
    """Return text on one line that Markdown shows verbatim, also in a table."""
    for special in "\\|<*[":
        text = text.replace(special, f"\\{special}")
    return " ".join(text.split())

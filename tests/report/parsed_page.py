"""A page of HTML as a parser sees it."""

from html.parser import HTMLParser

VOID = {"meta", "input", "br", "img", "link", "hr", "wbr"}
# Of SVG, written as empty elements.
EMPTY = {"rect", "line", "polyline"}


class Parsed(HTMLParser):
    """What a page has: ids, links, sources, texts by tag; fails on a tag that is not closed."""

    def __init__(self, html: str):
        super().__init__()
        self.ids, self.links, self.sources, self.tags = [], [], [], []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        own = dict(attributes)
        self.tags.append((tag, own))
        if "id" in own:
            self.ids.append(own["id"])
        if "href" in own:
            self.links.append(own["href"])
        if "src" in own:
            self.sources.append(own["src"])
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag):
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag

    def handle_data(self, data):
        if data.strip() and self._open:
            self.texts.append((self._open[-1], " ".join(data.split())))

    def text(self, *but: str) -> str:
        """All text that is shown, without that of the tags `but`."""
        return " ".join(text for tag, text in self.texts if tag not in ("style", "script", *but))

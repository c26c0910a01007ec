"""What became of one URL."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one URL. An image that lies on disk has the last five fields.

    received: bytes of the answer's body; stored: bytes of the file that is kept.
    """

    name: str
    state: str
    detail: str = ""
    http_status: int | None = None
    received: int | None = None
    stored: int | None = None
    sha256: str | None = None
    look: str | None = None
    width: int | None = None
    height: int | None = None

"""A fast web server of images and of the ways in which old URLs fail, for benchmarks.

A URL is `/<way>/<number>`; `ok` gives an image of about 30 KB that is the number's own.
"""

import asyncio
import io
import struct
import sys
import zlib
from typing import ClassVar

import numpy as np
from PIL import Image

BASES = 64
SIZE = (400, 533)
# "nowhere" and "tls" are ways of the URL, not of the answer: see `urls`.
FAILURES = (
    *("gone", "refused", "error", "placeholder", "page", "truncated", "empty", "large"),
    *("pixels", "silent", "reset", "loop", "nowhere", "tls"),
)
_PAGE = b"<!DOCTYPE html><html><body>The page you asked for does not exist.</body></html>\n"


def urls(port: int, count: int, broken: float) -> list[tuple[str, str]]:
    """Return name and URL of `count` images, of which a share fails, each way in turn."""
    lines, failures = [], 0
    for number in range(count):
        way, scheme, host = "ok", "http", f"127.0.0.1:{port}"
        if int((number + 1) * broken) > int(number * broken):
            way = FAILURES[failures % len(FAILURES)]
            failures += 1
        if way == "nowhere":
            host = "nowhere.invalid"
        if way == "tls":
            scheme = "https"
        name = f"{number % 20:08d}/{number // 100:04d}_{number % 100:02d}_1"
        lines.append((name, f"{scheme}://{host}/{way}/{number}"))
    return lines


def pictures() -> list[bytes]:
    """Return JPEG files of about 30 KB: soft shapes with a texture."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(BASES):
        soft = Image.fromarray(rng.integers(0, 256, (8, 6, 3)).astype(np.uint8))
        image = np.asarray(soft.resize(SIZE, Image.Resampling.BICUBIC), np.float32)
        image = image + rng.normal(0, 5, (*image.shape[:2], 1))
        file = io.BytesIO()
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=77)
        found.append(file.getvalue())
    return found


def png_header(side: int) -> bytes:
    """Return the beginning of a PNG file of side x side pixels."""
    data = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + data + struct.pack(">I", zlib.crc32(data))


class Answers(asyncio.Protocol):
    """Answers GET requests on one connection."""

    bases: ClassVar[list[bytes]] = []

    def connection_made(self, transport) -> None:
        """Begin with nothing read."""
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        self.buffer += data
        if not b"GET ".startswith(self.buffer[:4]):
            self.transport.abort()  # a TLS handshake
        while b"\r\n\r\n" in self.buffer:
            request, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
            self.answer(request.split(b" ", 2)[1].decode())

    def answer(self, path: str) -> None:
        """Answer one request as its way says."""
        _, way, number = path.split("/")
        picture = self.picture(int(number))
        if way == "ok":
            self.send("200 OK", picture)
        elif way == "gone":
            self.send("404 Not Found", _PAGE)
        elif way == "refused":
            self.send("403 Forbidden", _PAGE)
        elif way == "error":
            self.send("500 Internal Server Error", b"")
        elif way == "placeholder":
            self.send("200 OK", self.bases[0])
        elif way == "page":
            self.send("200 OK", _PAGE, "text/html")
        elif way == "truncated":
            self.send("200 OK", picture[: len(picture) // 2])
        elif way == "empty":
            self.send("200 OK", b"")
        elif way == "large":
            self.send("200 OK", picture, length=10**10)
        elif way == "pixels":
            self.send("200 OK", png_header(100_000))
        elif way == "loop":
            self.send("302 Found", b"", extra=f"Location: {path}\r\n")
        elif way == "reset":
            self.transport.abort()
        # silent: nothing

    def picture(self, number: int) -> bytes:
        """Return the image of a number."""
        base = self.bases[number % BASES]
        # A comment makes its bytes its own.
        return base[:2] + b"\xff\xfe\x00\x0a" + f"{number:08d}".encode() + base[2:]

    def send(self, status, body, kind="image/jpeg", length=None, extra="") -> None:
        """Write head and body; length: what the head claims."""
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{extra}"
            f"Content-Length: {len(body) if length is None else length}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)


async def main() -> None:
    """Serve until standard input is closed; print the port first."""
    Answers.bases = pictures()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answers, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())

"""A web server on this machine for drawn images, with the ways in which old URLs fail.

A URL's path is `/<way>/<image>`; `ok` gives the image, the others fail as their name says.
"""

import http.server
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modc.drawn.garments import SERVED

# Seconds for which a silent answer keeps the line open.
SILENCE = 30.0
PAGE = b"<!DOCTYPE html><html><body>The page you asked for does not exist.</body></html>\n"


@contextmanager
def serve(folder: Path) -> Iterator[tuple[str, int]]:
    """Serve the images drawn in `folder`; yield address and port."""
    server = _Server(("127.0.0.1", 0), _Answer)
    server.pictures = folder / SERVED
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[:2]
    finally:
        server.stopped.set()
        server.shutdown()
        server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    pictures: Path

    def __init__(self, *arguments):
        self.stopped = threading.Event()
        self.asked: dict[str, int] = {}
        super().__init__(*arguments)

    def handle_error(self, *_) -> None:
        pass  # a client that went away


class _Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_) -> None:
        pass

    def do_GET(self) -> None:
        _, way, name = self.path.split("/", 2)
        self.server.asked[self.path] = self.server.asked.get(self.path, 0) + 1
        getattr(self, f"_{way}")(name)

    def _ok(self, name: str) -> None:
        self._send(200, self._picture(name))

    def _flaky(self, name: str) -> None:
        if self.server.asked[self.path] == 1:
            self._send(503, b"", {"Retry-After": "0"})
        else:
            self._ok(name)

    def _gone(self, name: str) -> None:
        self._send(404, PAGE)

    def _refused(self, name: str) -> None:
        self._send(403, PAGE)

    def _page(self, name: str) -> None:
        self._send(200, PAGE, {"Content-Type": "text/html"})

    def _empty(self, name: str) -> None:
        self._send(200, b"")

    def _truncated(self, name: str) -> None:
        picture = self._picture(name)
        self._send(200, picture[: len(picture) // 2])

    def _placeholder(self, name: str) -> None:
        self._send(200, self._picture("placeholder.jpg"))

    def _loop(self, name: str) -> None:
        self._send(302, b"", {"Location": self.path})

    def _private(self, name: str) -> None:
        self._send(302, b"", {"Location": f"http://127.0.0.1:{self.server.server_port}/ok/{name}"})

    def _silent(self, name: str) -> None:
        self.server.stopped.wait(SILENCE)
        self.close_connection = True

    def _reset(self, name: str) -> None:
        # With a linger time of zero, closing the socket resets the connection.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _picture(self, name: str) -> bytes:
        return (self.server.pictures / name).read_bytes()

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

"""A web server that answers as a test tells it, and pictures to serve."""

import http.server
import io
import threading
import time
from collections.abc import Callable

import numpy as np
from PIL import Image


class Server(http.server.ThreadingHTTPServer):
    """Answers each path with what `routes` says: bytes (200), a status, or a function."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self):
        self.routes: dict[str, bytes | int | Callable] = {}
        self.asked: list[tuple[float, str]] = []
        self.headers: list[dict] = []
        self.active, self.most_active = 0, 0
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def times(self, path: str) -> list[float]:
        return [when for when, asked in self.asked if asked == path]

    def handle_error(self, *_) -> None:
        pass


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_) -> None:
        pass

    def do_GET(self) -> None:
        server = self.server
        with server.lock:
            server.asked.append((time.monotonic(), self.path))
            server.headers.append(dict(self.headers))
            server.active += 1
            server.most_active = max(server.most_active, server.active)
        try:
            route = server.routes.get(self.path, 404)
            if isinstance(route, bytes):
                self.answer(200, route)
            elif isinstance(route, int):
                self.answer(route)
            else:
                route(self)
        finally:
            with server.lock:
                server.active -= 1

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def picture(
    number: int = 0,
    size: tuple[int, int] = (80, 100),
    kind: str = "JPEG",
    mode: str = "RGB",
    **options,
) -> bytes:
    """Return the file of a picture that `number` makes its own."""
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3)).astype(np.uint8))
    image = coarse.resize(size, Image.Resampling.BICUBIC).convert(mode)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()

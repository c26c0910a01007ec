"""The client of `warm`; it imports little, since it starts with every job."""

import json
import os
import socket
from pathlib import Path


def call(
    server: str,
    name: str,
    arguments: list[str],
    folder: object = None,
    environment: dict | None = None,
    output: int | None = None,
) -> int:
    """Return the exit status of a command; 1 if its fork was killed.

    By default it has this process's folder, environment and streams.
    """
    content = {
        "name": name,
        "arguments": list(arguments),
        "folder": str(folder or Path.cwd()),
        "environment": environment or dict(os.environ),
    }
    text = json.dumps(content).encode()
    streams = (0, 1, 2) if output is None else (0, output, output)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(server)
        socket.send_fds(connection, [f"{len(text):8}".encode()], streams)
        connection.sendall(text)
        answer = connection.recv(1)
    return answer[0] if answer else 1

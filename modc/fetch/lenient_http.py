"""A second try with http.client for answers that aiohttp's strict parser refuses.

Old servers send Content-Length twice, or beside chunks, or blanks before a header's colon; curl and
browsers take all of these.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Mapping

from yarl import URL

_PIECE = 65536


def get(
    url: URL,
    place: tuple[str, int],
    headers: Mapping[str, str],
    silence: float,
    seconds: float,
    most_bytes: int,
    opened: list[socket.socket],
) -> tuple[int, Mapping[str, str], bytes, bool]:
    """Return status, headers and at most `most_bytes` + 1 bytes of the answer to a GET of `url`.

    And whether it is whole. place: the address and port to connect to. silence: the longest wait
    for a byte, seconds: for the body. opened: gets the socket; to shut it down ends the call.
    Raises OSError or http.client.HTTPException where this fails too, or takes longer.
    """
    deadline = time.monotonic() + seconds
    connection = http.client.HTTPConnection(url.raw_host, place[1], timeout=silence)
    connection.sock = socket.create_connection(place, silence)
    opened.append(connection.sock)
    try:
        if url.scheme == "https":
            context = ssl.create_default_context()
            connection.sock = context.wrap_socket(connection.sock, server_hostname=url.raw_host)
            opened.append(connection.sock)
        connection.putrequest("GET", url.raw_path_qs, skip_host=True, skip_accept_encoding=True)
        own = {"Host": url.host_port_subcomponent, "Connection": "close"}
        for name, value in {**own, **headers}.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        length, body = response.length, b""
        while len(body) <= most_bytes:
            if time.monotonic() > deadline:
                raise TimeoutError
            piece = response.read1(min(_PIECE, most_bytes + 1 - len(body)))
            if not piece:
                break
            body += piece
        # http.client reads headers as Latin-1; here they are as aiohttp reads them.
        found = http.client.HTTPMessage()
        for name, value in response.headers.items():
            found[name] = value.encode("latin-1", "replace").decode("utf-8", "surrogateescape")
        return response.status, found, body, length is None or len(body) >= length
    finally:
        connection.close()

"""Google Drive by a stand-in: the file, and whatever it answers instead."""

import http.server
import threading

import gdown
import pytest
import requests
from gdown.exceptions import DownloadError, FileURLRetrievalError

from modc.errors import UserError
from modc.fetch import google_drive

ADVICE = "run `modc fetch splits --file FILE`"
QUOTA = "Failed to retrieve file url:\n\n\tToo many users have viewed or downloaded this file"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(google_drive, "WAITS", (0, 0))


@pytest.fixture
def drive(monkeypatch):
    """Return what each download answers (bytes or an error; a list to fill) and what was asked."""
    answers, calls = [], []

    def download(output, progress, **options):
        calls.append(options)
        answer = answers[min(len(calls), len(answers)) - 1]
        if isinstance(answer, Exception):
            output.write(b"half")
            raise answer
        output.write(answer)
        progress(len(answer), len(answer))

    monkeypatch.setattr(gdown, "download", download)
    return answers, calls


def fetch(folder, **options) -> None:
    google_drive.download("abc", folder / "x.zip", "split files", ADVICE, **options)


def status(code: int) -> requests.exceptions.HTTPError:
    response = requests.Response()
    response.status_code = code
    return requests.exceptions.HTTPError(response=response)


def test_the_file_is_put_in_place_without_cookies_and_with_a_timeout(drive, tmp_path):
    answers, calls = drive
    answers.append(b"PK content")
    fetch(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]
    assert (tmp_path / "x.zip").read_bytes() == b"PK content"
    assert calls[0]["id"] == "abc"
    assert calls[0]["use_cookies"] is False and all(seconds > 0 for seconds in calls[0]["timeout"])


@pytest.mark.parametrize(
    ("answer", "reason", "tries"),
    [
        (requests.exceptions.ConnectionError("name not known"), "no connection", 3),
        (requests.exceptions.ReadTimeout(), "timeout", 3),
        (requests.exceptions.ProxyError(), "the proxy refuses", 1),
        (requests.exceptions.SSLError(), "no secure connection", 1),
        (FileURLRetrievalError(QUOTA), "too many downloads today", 1),
        (DownloadError("Download is incomplete:\nreceived 4"), "the download was interrupted", 3),
        (status(404), "HTTP status 404", 1),
        (status(429), "HTTP status 429", 1),
        (KeyError("action"), "an unknown page", 1),
        (AssertionError(), "an unknown page", 1),
        (b"", "an empty file", 1),
        (b"\n<!DOCTYPE html><html>Sign in</html>", "a web page", 1),
        (b"<HTML>", "a web page", 1),
        (b"x" * 2000, "more than 0 MB", 1),
    ],
)
def test_whatever_comes_instead_names_the_page_and_the_option(
    drive, tmp_path, answer, reason, tries
):
    answers, calls = drive
    answers.append(answer)
    with pytest.raises(UserError) as error:
        fetch(tmp_path, limit=1000)
    message = str(error.value)
    assert message.startswith("split files: Google Drive") and reason in message
    assert "https://drive.google.com/file/d/abc/view" in message and message.endswith(ADVICE)
    assert "\n" not in message
    assert len(calls) == tries
    assert list(tmp_path.iterdir()) == []


def test_a_broken_connection_is_tried_again(drive, tmp_path):
    answers, calls = drive
    answers += [requests.exceptions.ConnectionError(), b"PK content"]
    fetch(tmp_path)
    assert len(calls) == 2 and (tmp_path / "x.zip").read_bytes() == b"PK content"


def test_a_full_disk_is_no_fault_of_google(drive, tmp_path):
    drive[0].append(OSError(28, "No space left on device"))
    with pytest.raises(OSError, match="No space left") as error:
        fetch(tmp_path)
    assert error.value.filename == str(tmp_path / "x.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_there_stays_where_the_download_fails(drive, tmp_path):
    (tmp_path / "x.zip").write_bytes(b"before")
    drive[0].append(FileURLRetrievalError(QUOTA))
    with pytest.raises(UserError):
        fetch(tmp_path)
    assert (tmp_path / "x.zip").read_bytes() == b"before"


class Answers(http.server.BaseHTTPRequestHandler):
    """A stand-in for drive.google.com itself."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        if "confirm" in self.path:
            self.send_header("Content-Disposition", 'attachment; filename="data.zip"')
            body = b"PK content"
        elif "large" in self.path:
            host, port = self.server.server_address
            body = (
                f'<form id="download-form" action="http://{host}:{port}/download">'
                f'<input type="hidden" name="confirm" value="t"></form>'
            ).encode()
        else:
            body = b'<p class="uc-error-subcaption">Too many users</p>'
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    """Send what gdown asks of Google to a local server instead."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host, port = server.server_address
    get = requests.Session.get

    def local(session, url, **options):
        session.trust_env = False
        url = url.replace("https://drive.google.com", f"http://{host}:{port}")
        return get(session, url, **options)

    monkeypatch.setattr(requests.Session, "get", local)
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("drive_id", "works"), [("large", True), ("quota", False)])
def test_gdown_itself_behind_it(server, tmp_path, monkeypatch, drive_id, works):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    output = tmp_path / "x.zip"
    if works:
        google_drive.download(drive_id, output, "split files", ADVICE)
        assert output.read_bytes() == b"PK content"
    else:
        with pytest.raises(UserError, match="too many downloads today"):
            google_drive.download(drive_id, output, "split files", ADVICE)
        assert not output.exists()
    assert not (tmp_path / "home").exists()

"""Lists of URLs: the variants that go around, and lines that nobody should follow."""

import pytest

from modc.datasets.darn import DARN
from modc.errors import UserError
from modc.fetch import url_list

NAME = "51586095/3660_47_1"
URL = "http://gi3.md.alicdn.com/bao/uploaded/i3/T1a,b_!!740472594.jpg"


def rows(tmp_path, text: str | bytes) -> list:
    path = tmp_path / "urls.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(url_list.read(path, "DARN").rows)


@pytest.mark.parametrize(
    "line",
    [
        f"{NAME} {URL}",
        f"{NAME}.jpg {URL}",
        f"pic/{NAME}.JPG   {URL}  ",
        f"{NAME}\t{URL}",
        f"{NAME},{URL}",
        f"{NAME} , {URL}",
        f"{URL} {NAME}",
        f"{URL}\t{NAME}.jpg",
        f"{URL},pic/{NAME}.jpg",
        f"\ufeff{NAME} {URL}",
        f'"{NAME}","{URL}"',
        f"{NAME} <{URL}>",
        f"{NAME};{URL}",
        f"{NAME} | {URL}",
        f"./pic/{NAME}.jpg {URL}",
        f"DARN/pic/{NAME}.jpg {URL}",
    ],
)
def test_variants_of_a_line_mean_the_same(tmp_path, line):
    [row] = rows(tmp_path, line + "\n")
    assert (row.line, row.name, row.url, row.state) == (1, NAME, URL, "pending")


def test_blank_lines_and_comments_are_skipped_but_counted_as_lines(tmp_path):
    found = rows(tmp_path, f"# a list\r\n\r\n{NAME} {URL}\r\n   \n1/2 http://a.example/b\n\n\n")
    assert [(row.line, row.name) for row in found] == [(3, NAME), (5, "1/2")]


def test_says_what_was_inferred(tmp_path):
    path = tmp_path / "urls.txt"
    path.write_text(f"pic/{NAME}.jpg\t{URL}\n{URL} other\n\n# x\n")
    listed = url_list.read(path, "DARN", DARN.usual_name)
    list(listed.rows)
    for said in (
        "1 lines with the URL first",
        "1 lines with the name first",
        "1 lines separated by tabs",
        "1 names with pic/",
        "1 names with an extension",
        "1 names unlike DARN's",
    ):
        assert said in listed.inferred()


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "a/../../outside",
        "/etc/passwd",
        "pic//etc/passwd",
        "a//b",
        "..",
        ".hidden",
        "a/.hidden",
        "C:\\windows",
        "a\\b",
        "nul\0name",
        "escape\x1b[31m",
        "a" * 300,
        "ä" * 150,
        "pic/",
        "line\u2028end",
    ],
)
def test_a_name_that_leaves_the_folder_is_a_bad_one(tmp_path, name):
    found = rows(tmp_path, f"{name} {URL}\n{NAME} {URL}\n")
    assert [row.state for row in found] == ["bad_name", "pending"]
    assert found[0].detail


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_a_list_that_windows_saved_is_read(tmp_path, encoding):
    path = tmp_path / "urls.txt"
    path.write_bytes(f"{NAME} {URL}\r\n1/2 {URL}\r\n".encode(encoding))
    assert [(row.name, row.url) for row in url_list.read(path).rows] == [(NAME, URL), ("1/2", URL)]


def test_bytes_that_are_not_utf_8_are_spelled_as_they_are(tmp_path):
    path = tmp_path / "urls.txt"
    path.write_bytes(NAME.encode() + b" http://shop.example/\xd6\xd0.jpg\n")
    assert [row.url for row in url_list.read(path).rows] == ["http://shop.example/%D6%D0.jpg"]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host.example/a.jpg",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "no/scheme.jpg",
        "http://",
        "http://host.example:99999/a.jpg",
        "http://[::1/a.jpg",
        "http://host.example/a b.jpg",
        "http://host.example/\x00",
        "http://host.example/" + "a" * 5000,
        "",
    ],
)
def test_a_url_that_cannot_be_asked_for_is_a_bad_address(tmp_path, url):
    found = rows(tmp_path, f"{NAME} {url}\n1/2 {URL}\n")
    assert [row.state for row in found] == ["bad_address", "pending"]
    assert found[0].detail


def test_bytes_that_are_no_utf8_do_not_stop_the_rest(tmp_path):
    found = rows(tmp_path, b"caf\xe9 http://a.example/\xff.jpg\n" + f"{NAME} {URL}\n".encode())
    assert found[1].name == NAME


@pytest.mark.parametrize(
    "text", ["", "a b\nc d\n", "<!DOCTYPE html><a href='http://x'>", "\ufeff<html>http://x"]
)
def test_what_is_no_list_is_refused(tmp_path, text):
    with pytest.raises(UserError, match=r"not a list of URLs; expected lines of `<name> <url>`"):
        rows(tmp_path, text)


def test_an_absent_list_is_named(tmp_path):
    with pytest.raises(UserError, match="no such list of URLs"):
        url_list.read(tmp_path / "urls.txt")


def test_the_real_names_are_like_darns(tmp_path, shared):
    names = (shared / "annotations" / "DARN" / "filenames_test.txt").read_text().split()
    path = tmp_path / "urls.txt"
    path.write_text("".join(f"{name.strip()} {URL}\n" for name in names))
    listed = url_list.read(path, "DARN", DARN.usual_name)
    found = list(listed.rows)
    assert {row.state for row in found} == {"pending"}
    assert {f"pic/{row.name}.jpg" for row in found} == set(names)
    assert "unlike" not in listed.inferred()

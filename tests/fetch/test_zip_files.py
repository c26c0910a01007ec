"""Archives that are not what they seem: named for what they are, with the tool that helps."""

import struct
import zipfile
import zlib

import pytest

from modc.errors import UserError
from modc.fetch import zip_files

WRAP = 1 << 32


def made(path, names=("a.jpg", "b.jpg"), method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name in names:
            archive.writestr(name, name.encode() * 100)
    return path


def error(path) -> str:
    with pytest.raises(UserError) as raised:
        zip_files.open_zip(path, "fetch it again")
    message = str(raised.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message


@pytest.mark.parametrize(
    ("method", "tool"), [(9, "unzip"), (93, "7z x"), (95, "7z x"), (98, "7z x"), (77, "7z x")]
)
def test_a_method_that_python_does_not_know_is_named_with_a_tool(
    tmp_path, monkeypatch, method, tool
):
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    path = made(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    for magic, at in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        start = -1
        while (start := data.find(magic, start + 1)) >= 0:
            struct.pack_into("<H", data, start + at, method)
    path.write_bytes(data)
    archive = zip_files.open_zip(path, "")
    for member in archive.infolist():
        said = zip_files.why_unreadable(path, member, 10**6)
        assert "Python does not support" in said and f"`{tool}" in said and str(path) in said


def test_without_the_tool_its_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    path = made(tmp_path / "a.zip")
    (member, _) = zip_files.open_zip(path, "").infolist()
    member.compress_type = 9
    assert "p7zip" in zip_files.why_unreadable(path, member, 10**6)
    member.compress_type = zipfile.ZIP_LZMA
    assert zip_files.why_unreadable(path, member, 10**6) == ""


@pytest.mark.parametrize("first", [0, 3 * WRAP // 4])
def test_offsets_that_macos_counts_modulo_4_gb_are_put_right(tmp_path, first):
    path, directory = tmp_path / "a.zip", []

    def add(file, name: bytes, data: bytes = b"", hole: int = 0) -> None:
        at, size = file.tell(), (len(data) or hole) % WRAP
        facts = (0, 0, 0, 33, zlib.crc32(data), size, size, len(name), 0)
        file.write(struct.pack("<4s5H3I2H", b"PK\3\4", 20, *facts) + name + data)
        file.seek(hole, 1)
        directory.append(
            struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, *facts, 0, 0, 0, 0, at % WRAP) + name
        )

    with path.open("wb") as file:
        add(file, b"a.jpg", b"first" * 10)
        if first:
            add(file, b"hole", hole=first)
        add(file, b"b.jpg", b"second" * 10)
        add(file, b"big", hole=WRAP)  # a hole in the file: it takes no room on the disk
        add(file, b"c.jpg", b"third" * 10)
        at, whole = file.tell(), b"".join(directory)
        count = len(directory)
        file.write(
            whole + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(whole), at % WRAP, 0)
        )
    archive = zip_files.open_zip(path, "")
    found = {
        m.filename: zip_files.read(archive, m) for m in archive.infolist() if "jpg" in m.filename
    }
    assert found == {"a.jpg": b"first" * 10, "b.jpg": b"second" * 10, "c.jpg": b"third" * 10}


def test_every_part_of_an_archive_that_was_cut_says_how_to_join_it(tmp_path):
    whole = tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("a.jpg", bytes(range(256)) * 12)
    data = whole.read_bytes()
    for number in range(3):  # the last one has the directory, but not its members
        part = tmp_path / f"cut.zip.00{number + 1}"
        part.write_bytes(data[number * 1100 : (number + 1) * 1100])
        with pytest.raises(UserError, match="a part of a split archive") as error:
            zip_files.open_zip(part, "again")
        assert f"cat {tmp_path}/cut.zip.0* > {tmp_path}/cut.zip" in str(error.value)
    joined = tmp_path / "cut.zip.004"  # a whole archive may have any name
    joined.write_bytes(data)
    assert zip_files.open_zip(joined, "again").namelist() == ["a.jpg"]


def test_a_part_of_a_split_archive_says_how_to_join_it(tmp_path):
    path = made(tmp_path / "a.zip")
    whole = path.read_bytes()
    (tmp_path / "a.z01").write_bytes(whole[:60])
    zip_files.open_zip(path, "").close()  # whole, beside what is left of its parts
    path.write_bytes(whole[60:])
    assert "zip -s 0" in error(path)
    (tmp_path / "a.z01").unlink()
    data = bytearray(whole[60:])
    struct.pack_into("<2H", data, data.rindex(b"PK\5\6") + 4, 1, 1)
    path.write_bytes(data)
    assert "zip -s 0" in error(path)


@pytest.mark.parametrize(
    ("name", "data", "kind", "tool"),
    [
        ("a.zip", b"<!DOCTYPE html><html>", "a web page", ""),
        ("a.rar", b"Rar!\x1a\7\0", "a RAR archive", "7z"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c", "a 7z archive", "7z"),
        ("a.tar.gz", b"\x1f\x8b\x08", "packed by gzip", "tar xf"),
        ("a.tar", bytes(257) + b"ustar\0" + bytes(249), "a tar archive", "tar xf"),
        ("a.zip.crdownload", b"PK\3\4", "unfinished download", ""),
        ("a.zip.part", b"PK\3\4", "unfinished download", ""),
        ("a.zip.001", b"PK\3\4", "split", "cat"),
        ("a.z01", b"PK\3\4", "split", "zip -s 0"),
    ],
)
def test_another_kind_of_file_is_named(tmp_path, name, data, kind, tool):
    path = tmp_path / name
    path.write_bytes(data)
    said = zip_files.other_kind(path)
    assert kind in said and tool in said


def test_what_is_cut_short_says_its_size(tmp_path):
    path = made(tmp_path / "a.zip")
    path.write_bytes(path.read_bytes()[:-30])
    assert f"({path.stat().st_size:,} bytes)" in error(path)
    assert "no such archive" in error(tmp_path / "absent.zip")


def test_an_archive_within_is_named(tmp_path):
    path = made(tmp_path / "a.zip", ["notes.txt", "inner/fashionAI.zip"])
    said = zip_files.archive_within(zip_files.open_zip(path, ""))
    assert "inner/fashionAI.zip" in said and str(path) in said
    assert zip_files.archive_within(zip_files.open_zip(made(tmp_path / "b.zip"), "")) == ""

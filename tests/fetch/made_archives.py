"""Archives that the tests make: split files of any counts, links, damaged members."""

import io
import json
import struct
import zipfile
from pathlib import Path

from PIL import Image

from modc.data import manifest
from modc.datasets.darn import DARN
from modc.datasets.fashionai import FashionAI

RELEASED = {kind.__name__: kind for kind in (FashionAI, DARN)}
# FashionAI's two archives.
FIRST, SECOND = (f"fashionAI_attributes_train{number}.zip" for number in (1, 2))


def release() -> dict[str, str]:
    """Return the texts of a made-up data.zip, by their paths in it, with the release's counts."""
    texts = {}
    for dataset, kind in RELEASED.items():
        attributes = list(kind.attributes)
        for number, (split, count) in enumerate(kind.counts.items()):
            names, labels = [], []
            for row in range(count["images"]):
                name = attributes[row % len(attributes)]
                key = number * 10**6 + row
                if dataset == "FashionAI":
                    place = f"fashionAI_attributes_train{row % 2 + 1}/Images/{name}_labels"
                    names.append(f"{place}/{key:032x}.jpg\n")
                else:
                    names.append(f"pic/{key:08d}/0001_01_1.jpg\n")
                labels.append(f"{row} {row % len(attributes)} 0\n")
            texts[f"data/{dataset}/filenames_{split}.txt"] = "".join(names)
            if split == "train":
                texts[f"data/{dataset}/label_train.txt"] = "".join(labels)
            else:
                first = count["query"]
                texts[f"data/{dataset}/query_{split}.txt"] = "".join(labels[:first])
                texts[f"data/{dataset}/candidate_{split}.txt"] = "".join(labels[first:])
    return texts


def meta(**changed) -> str:
    return json.dumps(
        {
            dataset: {
                "ATTRIBUTES": list(attributes),
                "ATTRIBUTES_NUM": {**attributes, **changed.get(dataset, {})},
            }
            for dataset, attributes in ((key, kind.attributes) for key, kind in RELEASED.items())
        }
    )


def write_zip(path: Path, members) -> Path:
    """Write an archive of (name or ZipInfo, content) pairs or a mapping."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pairs = members.items() if isinstance(members, dict) else members
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in pairs:
            archive.writestr(name, content)
    return path


def link(name: str) -> zipfile.ZipInfo:
    """Return an archive's member that is a symbolic link."""
    member = zipfile.ZipInfo(name)
    member.create_system, member.external_attr = 3, 0o120777 << 16
    return member


def jpeg(color: int = 0, size: int = 20) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (size, size + 4), (color % 256, color // 256 % 256, 90)).save(buffer, "JPEG")
    return buffer.getvalue()


def flag(path: Path, bit: int, name: str) -> None:
    """Set a flag of a member, in its own and in the central header."""
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        own = archive.getinfo(name).header_offset + 6
    central = data.rindex(name.encode()) - 46 + 8
    for at in (own, central):
        data[at : at + 2] = struct.pack("<H", struct.unpack("<H", data[at : at + 2])[0] | bit)
    path.write_bytes(data)


def spoil(path: Path, name: str) -> None:
    """Change a byte in the middle of a member's data, so that its checksum does not fit."""
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(name)
    data = bytearray(path.read_bytes())
    at = member.header_offset + 30 + len(name) + member.compress_size // 2
    data[at] ^= 0xFF
    path.write_bytes(data)


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def members(archive: Path) -> dict[str, bytes]:
    """Return the pictures of an archive by their names in it."""
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist() if name.endswith(".jpg")}


def pictures(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in (folder / "Images").rglob("*")
        if path.is_file()
    }


def expected(folder: Path) -> dict[str, bytes]:
    """Return what the two drawn archives hold, by the path where it should go."""
    both = {**members(folder / FIRST), **members(folder / SECOND)}
    return {name.split("/", 1)[1]: data for name, data in both.items()}


def rewrite(archive: Path, change) -> None:
    """Write the archive again with its (name, content) pairs as `change` returns them."""
    with zipfile.ZipFile(archive) as opened:
        pairs = [(name, opened.read(name)) for name in opened.namelist()]
    write_zip(archive, change(pairs))


def bad_picture(drawn: Path, kind: str) -> str:
    """Spoil one picture of the first archive in some way; return its name there."""
    archive = drawn / FIRST
    name = sorted(members(archive))[5]
    others = [(other, data) for other, data in members(archive).items() if other != name]
    if kind == "checksum":
        spoil(archive, name)
    elif kind == "encrypted":
        flag(archive, 1, name)
    elif kind == "link":
        write_zip(archive, [*others, (link(name), "/etc/passwd")])
    elif kind == "outside":
        write_zip(archive, [*others, ("../../" + name, jpeg())])
    elif kind == "absolute":
        write_zip(archive, [*others, ("/" + name, jpeg())])
    elif kind == "page":
        write_zip(archive, [*others, (name, "<html>gone</html>")])
    elif kind == "large":
        write_zip(archive, [*others, (name, jpeg() + bytes(60_000))])
    elif kind == "absent":
        write_zip(archive, others)
    return name


def status_of(folder: Path, name: str) -> str:
    table = manifest.read(folder).table.set_index("path")
    return table["status"]["Images/" + name.split("Images/")[1]]

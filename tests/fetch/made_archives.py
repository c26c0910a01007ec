"""Archives that the tests make: split files of any counts, links, damaged members."""

import io
import struct
import zipfile
from pathlib import Path

from PIL import Image

from modc.fetch import split_check


def release(counts: dict[str, dict] | None = None) -> dict[str, str]:
    """Return the texts of a made-up data.zip, by their paths in it, with COUNTS' counts."""
    texts = {}
    for dataset, splits in (counts or split_check.COUNTS).items():
        attributes = list(split_check.ATTRIBUTES[dataset])
        for number, (split, count) in enumerate(splits.items()):
            names, labels = [], []
            for row in range(count["filenames"]):
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


def jpeg(colour: int = 0, size: int = 12) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (size, size + 4), (colour % 256, colour // 256 % 256, 90)).save(buffer, "JPEG")
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

"""Fashion-MNIST: five attributes, three of them measured; an existing copy or a download."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from made_datasets import made

from modc.data.index import check
from modc.datasets import fashion_mnist, fashion_mnist_index
from modc.datasets.fashion_mnist import FashionMNIST
from modc.errors import UserError


def write_files(folder: Path, training: int = 400, test: int = 100) -> None:
    """Write the four files in miniature: a box of random size and brightness on black."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", training), ("t10k", test)):
        pictures = np.zeros((count, 28, 28), np.uint8)
        for picture in pictures:
            height, width = rng.integers(6, 28, 2)
            picture[:height, :width] = rng.integers(40, 255, (height, width))
        header = struct.pack(">4I", 0x803, count, 28, 28)
        labels = struct.pack(">2I", 0x801, count) + (np.arange(count) % 10).astype("u1").tobytes()
        write(folder, f"{part}-images-idx3", header + pictures.tobytes())
        write(folder, f"{part}-labels-idx1", labels)


def write(folder: Path, stem: str, data: bytes) -> None:
    (folder / f"{stem}-ubyte.gz").write_bytes(gzip.compress(data))


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(fashion_mnist_index, "VALID", 100)


@pytest.mark.parametrize("below", [".", "FashionMNIST/raw"])
def test_the_index_of_a_copy(tmp_path, small, below):
    write_files(tmp_path / below)
    index = made(FashionMNIST, tmp_path).index()
    check(index)
    assert index.images["split"].value_counts().to_dict() == {
        "train": 300,
        "valid": 100,
        "test": 100,
    }
    assert index.images["path"][300].endswith("train-images-idx3-ubyte.gz/00300")
    assert index.images["path"][400].endswith("t10k-images-idx3-ubyte.gz/00000")
    assert len(index.labels) == 5 * 500
    for split in ("valid", "test"):
        assert len(index.rows(split, "query")) == 5 * 20
        assert len(index.rows(split, "candidate")) == 5 * 80


def test_measured_attributes_are_quintiles_of_the_training_images(tmp_path, small):
    write_files(tmp_path)
    labels = made(FashionMNIST, tmp_path).index().rows("train", "train")
    for attribute in (2, 4):  # tone and texture; width has ties
        counts = labels[labels["attribute"] == attribute]["value"].value_counts()
        assert sorted(counts) == [60] * 5


def test_what_is_measured():
    pictures = np.zeros((3, 28, 28), np.uint8)
    pictures[0, 4:14, 4:24] = 100  # 20 wide, 10 high, plain
    pictures[1, 4:24, 4:14] = 200
    pictures[1, 4:24, 4:14:2] = 100  # 10 wide, 20 high, striped
    assert fashion_mnist_index.tone(pictures).tolist() == [100, 150, 0]
    assert fashion_mnist_index.width(pictures).tolist() == [2, 0.5, 0]
    texture = fashion_mnist_index.texture(pictures)
    assert texture[1] > texture[0] > texture[2] == 0


@pytest.mark.parametrize(
    ("stem", "data", "message"),
    [
        ("train-images-idx3", b"\x00", "not an idx file"),
        ("train-labels-idx1", struct.pack(">2I", 0x801, 3) + b"abc", "3 labels; expected 400"),
        ("t10k-labels-idx1", struct.pack(">2I", 0x801, 100) + b"\x0a" * 100, "label 10; expected"),
        ("t10k-images-idx3", struct.pack(">4I", 0x803, 100, 28, 28), "holds 0 bytes"),
    ],
)
def test_a_bad_file_is_named(tmp_path, small, stem, data, message):
    write_files(tmp_path)
    write(tmp_path, stem, data)
    with pytest.raises(UserError, match=message):
        made(FashionMNIST, tmp_path).index()


def test_an_absent_copy_is_answered_with_instructions(tmp_path):
    with pytest.raises(UserError, match="run `modc fetch FashionMNIST`"):
        made(FashionMNIST, tmp_path / "none").index()


def test_an_existing_copy_is_fetched_without_network(tmp_path):
    write_files(tmp_path / "debian")
    made(FashionMNIST, tmp_path / "here").fetch(tmp_path / "debian")
    names = sorted(path.name for path in (tmp_path / "debian").iterdir())
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == names
    for name in names:
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "debian" / name).read_bytes()


def test_a_download_that_fails_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    from torchvision.datasets import FashionMNIST as Torchvisions

    monkeypatch.setattr(Torchvisions, "mirrors", ["http://127.0.0.1:9/"])
    with pytest.raises(UserError) as error:
        made(FashionMNIST, tmp_path / "here").fetch(tmp_path / "none")
    assert "http://127.0.0.1:9/: download failed" in str(error.value)
    assert "\n" not in str(error.value)
    assert list((tmp_path / "here").iterdir()) == []


def test_a_download_through_torchvision(tmp_path, monkeypatch):
    """From a web server on this machine that has the files under their names."""
    import functools
    import hashlib
    import http.server
    import threading

    from torchvision.datasets import FashionMNIST as Torchvisions

    write_files(tmp_path / "server")
    resources = [
        (path.name, hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest())
        for path in sorted((tmp_path / "server").iterdir())
    ]
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "server")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(Torchvisions, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
        monkeypatch.setattr(Torchvisions, "resources", resources)
        made(FashionMNIST, tmp_path / "here").fetch(tmp_path / "none")
        server.shutdown()
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == [n for n, _ in resources]


@pytest.mark.skipif(
    not fashion_mnist.DEBIAN.is_dir(), reason="dataset-fashion-mnist is not installed"
)
def test_the_real_photographs():
    index = made(FashionMNIST, fashion_mnist.DEBIAN).index()
    check(index)
    counts = index.images["split"].value_counts().to_dict()
    assert counts == {"train": 50_000, "valid": 10_000, "test": 10_000}
    labels = index.rows("train", "train")
    for attribute in (2, 3, 4):
        share = labels[labels["attribute"] == attribute]["value"].value_counts(normalize=True)
        assert len(share) == 5 and share.min() > 0.12 and share.max() < 0.28

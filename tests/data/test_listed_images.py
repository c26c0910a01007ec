"""From split files to an index: the drawn datasets, missing pictures, other releases' layouts."""

import json
import shutil
import zipfile

import pytest

from modc.data import darn as darn_format
from modc.data import fashionai as fashionai_format
from modc.data.index import check
from modc.errors import UserError


def test_drawn_fashionai_is_indexed_out_of_its_archives(fashionai):
    index = fashionai_format.read(fashionai, "error")
    check(index)
    assert index.generated and index.missing == {"train": 0, "valid": 0, "test": 0}
    assert index.images["split"].value_counts().to_dict() == {"train": 240, "valid": 80, "test": 80}
    assert index.images["path"].str.contains(r"train[12]\.zip/").all()
    assert len(index.labels) == 400


def test_drawn_darn_leaves_out_what_is_missing_or_no_picture(darn):
    index = darn_format.read(darn, "leave_out")
    check(index)
    assert sum(index.missing.values()) == 16
    assert len(index.images) == 384
    # Each label still belongs to the picture that the split files gave it.
    for split in ("valid", "test"):
        names = (darn / "splits" / f"filenames_{split}.txt").read_text().splitlines()
        for role in ("query", "candidate"):
            lines = (darn / "splits" / f"{role}_{split}.txt").read_text().splitlines()
            listed = {names[int(line.split()[0])]: line.split()[1:] for line in lines}
            for row in index.rows(split, role).itertuples():
                path = index.images["path"][row.image]
                assert listed[path] == [str(row.attribute), str(row.value)]


def test_a_missing_picture_stops_the_index_where_none_may_miss(darn):
    with pytest.raises(UserError) as error:
        darn_format.read(darn, "error")
    assert "of the 240 train images of DARN are not there, the first is pic/" in str(error.value)
    assert "datasets.DARN.missing_images" in str(error.value)


def test_unpacked_archives_with_other_folders_give_the_same_labels(fashionai, tmp_path):
    for archive in fashionai.glob("*.zip"):
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(tmp_path / "elsewhere" / "test")
    shutil.copytree(fashionai / "splits", tmp_path / "splits")
    names = tmp_path / "splits" / "filenames_test.txt"
    lines = ["test/" + line.split("/", 1)[1] for line in names.read_text().splitlines()]
    names.write_text("\n".join(lines))
    index = fashionai_format.read(tmp_path, "error")
    assert index.labels.equals(fashionai_format.read(fashionai, "error").labels)
    assert not index.generated


def test_a_list_without_extensions_finds_the_pictures(darn, tmp_path):
    shutil.copytree(darn / "splits", tmp_path / "splits")
    folder = tmp_path / "splits"
    for split in ("train", "valid", "test"):
        path = folder / f"filenames_{split}.txt"
        path.write_text(path.read_text().replace("pic/", "").replace(".jpg", ""))
    shutil.copytree(darn / "pic", tmp_path / "pic")
    index = darn_format.read(tmp_path, "leave_out")
    assert index.labels.equals(darn_format.read(darn, "leave_out").labels)


@pytest.mark.parametrize(
    ("reader", "what"),
    [(fashionai_format.read, "Tianchi competition 231671"), (darn_format.read, "URL list")],
)
@pytest.mark.parametrize("made", ["nothing", "empty", "splits"])
def test_an_absent_dataset_is_answered_with_instructions(tmp_path, fashionai, reader, what, made):
    folder = tmp_path / "data"
    if made != "nothing":
        folder.mkdir()
    if made == "splits":
        shutil.copytree(fashionai / "splits", folder / "splits")
    with pytest.raises(UserError) as error:
        reader(folder, "error")
    assert what in str(error.value) and f"{folder}/splits" in str(error.value)
    assert "\n" not in str(error.value)


def test_the_same_seed_draws_the_same_bytes(fashionai, darn, tmp_path):
    from modc.data import garments

    garments.write_fashionai(tmp_path / "fashionai", images=400, seed=1)
    garments.write_darn(tmp_path / "darn", images=400, seed=1)
    for first, second in ((fashionai, tmp_path / "fashionai"), (darn, tmp_path / "darn")):
        files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
        assert files == sorted(p.relative_to(second) for p in second.rglob("*") if p.is_file())
        assert all((first / file).read_bytes() == (second / file).read_bytes() for file in files)
    garments.write_fashionai(tmp_path / "other", images=400, seed=2)
    assert json.loads((tmp_path / "other" / "GENERATED.json").read_text())["seed"] == 2
    name = "fashionAI_attributes_train1.zip"
    assert (tmp_path / "other" / name).read_bytes() != (fashionai / name).read_bytes()

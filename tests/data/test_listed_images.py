"""From split files and manifest to an index: drawn datasets, missing and changed pictures."""

import json
import shutil
from hashlib import sha256

import pytest
from made_datasets import made

from modc.data import manifest
from modc.data.index import check
from modc.datasets.darn import DARN
from modc.datasets.fashionai import FashionAI
from modc.errors import UserError


def freeze(folder, paths):
    return manifest.write(folder, manifest.describe(folder, paths), {})


def test_drawn_fashionai_is_indexed(fashionai):
    index = made(FashionAI, fashionai).index()
    check(index)
    assert index.generated and index.missing == {"train": 0, "valid": 0, "test": 0}
    assert index.images["split"].value_counts().to_dict() == {"train": 240, "valid": 80, "test": 80}
    assert index.images["path"].str.startswith("Images/").all()
    assert len(index.labels) == 400
    assert index.manifest_sha256 == sha256((fashionai / "manifest.csv").read_bytes()).hexdigest()


def test_drawn_darn_leaves_out_what_is_missing_or_no_picture(darn):
    index = made(DARN, darn, "leave_out").index()
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


def test_a_second_value_of_a_training_image_is_kept_and_counted(darn, tmp_path, caplog):
    shutil.copytree(darn, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "splits" / "label_train.txt"
    first, *lines = path.read_text().splitlines()
    number, attribute, value, *rest = first.split()
    other = "1" if value == "0" else "0"
    again = " ".join([number, attribute, value, attribute, other, attribute, value, *rest])
    path.write_text("\n".join([again, *lines]) + "\n")
    before, index = (made(DARN, folder, "leave_out").index() for folder in (darn, tmp_path))
    check(index)
    assert (before.second_values, index.second_values) == (0, 1)
    assert len(index.rows("train", "train")) == len(before.rows("train", "train")) + 1
    assert "1 labels of training images are a second value" in caplog.text
    assert "1 are repeated" in caplog.text


def test_a_second_value_of_a_query_stops_the_index(darn, tmp_path):
    shutil.copytree(darn, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "splits" / "query_test.txt"
    first, *lines = path.read_text().splitlines()
    image, attribute, value = first.split()
    other = "1" if value == "0" else "0"
    path.write_text("\n".join([first, f"{image} {attribute} {other}", *lines]) + "\n")
    with pytest.raises(UserError, match="has two labels of .* in test"):
        check(made(DARN, tmp_path, "leave_out").index())


def test_a_missing_picture_stops_the_index_where_none_may_miss(darn):
    with pytest.raises(UserError) as error:
        made(DARN, darn, "error").index()
    assert "of the 240 train images of DARN are not there, the first is pic/" in str(error.value)
    assert "datasets.DARN.missing_images" in str(error.value)


def test_width_and_height_are_the_manifests(fashionai, tmp_path):
    shutil.copytree(fashionai, tmp_path, dirs_exist_ok=True)
    table = manifest.read(tmp_path).table
    table["width"], table["height"] = range(1, len(table) + 1), 7
    manifest.write(tmp_path, table, {})
    images = made(FashionAI, tmp_path).index().images
    expected = table.set_index("path").loc[images["path"], ["width", "height"]]
    assert images[["width", "height"]].to_numpy().tolist() == expected.to_numpy().tolist()


def test_another_manifest_is_another_index(darn, tmp_path):
    shutil.copytree(darn, tmp_path, dirs_exist_ok=True)
    before = made(DARN, tmp_path, "leave_out").index()
    table = manifest.read(tmp_path).table
    table.loc[table["status"] == "gone", "status"] = "refused"
    manifest.write(tmp_path, table, {})
    after = made(DARN, tmp_path, "leave_out").index()
    assert after.images.equals(before.images) and after.labels.equals(before.labels)
    assert after.sha256 != before.sha256


def test_a_picture_that_came_after_the_freezing_is_not_taken(darn, tmp_path):
    shutil.copytree(darn, tmp_path, dirs_exist_ok=True)
    before = made(DARN, tmp_path, "leave_out").index()
    table = manifest.read(tmp_path).table
    late = table["path"][table["status"] == "gone"].iloc[0]
    shutil.copy(tmp_path / before.images["path"][0], tmp_path / late)
    assert made(DARN, tmp_path, "leave_out").index().sha256 == before.sha256
    freeze(tmp_path, table["path"])
    assert late in set(made(DARN, tmp_path, "leave_out").index().images["path"])


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda path: path.unlink(), "is gone, expected the "),
        (lambda path: path.write_bytes(b"another"), "has 7 bytes, expected the "),
    ],
)
def test_a_picture_that_changed_since_stops_the_index(darn, tmp_path, spoil, what):
    shutil.copytree(darn, tmp_path, dirs_exist_ok=True)
    paths = made(DARN, tmp_path, "leave_out").index().images["path"]
    for row in (5, 300):
        spoil(tmp_path / paths[row])
    with pytest.raises(UserError) as error:
        made(DARN, tmp_path, "leave_out").index()
    message = str(error.value)
    assert message.startswith(f"{tmp_path / paths[5]}: {what}")
    assert "(2 of 384 images differ from the manifest)" in message
    assert f"`modc fetch DARN --folder {tmp_path} --refreeze`" in message


def test_two_pictures_of_one_name_are_refused(fashionai, tmp_path):
    shutil.copytree(fashionai, tmp_path, dirs_exist_ok=True)
    paths = manifest.read(tmp_path).table["path"].tolist()
    shutil.copytree(tmp_path / "Images", tmp_path / "more" / "Images")
    freeze(tmp_path, [*paths, f"more/{paths[3]}"])
    with pytest.raises(UserError) as error:
        made(FashionAI, tmp_path).index()
    assert f"{paths[3]} and more/{paths[3]} have the same name" in str(error.value)


def test_other_folders_in_the_lists_give_the_same_labels(fashionai, tmp_path):
    shutil.copytree(fashionai, tmp_path, dirs_exist_ok=True)
    (tmp_path / "GENERATED.json").unlink()
    names = tmp_path / "splits" / "filenames_test.txt"
    lines = ["test/" + line.split("/", 1)[1] for line in names.read_text().splitlines()]
    names.write_text("\n".join(lines))
    index = made(FashionAI, tmp_path).index()
    assert index.labels.equals(made(FashionAI, fashionai).index().labels)
    assert not index.generated


def test_a_list_without_extensions_finds_the_pictures(darn, tmp_path):
    shutil.copytree(darn, tmp_path, dirs_exist_ok=True)
    for split in ("train", "valid", "test"):
        path = tmp_path / "splits" / f"filenames_{split}.txt"
        path.write_text(path.read_text().replace("pic/", "").replace(".jpg", ""))
    index = made(DARN, tmp_path, "leave_out").index()
    assert index.labels.equals(made(DARN, darn, "leave_out").index().labels)


@pytest.mark.parametrize("name", ["fashionai", "darn"])
def test_pictures_that_are_not_frozen_are_answered_with_the_command(request, tmp_path, name):
    shutil.copytree(request.getfixturevalue(name), tmp_path, dirs_exist_ok=True)
    (tmp_path / manifest.FACTS).unlink()
    kind = {"fashionai": FashionAI, "darn": DARN}[name]
    command = f"modc fetch {kind.__name__} --folder {tmp_path}"
    with pytest.raises(UserError, match=f"no manifest.*`{command}`"):
        made(kind, tmp_path, "leave_out").index()


@pytest.mark.parametrize(
    ("kind", "what"), [(FashionAI, "Tianchi competition 231671"), (DARN, "list of URLs")]
)
@pytest.mark.parametrize("there", ["nothing", "empty", "splits"])
def test_an_absent_dataset_is_answered_with_instructions(tmp_path, fashionai, kind, what, there):
    folder = tmp_path / "data"
    if there != "nothing":
        folder.mkdir()
    if there == "splits":
        shutil.copytree(fashionai / "splits", folder / "splits")
    with pytest.raises(UserError) as error:
        made(kind, folder).index()
    assert what in str(error.value) and f"{folder}/splits" in str(error.value)
    assert "\n" not in str(error.value)


def test_the_same_seed_draws_the_same_bytes(drawn_fashionai, drawn_darn, tmp_path):
    from modc.drawn import garments

    garments.write_fashionai(tmp_path / "fashionai", images=400, seed=1)
    garments.write_darn(tmp_path / "darn", images=400, seed=1)
    for first in (drawn_fashionai, drawn_darn):
        second = tmp_path / first.name
        files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
        assert files == sorted(p.relative_to(second) for p in second.rglob("*") if p.is_file())
        assert all((first / file).read_bytes() == (second / file).read_bytes() for file in files)
    garments.write_fashionai(tmp_path / "other", images=400, seed=2)
    assert json.loads((tmp_path / "other" / "GENERATED.json").read_text())["seed"] == 2
    name = "fashionAI_attributes_train1.zip"
    assert (tmp_path / "other" / name).read_bytes() != (drawn_fashionai / name).read_bytes()

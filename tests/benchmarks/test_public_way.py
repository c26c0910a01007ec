"""The public way of benchmarks/training.py: pictures, and the calls into a clone."""

import sys

import numpy as np
import pytest
import torch
from PIL import Image
from public_way import Pictures, cloned, train_step

from modc.errors import UserError

# The names and files that the public repository has, with next to nothing behind them.
CLONE = {
    "resnet.py": """
from torch import nn

def resnet50_feature(pretrained=True):
    assert not pretrained
    return nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten())
""",
    "model.py": """
from torch import nn

class Net(nn.Module):
    def __init__(self, backbonenet, embedding_size, n_attributes):
        super().__init__()
        self.backbone, self.last = backbonenet, nn.Linear(12, embedding_size)
        self.attributes = nn.Embedding(n_attributes, embedding_size)

    def forward(self, x, c, norm=True):
        return nn.functional.normalize(self.last(self.backbone(x)) + self.attributes(c), dim=1)

def get_model(name):
    return {"ASENet": Net, "ASENet_V2": Net}[name]
""",
    "image_loader.py": """
import json
import os
from PIL import Image
from torch.utils.data import Dataset

class TripletImageLoader(Dataset):
    def __init__(self, root, base_path, num_triplets, transform=None):
        meta = json.load(open(os.path.join(root, "meta.json")))[base_path]
        names = open(os.path.join(root, base_path, "filenames_train.txt")).read().split()
        of_value = {}
        for line in open(os.path.join(root, base_path, "label_train.txt")):
            image, *labels = map(int, line.split())
            for attribute, value in zip(labels[::2], labels[1::2]):
                assert value < meta["ATTRIBUTES_NUM"][meta["ATTRIBUTES"][attribute]]
                of_value.setdefault((attribute, value), []).append(names[image])
        one, other = of_value[0, 0], of_value[0, 1]
        files = [os.path.join(root, base_path, name) for name in (one[0], other[0], one[1])]
        self.files, self.count, self.transform = files, num_triplets, transform

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return *(self.transform(Image.open(file)) for file in self.files), 0
""",
}


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(4):
        pixels = rng.integers(0, 256, (60, 50, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.jpg")
    return sorted(folder.iterdir())


@pytest.fixture
def imported(monkeypatch):
    """Leave sys.path and sys.modules as they were."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in ("model", "resnet", "image_loader"):
        sys.modules.pop(name, None)


def test_a_triplet_is_three_pictures_and_an_attribute(files):
    *pictures, attribute = Pictures(files, 5, 32, 3, flip=True)[0]
    assert [tuple(picture.shape) for picture in pictures] == [(3, 32, 32)] * 3
    assert attribute in range(5)


def test_a_single_picture_is_never_mirrored(files):
    seen = Pictures(files, 5, 32, 3, flip=False)
    assert all(torch.equal(seen[0][0], seen[0][0]) for _ in range(20))


@pytest.mark.parametrize("network", ["ASEN", "ASENv2"])
def test_a_clone_is_called_by_the_repositorys_names(tmp_path, files, imported, network):
    clone = tmp_path / "asen"
    clone.mkdir()
    for name, text in CLONE.items():
        (clone / name).write_text(text)
    made, dataset = cloned(clone, network, files, 5, 32, 4)
    batch = [torch.stack([dataset[i][role] for i in range(4)]) for role in range(3)]
    attribute = torch.tensor([dataset[i][3] for i in range(4)])
    adam = torch.optim.Adam(made.parameters(), lr=1e-2)
    losses = [float(train_step(made, adam, [*batch, attribute], torch.device("cpu")))]
    losses += [float(train_step(made, adam, [*batch, attribute], torch.device("cpu")))]
    assert len(dataset) == 4 and losses[1] != losses[0]


def test_a_folder_that_is_no_clone_is_named(tmp_path, files, imported):
    with pytest.raises(UserError, match=r"--public-repo .*expected a clone"):
        cloned(tmp_path, "ASEN", files, 5, 32, 4)

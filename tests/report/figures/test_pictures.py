import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modc.errors import UserError
from modc.report.figures.pictures import pictures
from modc.report.figures.run import Run

NUMBERS = np.array([7, 0, 7])


@pytest.fixture
def data(full_run, config) -> Path:
    """The folder of a dataset whose pictures are packed and nowhere else."""
    full_run()
    return Path(config["data"]) / "FashionAI"


def test_packed_pictures_in_the_order_asked_for(data, config, tmp_path):
    packed = np.load(data / "prepared" / "packed" / "32.npy")
    assert np.array_equal(pictures(Run(tmp_path, config), "FashionAI", NUMBERS), packed[NUMBERS])


def test_their_files_where_nothing_is_packed(data, config, tmp_path):
    packed = np.load(data / "prepared" / "packed" / "32.npy")
    shutil.rmtree(data / "prepared" / "packed")
    for number in NUMBERS:
        Image.fromarray(packed[number]).save(data / f"{number}.png")
    assert np.array_equal(pictures(Run(tmp_path, config), "FashionAI", NUMBERS), packed[NUMBERS])


def test_neither_is_there(data, config, tmp_path):
    shutil.rmtree(data / "prepared" / "packed")
    with pytest.raises(UserError, match=r"32\.npy.*7\.png"):
        pictures(Run(tmp_path, config), "FashionAI", NUMBERS)

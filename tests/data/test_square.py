"""The center square, against torchvision's transforms."""

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, Resize

from modc.data.square import short_side_square


@pytest.mark.parametrize(
    "shape", [(512, 512), (682, 512), (341, 513), (100, 257), (28, 28), (9, 8)]
)
@pytest.mark.parametrize("size", [224, 65])
def test_it_equals_resize_and_center_crop(shape, size):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8))
    expected = np.asarray(Compose([Resize(size), CenterCrop(size)])(image))
    assert np.array_equal(short_side_square(image, size), expected)

import numpy as np
import torch
from PIL import Image
from public_way import prepared

from modc.networks.region import crop_original, region_of_interest


class GlobalTransform:
    def __init__(self, cfg):
        self.prepare = prepared(cfg.INPUT.GLOBAL_SIZE)

    def __call__(self, image):
        return self.prepare(image)


class LocalTransform:
    def __init__(self, cfg):
        self.size, self.prepare = cfg.INPUT.GLOBAL_SIZE, prepared(cfg.INPUT.LOCAL_SIZE)

    def __call__(self, image, mask):
        (region,) = region_of_interest(torch.from_numpy(mask)[None], self.size).tolist()
        crop = crop_original(np.asarray(image), region, self.size)
        return self.prepare(Image.fromarray(crop))

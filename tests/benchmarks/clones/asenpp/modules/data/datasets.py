from pathlib import Path

import torch
from PIL import Image
from torch.utils.data import Dataset


class BaseDataSet(Dataset):
    def __init__(self, cfg, split):
        self.folder = Path(cfg.DATA.BASE_PATH) / cfg.DATA.DATASET
        self.names = (self.folder / cfg.DATA.PATH_FILE[split]).read_text().split()

    def __getitem__(self, index):
        image, *rest = index
        return Image.open(self.folder / self.names[image]).convert("RGB"), *rest


def triplet_collate_fn(batch):
    images, attributes = zip(*batch, strict=True)
    third = len(batch) // 3
    roles = [images[start : start + third] for start in range(0, len(batch), third)]
    return *roles, torch.tensor(attributes[:third])


def image_collate_fn(batch):
    images, attributes, values = zip(*batch, strict=True)
    return images, torch.tensor(attributes), torch.tensor(values)

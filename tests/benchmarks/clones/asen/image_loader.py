import json
from pathlib import Path

from PIL import Image
from torch.utils.data import Dataset


class TripletImageLoader(Dataset):
    def __init__(self, root, base_path, num_triplets, transform=None):
        folder = Path(root) / base_path
        meta = json.loads((Path(root) / "meta.json").read_text())[base_path]
        names = (folder / "filenames_train.txt").read_text().split()
        of_value = {}
        for line in (folder / "label_train.txt").read_text().splitlines():
            image, *labels = map(int, line.split())
            for attribute, value in zip(labels[::2], labels[1::2], strict=True):
                assert value < meta["ATTRIBUTES_NUM"][meta["ATTRIBUTES"][attribute]]
                of_value.setdefault((attribute, value), []).append(folder / names[image])
        one, other = of_value[0, 0], of_value[0, 1]
        self.files, self.count = (one[0], other[0], one[1]), num_triplets
        self.transform = transform

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return *(self.transform(Image.open(file)) for file in self.files), 0


class ImageLoader(Dataset):
    def __init__(self, root, base_path, filenames_filename, split, cand_query, transform=None):
        folder = Path(root) / base_path
        names = (folder / filenames_filename).read_text().split()
        lines = (folder / f"{cand_query}_{split}.txt").read_text().splitlines()
        self.rows = [[int(number) for number in line.split()] for line in lines]
        self.files, self.transform = [folder / name for name in names], transform

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        image, attribute, value = self.rows[index]
        return self.transform(Image.open(self.files[image])), attribute, value, str(image)

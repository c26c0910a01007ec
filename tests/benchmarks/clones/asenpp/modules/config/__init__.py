import json
from pathlib import Path


class Config(dict):
    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__

    def clone(self):
        each = self.items()
        return Config({k: v.clone() if isinstance(v, Config) else v for k, v in each})

    def merge_from_file(self, file):
        for section, values in json.loads(Path(file).read_text()).items():
            for name, value in values.items():
                self[section][name] = Config(value) if isinstance(value, dict) else value


cfg = Config(
    DEVICE="cuda",
    INPUT=Config(GLOBAL_SIZE=224, LOCAL_SIZE=112),
    DATA=Config(ATTRIBUTES=Config(), TEST_BATCHSIZE=3, BASE_PATH="", DATASET=""),
    SOLVER=Config(MARGIN=0.2, BETA=0.6, BASE_LR=1e-4, BASE_LR_SLOW=1e-5),
)

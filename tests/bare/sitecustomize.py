"""With this folder on PYTHONPATH, Python is as on an image that has little but PyTorch."""

import sys
from importlib.machinery import PathFinder

ABSENT = {
    "aiohttp",
    "gdown",
    "jsonschema",
    "modc",  # the source tree is there, but nothing says that it is installed
    "requests",
    "simplejpeg",
    "snakemake",
    "tabulate",
    "tqdm",
    "yarl",
}


class Finder(PathFinder):
    """Python's own, but that the absent packages are not found."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname in ABSENT - {"modc"}:
            return None
        return super().find_spec(fullname, path, target)

    @classmethod
    def find_distributions(cls, context):
        return () if context.name in ABSENT else super().find_distributions(context)


sys.meta_path[sys.meta_path.index(PathFinder)] = Finder

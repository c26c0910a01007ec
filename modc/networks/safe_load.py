"""PyTorch files of strangers, read without running any code that they carry."""

import io
import lzma
import pickle
import re
import tarfile
import zipfile
import zlib
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from modc.errors import UserError

# Under which a training script stores its state dict beside other things.
_WRAPPERS = ("state_dict", "model_state_dict", "model", "network", "net")
# What DataParallel and torch.compile put before, or within, the names of tensors.
_PREFIX = re.compile(r"(^|\.)(module|_orig_mod)(?=\.)")


class _Ignored:
    """Stands for a plain value beside the weights: made of anything, it holds nothing.

    numpy's own arrays and types must not be made of a stranger's file: a forged type reads memory
    where the file says.
    """

    def __new__(cls, *_, **__):
        return object.__new__(cls)

    def __setstate__(self, _) -> None:
        pass


# What training scripts store beside weights: numpy's numbers and arrays, under the names of numpy 1
# and 2, and the options of a command line.
_PLAIN = [
    (_Ignored, name)
    for name in (
        "numpy.ndarray",
        "numpy.dtype",
        *(
            f"numpy.{core}.multiarray.{made}"
            for core in ("core", "_core")
            for made in ("scalar", "_reconstruct")
        ),
        "argparse.Namespace",
    )
]


def read(path: Path) -> dict:
    """Return the dictionary of tensors and plain values in a .pt file, on the CPU.

    Raises UserError if the file is absent or damaged, naming what it is where that can be seen, or
    holds anything more: such a file could run code when it is loaded.
    """
    try:
        with torch.serialization.safe_globals(_PLAIN):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{path}: no such checkpoint") from None
    except IsADirectoryError:
        raise UserError(f"{path}: a folder; expected a checkpoint file") from None
    except pickle.UnpicklingError as error:
        refused = re.search(r"GLOBAL (\S+)", str(error))
        if refused is None:
            raise UserError(f"{path}: {_what_it_is(path.read_bytes())}") from None
        raise UserError(
            f"{path}: holds {refused[1]}, and was not loaded, since that could run code; expected "
            f"tensors and plain values, as torch.save(network.state_dict(), FILE) stores them"
        ) from None
    except Exception as error:  # what torch raises for a damaged file is not documented
        if isinstance(error, OSError) and error.errno:
            raise
        raise UserError(f"{path}: {_what_it_is(path.read_bytes())}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected a checkpoint dictionary, found {type(content).__name__}")
    return content


def state_dict(content: dict, path: Path) -> dict[str, Tensor]:
    """Return the state dict in what `read` found, under the names of the network itself.

    It may stand beside other things, and its names may have the prefixes of DataParallel and
    torch.compile. Raises UserError naming the first entry that is not a tensor.
    """
    filled = (name for name in _WRAPPERS if isinstance(content.get(name), dict) and content[name])
    wrapper = next(filled, None)
    state = content if wrapper is None else content[wrapper]
    wrong = next((key for key, value in state.items() if not isinstance(value, Tensor)), None)
    if wrong is not None or not state:
        found = f"{wrong!r} is not a tensor" if state else "it is empty"
        raise UserError(f"{path}: {found}; expected a state dict of tensors")
    named = {_PREFIX.sub("", str(key)).lstrip("."): tensor for key, tensor in state.items()}
    if len(named) < len(state):
        raise UserError(f"{path}: two tensors have the same name after removing prefixes")
    return named


def _what_it_is(data: bytes) -> str:
    """Return what a file that torch does not read seems to be, and what to do."""
    if not data:
        return "an empty file; fetch or train it again"
    if data.lstrip()[:1] == b"<":
        return "a web page, not a checkpoint; fetch it again"
    if data.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer; fetch the file itself with `git lfs pull`"
    if data.startswith(b"\x1f\x8b"):
        return "packed by gzip; unpack it first (gunzip, or tar xzf)"
    if data[8:10] == b'{"':
        return (
            "a safetensors file; convert it with "
            "torch.save(safetensors.torch.load_file(FILE), OTHER)"
        )
    members = _members(data)
    if members:
        some = ", ".join(members[:4]) + (", ..." if len(members) > 4 else "")
        return f"an archive of {some}; unpack it and name the file in it"
    return "truncated or not a PyTorch file; fetch or train it again"


def _members(data: bytes) -> list[str]:
    """Return the files of a zip or tar archive that is not a PyTorch file, [] for anything else."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            return [] if any(name.endswith("data.pkl") for name in names) else names
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        pass
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            names = [member.name for member in islice(archive, 100) if member.isfile()]
            return [] if {"storages", "tensors", "pickle"} <= set(names) else names
    # tarfile lets the errors of its decompressors pass.
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError):
        return []

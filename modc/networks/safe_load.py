"""PyTorch files of strangers, read without running any code that they carry."""

import pickle
from pathlib import Path

import torch

from modc.errors import UserError


def read(path: Path) -> dict:
    """Return the dictionary of tensors and plain values in a .pt file, on the CPU.

    Raises UserError if the file is absent, truncated, made by something else than torch.save, or
    holds anything more: such a file could run code when it is loaded.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{path}: no such checkpoint") from None
    except IsADirectoryError:
        raise UserError(f"{path}: a folder; expected a checkpoint file") from None
    except pickle.UnpicklingError:
        raise UserError(
            f"{path}: holds more than tensors and plain values, or is no PyTorch file; it was not "
            f"loaded, since it could run code. Expected a checkpoint made by torch.save"
        ) from None
    except Exception as error:  # what torch raises for a damaged file is not documented
        if isinstance(error, OSError) and error.errno:
            raise
        raise UserError(f"{path}: truncated or no PyTorch file; fetch or train it again") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected a checkpoint dictionary, found {type(content).__name__}")
    return content

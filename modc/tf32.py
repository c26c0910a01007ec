"""float32 means float32 on a GPU too, where TF32 would keep ten bits of a factor of 23."""

import torch


def without_tf32() -> None:
    """Let this process multiply and convolve in full float32.

    torch allows TF32 in cuDNN's convolutions by default, and NVIDIA's containers allow it in
    products as well.
    """
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False

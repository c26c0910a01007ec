"""Batch normalization folded into the convolution before it, for a network that only evaluates."""

import copy
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


@torch.no_grad()
def folded(network: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode whose convolutions do their batch normalization too.

    A convolution directly before a BatchNorm2d among its parent's parts takes its scale and shift,
    as torchvision's ResNets and this package's networks order them. The embeddings are the same but
    for rounding: cosines above 1 - 1e-6 in float32.
    """
    network = copy.deepcopy(network).eval()
    for parent in list(network.modules()):
        for (name, before), (following, after) in pairwise(list(parent.named_children())):
            if isinstance(before, nn.Conv2d) and isinstance(after, nn.BatchNorm2d):
                setattr(parent, name, fuse_conv_bn_eval(before, after))
                setattr(parent, following, nn.Identity())
    return network

"""Batch normalisation that takes its statistics over each group of a batch.

The public code passes anchors, positives and negatives through the network one after the other, so
its statistics are of 16 images. In groups, one pass of 48 gives the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class BatchNorm2d(nn.BatchNorm2d):
    """torch's, with `groups`: how many equal groups of (B, C, H, W) stand in a row along B."""

    groups = 1

    def forward(self, features: Tensor) -> Tensor:
        """Return the normalised features; while training, the running statistics move by group."""
        if not self.training or self.groups == 1:
            return super().forward(features)
        forward = super().forward
        return torch.cat([forward(part) for part in features.chunk(self.groups)])


@contextmanager
def in_groups(network: nn.Module, groups: int) -> Iterator[None]:
    """Let every batch normalisation of `network` see so many groups."""
    layers = [module for module in network.modules() if isinstance(module, BatchNorm2d)]
    try:
        for layer in layers:
            layer.groups = groups
        yield
    finally:
        for layer in layers:
            layer.groups = 1

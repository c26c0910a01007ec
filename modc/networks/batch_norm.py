"""Batch normalization that takes its statistics over each group of a batch.

The public code passes anchors, positives and negatives through the network one after the other, so
its statistics are of 16 images. In groups, one pass of 48 gives the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class BatchNorm2d(nn.BatchNorm2d):
    """torch's, with `groups`: how many equal groups of (B, C, H, W) stand in a row along B."""

    groups = 1

    def forward(self, features: Tensor) -> Tensor:
        """Return the normalized features; while training, the running statistics move by group."""
        if not self.training or self.groups == 1:
            return super().forward(features)
        self.num_batches_tracked.add_(self.groups)
        return _InGroups.apply(
            features,
            self.weight,
            self.bias,
            self.running_mean,
            self.running_var,
            self.groups,
            self.momentum,
            self.eps,
        )


class _InGroups(torch.autograd.Function):
    """torch's kernels on each group, as one node of the graph whose output is written in place.

    torch has no kernel of its own for it: one call for all groups would need the channels of each
    side by side in memory, which moves twice as many bytes as it saves.
    """

    @staticmethod
    def forward(ctx, features, weight, bias, running_mean, running_var, groups, momentum, eps):
        output = torch.empty_like(features)
        # Statistics are float32 of bfloat16 features too.
        mean, deviation = (weight.new_empty(groups, len(weight)) for _ in range(2))
        for part in zip(features.chunk(groups), output.chunk(groups), mean, deviation, strict=True):
            torch.native_batch_norm(
                part[0], weight, bias, running_mean, running_var, True, momentum, eps, out=part[1:]
            )
        ctx.save_for_backward(features, weight, mean, deviation)
        ctx.eps = eps
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        features, weight, mean, deviation = ctx.saved_tensors
        groups = len(mean)
        found = [
            torch.ops.aten.native_batch_norm_backward(
                of_output, of_features, weight, None, None, *saved, True, ctx.eps, [True] * 3
            )
            for of_output, of_features, *saved in zip(
                gradient.chunk(groups), features.chunk(groups), mean, deviation, strict=True
            )
        ]
        of_features, of_weight, of_bias = zip(*found, strict=True)
        of_parameters = (torch.stack(part).sum(dim=0) for part in (of_weight, of_bias))
        return torch.cat(of_features), *of_parameters, None, None, None, None, None


@contextmanager
def in_groups(network: nn.Module, groups: int) -> Iterator[None]:
    """Let every batch normalization of `network` see so many groups."""
    layers = [module for module in network.modules() if isinstance(module, BatchNorm2d)]
    try:
        for layer in layers:
            layer.groups = groups
        yield
    finally:
        for layer in layers:
            layer.groups = 1

"""The self-supervision loss: two views of an image embedded alike (A5; SimSiam, CVPR 2021)."""

from torch import Tensor, nn
from torch.nn import functional

BOTTLENECK = 4  # the predictor's inner layer has a quarter of the dimensions


class Predictor(nn.Sequential):
    """SimSiam's predictor h: dim -> dim/4 -> dim."""

    def __init__(self, dim: int):
        inner = dim // BOTTLENECK
        super().__init__(
            nn.Linear(dim, inner, bias=False),
            nn.BatchNorm1d(inner),
            nn.ReLU(inplace=True),
            nn.Linear(inner, dim),
        )


def self_supervision_loss(first: Tensor, second: Tensor, predictor: nn.Module) -> Tensor:
    """Return -(cos(h(first), second) + cos(h(second), first)) / 2, averaged over the batch.

    first, second: (B, D), the embeddings of two views; what h is compared with takes no gradient.
    predictor: h, or nn.Identity for none. A scalar in [-1, 1].
    """
    one = functional.cosine_similarity(predictor(first), second.detach(), dim=1)
    two = functional.cosine_similarity(predictor(second), first.detach(), dim=1)
    return -(one.mean() + two.mean()) / 2

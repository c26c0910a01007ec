"""The two attentions that the three networks share: over positions, then over channels."""

import torch
from torch import Tensor, nn


def spatial_attention(features: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
    """Return the attended vector (B, F) and the attention (B, h, w), which sums to 1 an image.

    features: (B, F, h, w); scores: (B, h, w), any real numbers, through a softmax over the h*w
    positions.
    """
    attention = scores.flatten(1).softmax(dim=1).view_as(scores)
    return torch.einsum("bfhw,bhw->bf", features, attention), attention


class ScaledDotProduct(nn.Module):
    """Spatial scores of ASENv2 and ASEN++: the attribute's query against a key a position.

    `keys` maps features (B, F, h, w) to (B, C, h, w); the attribute embedding (B, T) goes through a
    linear layer to (B, C). Both pass tanh; their product is divided by the square root of C.
    """

    def __init__(self, keys: nn.Module, attribute_dim: int, dim: int):
        super().__init__()
        self.keys = keys
        self.query = nn.Linear(attribute_dim, dim)

    def forward(self, features: Tensor, attribute: Tensor) -> Tensor:
        """Return the scores (B, h, w)."""
        keys = torch.tanh(self.keys(features))  # (B, C, h, w)
        query = torch.tanh(self.query(attribute))  # (B, C)
        return torch.einsum("bchw,bc->bhw", keys, query) / query.shape[1] ** 0.5


class ChannelAttention(nn.Module):
    """A gate in (0, 1) a channel, from the attended vector and the attribute.

    Two linear layers with half the channels between them, as in all three networks.
    """

    def __init__(self, channels: int, attribute_dim: int):
        super().__init__()
        self.squeeze = nn.Linear(channels + attribute_dim, channels // 2)
        self.excite = nn.Linear(channels // 2, channels)

    def forward(self, vector: Tensor, attribute: Tensor) -> Tensor:
        """Return the gate (B, F) for vector (B, F) and attribute (B, T)."""
        joined = torch.cat([vector, attribute], dim=1)
        return torch.sigmoid(self.excite(torch.relu(self.squeeze(joined))))

"""ASEN++ (TIP 2021, arXiv 2104.02429): a global branch, and a local one on what it attends to."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from modc.networks.attention import ChannelAttention, ScaledDotProduct, spatial_attention
from modc.networks.backbone import Backbone

ATTRIBUTE_DIM = 512
GLOBAL_ATTENTION_DIM = 512
LOCAL_ATTENTION_DIM = 256
EMBEDDING_DIM = 1024


class Branch(nn.Module):
    """One branch: backbone, spatial and channel attention, a last linear layer."""

    def __init__(self, backbone: Backbone, attention_dim: int):
        super().__init__()
        channels = backbone.channels
        self.backbone = backbone
        keys = nn.Conv2d(channels, attention_dim, kernel_size=1)
        self.spatial = ScaledDotProduct(keys, ATTRIBUTE_DIM, attention_dim)
        self.channel_attribute = nn.Linear(ATTRIBUTE_DIM, ATTRIBUTE_DIM)
        self.channel = ChannelAttention(channels, ATTRIBUTE_DIM)
        self.projection = nn.Linear(channels, EMBEDDING_DIM)

    def forward(self, features: Tensor, embedded: Tensor) -> tuple[Tensor, Tensor]:
        """Return the vector (B, 1024), not normalised, and the attention (B, h, w).

        features: the backbone's (B, F, h, w); embedded: the attribute embedding (B, 512).
        """
        vector, attention = spatial_attention(features, self.spatial(features, embedded))
        gate = self.channel(vector, torch.relu(self.channel_attribute(embedded)))
        return self.projection(vector * gate), attention


class ASENpp(nn.Module):
    """Two branches of one form that share the attribute embedding.

    global_weight: beta of the similarity, beta * cos(global) + (1 - beta) * cos(local).
    """

    def __init__(
        self,
        global_backbone: Backbone,
        local_backbone: Backbone,
        attributes: int,
        global_weight: float = 0.6,
    ):
        super().__init__()
        self.attributes = attributes
        self.global_weight = global_weight
        self.attribute_embedding = nn.Embedding(attributes, ATTRIBUTE_DIM)
        self.global_branch = Branch(global_backbone, GLOBAL_ATTENTION_DIM)
        self.local_branch = Branch(local_backbone, LOCAL_ATTENTION_DIM)

    def features(self, images: Tensor) -> Tensor:
        """Return the global feature maps (B, F, S/16, S/16) of normalised images (B, 3, S, S)."""
        return self.global_branch.backbone(images)

    def global_head(self, features: Tensor, attribute: Tensor) -> tuple[Tensor, Tensor]:
        """Return global vectors (B, 1024), not normalised, and attention (B, h, w)."""
        return self.global_branch(features, self.attribute_embedding(attribute))

    def local_head(self, crops: Tensor, attribute: Tensor) -> Tensor:
        """Return local vectors (B, 1024), not normalised, of normalised crops (B, 3, S/2, S/2)."""
        features = self.local_branch.backbone(crops)
        return self.local_branch(features, self.attribute_embedding(attribute))[0]

    def similarity_embedding(self, global_vector: Tensor, local_vector: Tensor) -> Tensor:
        """Return unit embeddings (B, 2048) whose inner product is the weighted similarity."""
        return torch.cat(
            [
                self.global_weight**0.5 * functional.normalize(global_vector, dim=1),
                (1 - self.global_weight) ** 0.5 * functional.normalize(local_vector, dim=1),
            ],
            dim=1,
        )

    def local_parameters(self) -> list[nn.Parameter]:
        """Return the parameters of the local branch; the attribute embedding is not among them."""
        return list(self.local_branch.parameters())

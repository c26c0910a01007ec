"""ASENv2: learned attribute embeddings, dot-product attention, no last linear layer."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from modc.networks.attention import ChannelAttention, ScaledDotProduct, spatial_attention
from modc.networks.backbone import Backbone
from modc.networks.batch_norm import BatchNorm2d

ATTRIBUTE_DIM = 512
ATTENTION_DIM = 512


class ASENv2(nn.Module):
    """The second network of the ASEN repository (`ASENet_V2` there).

    attributes: how many attributes A it knows. Embeddings have as many dimensions as the backbone
    has channels: 1024 for ResNet-50.
    """

    def __init__(self, backbone: Backbone, attributes: int):
        super().__init__()
        channels = backbone.channels
        keys = nn.Sequential(
            nn.Conv2d(channels, ATTENTION_DIM, kernel_size=1), BatchNorm2d(ATTENTION_DIM)
        )
        self.attributes = attributes
        self.backbone = backbone
        self.attribute_embedding = nn.Embedding(attributes, ATTRIBUTE_DIM)
        self.spatial = ScaledDotProduct(keys, ATTRIBUTE_DIM, ATTENTION_DIM)
        self.channel_attribute = nn.Linear(ATTRIBUTE_DIM, ATTRIBUTE_DIM)
        self.channel = ChannelAttention(channels, ATTRIBUTE_DIM)

    def features(self, images: Tensor) -> Tensor:
        """Return the feature maps (B, F, S/16, S/16) of normalised images (B, 3, S, S)."""
        return self.backbone(images)

    def head(self, features: Tensor, attribute: Tensor) -> tuple[Tensor, Tensor]:
        """Return unit embeddings (B, F) and attention (B, h, w) for attribute int64 (B,)."""
        embedded = self.attribute_embedding(attribute)  # (B, 512)
        vector, attention = spatial_attention(features, self.spatial(features, embedded))
        gate = self.channel(vector, torch.relu(self.channel_attribute(embedded)))
        return functional.normalize(vector * gate, dim=1), attention

    def forward(self, images: Tensor, attribute: Tensor) -> tuple[Tensor, Tensor]:
        """Return `head` of `features`."""
        return self.head(self.features(images), attribute)

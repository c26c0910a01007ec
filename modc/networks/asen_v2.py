"""ASENv2: learned attribute embeddings, dot-product attention, no last linear layer."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from modc.networks.attention import ChannelAttention, ScaledDotProduct, spatial_attention
from modc.networks.backbone import Backbone
from modc.networks.batch_norm import BatchNorm2d
from modc.networks.network import CloserLook, Embedded, Network, precise

ATTRIBUTE_DIM = 512
ATTENTION_DIM = 512


class ASENv2(Network):
    """The second network of the ASEN repository (`ASENet_V2` there).

    attributes: how many attributes A it knows. Embeddings have as many dimensions as the backbone
    has channels: 1024 for ResNet-50.
    """

    name = "ASENv2"
    published: ClassVar[dict] = {"backbone": "resnet50"}
    public_mark = "attr_transform1.weight"
    public_prefixes: ClassVar[dict] = {
        "backbonenet.": "backbone.",
        "attr_embedding.": "attribute_embedding.",
        "attr_transform1.": "spatial.query.",
        "conv1.": "spatial.keys.0.",
        "img_bn1.": "spatial.keys.1.",
        "attr_transform2.": "channel_attribute.",
        "fc1.": "channel.squeeze.",
        "fc2.": "channel.excite.",
    }

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
        """Return the feature maps (B, F, S/16, S/16) of normalized images (B, 3, S, S)."""
        return self.backbone(images)

    def head(self, features: Tensor, attribute: Tensor) -> tuple[Tensor, Tensor]:
        """Return unit embeddings (B, F) and attention (B, h, w) for attribute int64 (B,)."""
        embedded = self.attribute_embedding(attribute)  # (B, 512)
        vector, attention = spatial_attention(features, self.spatial(features, embedded))
        gate = self.channel(vector, torch.relu(self.channel_attribute(embedded)))
        return functional.normalize(vector * gate, dim=1), attention

    def embed(
        self, features: Tensor, attribute: Tensor, look: CloserLook | None = None
    ) -> Embedded:
        """Return unit embeddings (B, F) for attribute int64 (B,)."""
        vector, attention = self.head(features, attribute)
        vector = precise(vector)
        return Embedded(vector, vector, attention=attention)

"""ASEN (AAAI 2020): attributes as one-hot vectors, a last linear layer."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from modc.networks.attention import ChannelAttention, spatial_attention
from modc.networks.backbone import Backbone
from modc.networks.network import CloserLook, Embedded, Network, precise

ATTENTION_DIM = 512
EMBEDDING_DIM = 1024


class ASEN(Network):
    """Attribute-Specific Embedding Network.

    attributes: how many attributes A it knows. Source: ASEN, section "Network Structure"; `ASENet`
    in the public code.
    """

    name = "ASEN"
    published: ClassVar[dict] = {"backbone": "resnet50"}
    public_mark = "mask_fc1.weight"
    public_prefixes: ClassVar[dict] = {
        "backbonenet.": "backbone.",
        "mask_fc1.": "spatial_attribute.",
        "mask_fc2.": "channel_attribute.",
        "conv1.": "spatial_image.",
        "conv2.": "spatial_score.",
        "fc1.": "channel.squeeze.",
        "fc2.": "channel.excite.",
        "feature_fc.": "projection.",
    }

    def __init__(self, backbone: Backbone, attributes: int):
        super().__init__()
        channels = backbone.channels
        self.attributes = attributes
        self.backbone = backbone
        self.spatial_image = nn.Conv2d(channels, ATTENTION_DIM, kernel_size=1)
        self.spatial_attribute = nn.Linear(attributes, ATTENTION_DIM, bias=False)
        self.spatial_score = nn.Conv2d(ATTENTION_DIM, 1, kernel_size=1)
        self.channel_attribute = nn.Linear(attributes, channels, bias=False)
        self.channel = ChannelAttention(channels, channels)
        self.projection = nn.Linear(channels, EMBEDDING_DIM)

    def features(self, images: Tensor) -> Tensor:
        """Return the feature maps (B, F, S/16, S/16) of normalized images (B, 3, S, S)."""
        return self.backbone(images)

    def head(self, features: Tensor, attribute: Tensor) -> tuple[Tensor, Tensor]:
        """Return unit embeddings (B, 1024) and attention (B, h, w) for attribute int64 (B,)."""
        one_hot = functional.one_hot(attribute, self.attributes).to(features.dtype)  # (B, A)
        image = torch.tanh(self.spatial_image(features))  # (B, 512, h, w)
        query = torch.tanh(self.spatial_attribute(one_hot))[:, :, None, None]
        scores = torch.tanh(self.spatial_score(image * query))[:, 0]  # (B, h, w)
        vector, attention = spatial_attention(features, scores)
        gate = self.channel(vector, torch.relu(self.channel_attribute(one_hot)))
        return functional.normalize(self.projection(vector * gate), dim=1), attention

    def embed(
        self, features: Tensor, attribute: Tensor, look: CloserLook | None = None
    ) -> Embedded:
        """Return unit embeddings (B, 1024) for attribute int64 (B,)."""
        vector, attention = self.head(features, attribute)
        vector = precise(vector)
        return Embedded(vector, vector, attention=attention)

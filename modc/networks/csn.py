"""CSN, Conditional Similarity Network (CVPR 2017): one mask over the channels an attribute.

As the ASEN repository has it, which compares ASEN with it.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from modc.networks.backbone import Backbone
from modc.networks.network import CloserLook, Embedded, Network, precise

EMBEDDING_DIM = 1024
# The masks are drawn from a normal distribution of this mean and standard deviation.
MASK_MEAN, MASK_SD = 0.9, 0.7


class CSN(Network):
    """A linear layer on the pooled features, times the attribute's mask.

    It attends to no place: its attention is the same everywhere. Source: `ConditionalSimNet` in the
    public ASEN code.
    """

    name = "CSN"
    published: ClassVar[dict] = {"backbone": "resnet50"}
    public_mark = "masks.weight"
    public_prefixes: ClassVar[dict] = {
        "embeddingnet.": "backbone.",
        "embed_fc.": "projection.",
        "masks.": "masks.",
    }

    def __init__(self, backbone: Backbone, attributes: int):
        super().__init__()
        self.attributes = attributes
        self.backbone = backbone
        self.projection = nn.Linear(backbone.channels, EMBEDDING_DIM)
        self.masks = nn.Embedding(attributes, EMBEDDING_DIM)
        nn.init.normal_(self.masks.weight, MASK_MEAN, MASK_SD)

    def features(self, images: Tensor) -> Tensor:
        """Return the feature maps (B, F, S/16, S/16) of normalized images (B, 3, S, S)."""
        return self.backbone(images)

    def embed(
        self, features: Tensor, attribute: Tensor, look: CloserLook | None = None
    ) -> Embedded:
        """Return unit embeddings (B, 1024) for attribute int64 (B,)."""
        pooled = self.projection(features.mean(dim=(2, 3)))  # (B, 1024)
        masked = pooled * torch.relu(self.masks(attribute))
        vector = precise(functional.normalize(masked, dim=1))
        places = features.shape[2] * features.shape[3]
        attention = features.new_full(features[:, 0].shape, 1 / places)  # (B, h, w)
        return Embedded(vector, vector, attention=attention)

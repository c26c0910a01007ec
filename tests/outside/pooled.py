"""One linear layer per attribute on globally pooled features."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from modc.networks.backbone import Backbone
from modc.networks.network import CloserLook, Embedded, Network, precise


class Pooled(Network):
    """dim: dimension of the embeddings."""

    def __init__(self, backbone: Backbone, attributes: int, dim: int):
        super().__init__()
        self.attributes = attributes
        self.backbone = backbone
        layers = torch.randn(attributes, backbone.channels, dim) / backbone.channels**0.5
        self.layers = nn.Parameter(layers)

    def features(self, images: Tensor) -> Tensor:
        """Return the feature maps (B, F, S/16, S/16) of normalized images (B, 3, S, S)."""
        return self.backbone(images)

    def embed(
        self, features: Tensor, attribute: Tensor, look: CloserLook | None = None
    ) -> Embedded:
        """Return unit embeddings (B, dim) for attribute int64 (B,)."""
        pooled = features.mean(dim=(2, 3))  # (B, F)
        vector = torch.einsum("bf,bfd->bd", pooled, self.layers[attribute])
        vector = precise(functional.normalize(vector, dim=1))
        return Embedded(vector, vector)

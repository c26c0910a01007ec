"""ASEN++ (TIP 2021, arXiv 2104.02429): a global branch, and a local one on what it attends to."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from modc.errors import UserError
from modc.losses.alignment import alignment_loss
from modc.losses.triplet import triplet_loss
from modc.networks.attention import ChannelAttention, ScaledDotProduct, spatial_attention
from modc.networks.backbone import Backbone
from modc.networks.network import CloserLook, Embedded, Network, Space, precise
from modc.stage import StageSpec

ATTRIBUTE_DIM = 512
GLOBAL_ATTENTION_DIM = 512
LOCAL_ATTENTION_DIM = 256
EMBEDDING_DIM = 1024
# Prefixes of a branch's keys in the public checkpoints, each with ours.
BRANCH = {
    "basenet.": "backbone.",
    "attnnet.attr_transform1.": "spatial.query.",
    "attnnet.conv.": "spatial.keys.",
    "attnnet.attr_transform2.": "channel_attribute.",
    "attnnet.fc1.": "channel.squeeze.",
    "attnnet.fc2.": "channel.excite.",
    "attnnet.feature_fc.": "projection.",
}


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
        """Return the vector (B, 1024), not normalized, and the attention (B, h, w).

        features: the backbone's (B, F, h, w); embedded: the attribute embedding (B, 512).
        """
        vector, attention = spatial_attention(features, self.spatial(features, embedded))
        gate = self.channel(vector, torch.relu(self.channel_attribute(embedded)))
        return self.projection(vector * gate), attention


class ASENpp(Network):
    """Two branches of one form that share the attribute embedding.

    The global branch sees the image, the local one the region that the global one attends to.
    global_weight: beta of the similarity, beta * cos(global) + (1 - beta) * cos(local).
    """

    name = "ASEN++"
    looks_closer = True
    negative_first = False
    published: ClassVar[dict] = {
        "global_backbone": "resnet50",
        "local_backbone": "resnet34",
        "global_weight": 0.6,
    }
    public_mark = "choices."
    public_prefixes: ClassVar[dict] = {
        "choices.global.attrnet.attr_embedding.": "attribute_embedding.",
        **{
            f"choices.{branch}.{public}": f"{branch}_branch.{ours}"
            for branch in ("global", "local")
            for public, ours in BRANCH.items()
        },
    }
    # The branches share one attribute embedding, which the checkpoints hold under two names.
    public_copies: ClassVar[dict] = {
        "choices.local.attrnet.attr_embedding.weight": (
            "choices.global.attrnet.attr_embedding.weight"
        )
    }

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
        """Return the global feature maps (B, F, S/16, S/16) of normalized images (B, 3, S, S)."""
        return self.global_branch.backbone(images)

    def embed(
        self, features: Tensor, attribute: Tensor, look: CloserLook | None = None
    ) -> Embedded:
        """Return unit embeddings (B, 2048) for attribute int64 (B,).

        Without a closer look, those (B, 1024) of the global branch alone.
        """
        vector, attention = self.global_head(features, attribute)
        vector = precise(vector)
        if look is None:
            return Embedded(vector, functional.normalize(vector, dim=1), attention=attention)
        local = precise(self.local_head(look(attention), attribute))
        embedding = self.similarity_embedding(vector, local)
        return Embedded(vector, embedding, {"local": local}, attention)

    def global_head(self, features: Tensor, attribute: Tensor) -> tuple[Tensor, Tensor]:
        """Return global vectors (B, 1024), not normalized, and attention (B, h, w)."""
        return self.global_branch(features, self.attribute_embedding(attribute))

    def local_head(self, crops: Tensor, attribute: Tensor) -> Tensor:
        """Return local vectors (B, 1024), not normalized, of normalized crops (B, 3, S/2, S/2)."""
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

    def instance_terms(
        self, anchor: Embedded, positive: Embedded, negative: Embedded, spec: StageSpec
    ) -> dict[str, Tensor]:
        """Return the triplet loss; with both branches the local one and their alignment too."""
        terms = super().instance_terms(anchor, positive, negative, spec)
        if "local" not in anchor.parts:
            return terms
        roles = (anchor, positive, negative)
        local = triplet_loss(*(role.parts["local"] for role in roles), spec.margin)
        aligned = sum(alignment_loss(role.vector, role.parts["local"]) for role in roles)
        terms["local_triplet"] = spec.local_weight * local
        terms["alignment"] = spec.alignment_weight * aligned
        return terms

    def parameter_groups(self, spec: StageSpec) -> list[tuple[list[nn.Parameter], float]]:
        """Return the global branch with the attribute embedding, and the local branch.

        The first part of the warm-up leaves the local branch alone. Raises UserError if a later
        one has no rate for it.
        """
        local = self.local_parameters()
        of_local = {id(parameter) for parameter in local}
        rest = [parameter for parameter in self.parameters() if id(parameter) not in of_local]
        groups = [(rest, spec.learning_rate)]
        if not spec.has_details:
            return groups
        if spec.local_learning_rate is None:
            raise UserError(
                f"{self.name} {spec.stage}: the recipe has no local_learning_rate, which "
                f"the local branch needs; expected next to learning_rate"
            )
        return [*groups, (local, spec.local_learning_rate)]

    def local_parameters(self) -> list[nn.Parameter]:
        """Return the parameters of the local branch; the attribute embedding is not among them."""
        return list(self.local_branch.parameters())

    def spaces(self, dim: int, spec: StageSpec) -> tuple[Space, ...]:
        """Return one space, or one for each branch's half of the embedding (A14)."""
        if spec.center_space != "branches":
            return super().spaces(dim, spec)
        return halves(dim, self.global_weight, spec.local_weight)


def halves(dim: int, global_weight: float, local_weight: float) -> tuple[Space, Space]:
    """Return a space for each branch's half of an embedding of `dim` columns.

    They are as long as the network makes them, so that the cosine to a center is the network's own
    weighted similarity. The local space's loss has the weight of the local triplet loss.
    """
    return (
        Space(0, dim // 2, global_weight**0.5),
        Space(dim // 2, dim, (1 - global_weight) ** 0.5, local_weight),
    )

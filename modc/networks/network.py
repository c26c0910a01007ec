"""The interface of a network: from pixels and an attribute to an embedding.

A network is a class of this package, found by its `name`, or any other that the configuration names
as `package.module:Class` (docs/extending.md).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from modc.losses.triplet import triplet_loss
from modc.stage import StageSpec

# From attention (B, h, w) to the normalized pixels (B, 3, S/2, S/2) of a closer look, which are cut
# from a larger image (`modc.networks.region`).
CloserLook = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Embedded:
    """What a network makes of B images: float32, gradients attached.

    vector: (B, D), of any length, which the triplet loss sees. embedding: (B, D'), unit vectors by
    which images are searched. parts: further vectors by their names, for the network's own losses.
    attention: (B, h, w), of a pass through the network; None once rows are taken.
    """

    vector: Tensor
    embedding: Tensor
    parts: dict[str, Tensor] = field(default_factory=dict)
    attention: Tensor | None = None

    def take(self, rows: Tensor) -> "Embedded":
        """Return the given rows."""
        parts = {name: part[rows] for name, part in self.parts.items()}
        return Embedded(self.vector[rows], self.embedding[rows], parts)

    def split(self, size: int) -> list["Embedded"]:
        """Return groups of `size` rows."""
        vectors, embeddings = self.vector.split(size), self.embedding.split(size)
        parts = {name: part.split(size) for name, part in self.parts.items()}
        return [
            Embedded(vectors[n], embeddings[n], {name: part[n] for name, part in parts.items()})
            for n in range(len(vectors))
        ]


def concatenated(groups: list[Embedded]) -> Embedded:
    """Return several batches as one."""
    return Embedded(
        torch.cat([group.vector for group in groups]),
        torch.cat([group.embedding for group in groups]),
        {name: torch.cat([group.parts[name] for group in groups]) for name in groups[0].parts},
    )


@dataclass(frozen=True)
class Space:
    """Columns start to stop of the embedding, in which a cluster center has a fixed length (A14).

    weight: of the cluster-level loss within this space.
    """

    start: int
    stop: int
    length: float = 1.0
    weight: float = 1.0

    def part(self, vectors: Tensor) -> Tensor:
        """Return these columns of `vectors` (..., D), of length one; NaN stays NaN."""
        return nn.functional.normalize(vectors[..., self.start : self.stop], dim=-1)


def unit(vectors: Tensor, spaces: tuple[Space, ...]) -> Tensor:
    """Return `vectors` (N, D) with each space's part brought to its length: unit vectors."""
    return torch.cat([space.length * space.part(vectors) for space in spaces], dim=-1)


class Network(nn.Module):
    """Base class of all networks.

    The constructor takes `attributes`, how many attributes A the network knows, and what the
    configuration sets under networks.<name>, by the same names; an option whose name ends in
    "backbone" arrives as a `Backbone`.
    """

    # What the package's own networks are called; others are called by their key in the
    # configuration.
    name: ClassVar[str] = ""
    # Whether it takes a closer look, for which larger images are packed.
    looks_closer: ClassVar[bool] = False
    # Whether a triplet's negative passes before the positive. Only the running statistics of batch
    # normalization depend on it.
    negative_first: ClassVar[bool] = True
    # The options of the network as it was published, {} where none was.
    published: ClassVar[dict] = {}
    # A key, or its beginning, that of all public checkpoints only this network's have; "" without
    # any. Prefixes of their keys, each with ours. Keys that repeat another's tensor.
    public_mark: ClassVar[str] = ""
    public_prefixes: ClassVar[dict[str, str]] = {}
    public_copies: ClassVar[dict[str, str]] = {}

    attributes: int

    def features(self, images: Tensor) -> Tensor:
        """Return the feature maps (B, F, h, w) of normalized images (B, 3, S, S).

        They know no attribute, so that an image that is looked at for several passes here once.
        """
        raise NotImplementedError

    def embed(
        self, features: Tensor, attribute: Tensor, look: CloserLook | None = None
    ) -> Embedded:
        """Return what the network makes of `features` for attribute int64 (B,).

        look: None where no larger images are at hand; a network that does not look closer ignores
        it.
        """
        raise NotImplementedError

    def forward(
        self, images: Tensor, attribute: Tensor, look: CloserLook | None = None
    ) -> Embedded:
        """Return `embed` of `features`."""
        return self.embed(self.features(images), attribute, look)

    def instance_terms(
        self, anchor: Embedded, positive: Embedded, negative: Embedded, spec: StageSpec
    ) -> dict[str, Tensor]:
        """Return the terms of the instance-level loss, each a scalar already weighted."""
        vectors = (role.vector for role in (anchor, positive, negative))
        return {"triplet": triplet_loss(*vectors, spec.margin)}

    def parameter_groups(self, spec: StageSpec) -> list[tuple[list[nn.Parameter], float]]:
        """Return the parameters that a stage trains, in groups, each with its learning rate."""
        return [(list(self.parameters()), spec.learning_rate)]

    def spaces(self, dim: int, spec: StageSpec) -> tuple[Space, ...]:
        """Return the spaces of an embedding of `dim` columns in which cluster centers live."""
        return (Space(0, dim),)


def precise(vector: Tensor) -> Tensor:
    """Return bfloat16 as float32, and what is as precise as that as it is."""
    return vector.to(torch.promote_types(vector.dtype, torch.float32))

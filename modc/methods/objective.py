"""The interface of an objective: what a stage minimizes, and what it keeps beside the network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from modc.clustering.members import Members
from modc.data.device_images import DeviceImages
from modc.data.index import Index
from modc.networks.network import Embedded, Network
from modc.stage import StageSpec
from modc.training.batches import Batch
from modc.training.forward import EmbeddedBatch, embed_batch


@dataclass(frozen=True)
class Start:
    """What an objective is made from.

    labels: columns image, attribute, value of the labeled part; unlabeled: int64 (N, 2), image and
    attribute of the unlabeled part, None where the stage reads none; packed: the images that the
    network sees; before: the state of the objective of the stage before, {} where there is none.
    """

    spec: StageSpec
    network: Network
    index: Index
    labels: pd.DataFrame
    unlabeled: np.ndarray | None
    packed: Mapping[str, DeviceImages]
    device: torch.device
    before: Mapping[str, Tensor]


@dataclass(frozen=True)
class Losses:
    """What an objective says of a batch.

    terms: of the loss, each a scalar already weighted. members: what moves the cluster centers once
    the optimizer has made its step. shares: by name how many of how many, for the learning curve.
    """

    terms: dict[str, Tensor]
    members: Members | None = None
    shares: dict[str, tuple[int, int]] = field(default_factory=dict)


class Objective(nn.Module):
    """Base class of all objectives.

    Its parameters are trained with the network, and its state goes into checkpoints and models: the
    next stage gets it as `Start.before`. What lies in a submodule called `memory` only the rest of
    the stage needs: it goes into checkpoints and into no model.
    """

    # Whether the rate of its parameters begins at the initial one where the network's goes on by
    # the schedule of the stage before (A24).
    starts_at_initial_rate = False

    # What precedes the first batch of an epoch, by its number from 0; None for nothing.
    begin_epoch: Callable[[int], None] | None = None

    def __init__(self, start: Start):
        super().__init__()
        self.start = start

    @property
    def centers(self) -> Tensor | None:
        """The cluster centers (A, V, D), by which Acc and prioritized retrieval are measured."""
        return None

    def forward(self, batch: Batch) -> Losses:
        """Return the loss of a batch."""
        raise NotImplementedError

    def embed(self, batch: Batch) -> EmbeddedBatch:
        """Pass a batch through the network."""
        return embed_batch(self.start.network, batch)

    def update(self, members: Members) -> None:
        """Move the centers by the members that `forward` returned."""
        raise NotImplementedError


class InstanceLevel(Objective):
    """The network's own loss on labeled triplets, the mean over their views (A16).

    Batch normalization takes its statistics over anchors, positives and negatives each, as in the
    public code, which passes them through the network one after the other.
    """

    def forward(self, batch: Batch) -> Losses:
        """Return the terms of the instance-level loss."""
        return Losses(instance_terms(self.start, self.embed(batch).labeled))


def instance_terms(start: Start, views: list[list[Embedded]]) -> dict[str, Tensor]:
    """Return the terms of the network's loss on triplets, each the mean over its views."""
    terms = [start.network.instance_terms(*roles, start.spec) for roles in views]
    return {name: sum(part[name] for part in terms) / len(terms) for name in terms[0]}

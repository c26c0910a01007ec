"""MODC's stages 2 and 3: what each adds to the warm-up's loss (paper; supplement, stage table).

| stage           | adds                                         | to which images |
|-----------------|----------------------------------------------|-----------------|
| supervised      | cluster-level loss                           | labelled        |
| self_supervised | self-supervision                             | labelled        |
| unlabeled       | self-supervision                             | unlabelled      |
| pseudo_triplets | instance-level loss, with the pseudo labels  | unlabelled      |
| pseudo_clusters | cluster-level loss, with the pseudo labels   | unlabelled      |
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from modc.clustering.centres import initial_centres, move_centres
from modc.clustering.pseudo_labels import UNLABELED, mine_triplets, pseudo_labels
from modc.data.triplets import Triplets
from modc.evaluation.prioritized import accuracy
from modc.grid import MODC
from modc.losses.cluster import margin_cluster_loss, softmax_cluster_loss
from modc.losses.self_supervision import Predictor, self_supervision_loss
from modc.training.batches import (
    Images,
    epoch_generator,
    flipped,
    torch_generator,
    triplet_batches,
    unlabeled_batches,
)
from modc.training.instance import Embedded, concatenated, embedded, instance_terms
from modc.training.views import draw, view
from modc.training.warm_up import WarmUp


@dataclass(frozen=True)
class Batch:
    """One iteration's images. views: one where the baseline's augmentation is used, else two."""

    labeled: list[list[Images]]  # views of anchors, positives and negatives
    unlabeled: list[list[Images]]  # views of groups of images; no groups before stage 3.2


class Modc(WarmUp):
    """One of MODC's stages.

    labels: columns image, attribute, value of the labelled part; unlabeled: int64 (N, 2), image
    and attribute of the rest, whose values are hidden (A9); values: how many each attribute has.
    """

    def __init__(
        self,
        network: nn.Module,
        triplets: Triplets,
        packed: dict[str, np.ndarray],
        settings: dict,
        device: torch.device,
        labels: pd.DataFrame,
        unlabeled: np.ndarray,
        attributes: tuple[str, ...],
        values: tuple[int, ...],
    ):
        super().__init__(network, triplets, packed, settings, device)
        self.options = settings["modc"]
        self.step_number = MODC.index(settings["stage"])
        self.unlabeled = unlabeled
        self.values = values
        self.colour = np.isin(attributes, self.options["colour_attributes"])
        # The value of each image by attribute, so that a triplet's three can be looked up.
        self.value = np.full((len(packed["image"]), len(values)), UNLABELED, np.int64)
        self.value[labels["image"], labels["attribute"]] = labels["value"]
        self.centres: Tensor | None = None
        self.predictor: nn.Module = nn.Identity()
        self._members: list[tuple[Tensor, Tensor, Tensor]] = []

    def begin(self, centres: Tensor) -> None:
        """Start from a copy of the centres of the stage before; they are moved in place."""
        self.centres = centres.clone().to(self.device)

    def begin_from(self, embeddings: np.ndarray, labels: pd.DataFrame) -> None:
        """Start from the labelled part's embeddings (N, D), in the order of `labels` (A3)."""
        attribute, value = (
            torch.from_numpy(labels[column].to_numpy(np.int64, copy=True))
            for column in ("attribute", "value")
        )
        centres = initial_centres(torch.from_numpy(embeddings), attribute, value, self.values)
        self.begin(centres)

    def build_predictor(self, state: dict | None) -> None:
        """Make SimSiam's predictor where the stage has one, drawn by torch or from `state`."""
        if self._has("self_supervised") and self.options["predictor"]:
            self.predictor = Predictor(self.centres.shape[2]).to(self.device)
            if state:
                self.predictor.load_state_dict(state)

    def new_modules(self) -> list[nn.Module]:
        """Return the predictor."""
        return [self.predictor]

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the labelled triplets and, from stage 3.2 on, the unlabelled images."""
        rng = epoch_generator(self.settings, "views", epoch)
        self._mining = torch_generator(self.settings, "mining", epoch)
        labeled = triplet_batches(self.triplets, self.packed, self.settings, epoch, self.device)
        unlabeled = None
        if self._has("unlabeled"):
            unlabeled = unlabeled_batches(
                self.unlabeled, self.packed, self.settings, epoch, self.device
            )
        for roles in labeled:
            groups = next(unlabeled) if unlabeled else []
            yield Batch(self._views(list(roles), rng), self._views(groups, rng))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the terms of a batch's loss, each the mean over its views (A16)."""
        self.predictor.train()
        self._members = []
        views = [[embedded(self.network, images) for images in roles] for roles in batch.labeled]
        attribute = torch.cat([images.attribute for images in batch.labeled[0]])
        value = self._values(batch.labeled[0])
        terms = _mean([instance_terms(*roles, self.settings) for roles in views])
        joined = [concatenated(roles) for roles in views]
        terms["cluster"] = self._cluster_loss(joined, attribute, value)
        if self._has("self_supervised"):
            terms["self_supervision"] = self._self_supervision(joined)
        if batch.unlabeled and batch.unlabeled[0]:
            terms |= self._unlabeled_terms(batch.unlabeled)
        return terms

    def after_step(self) -> None:
        """Move the centres by the batch's members."""
        for embeddings, attribute, value in self._members:
            move_centres(
                self.centres, embeddings, attribute, value, self.options["centre_momentum"]
            )

    def state(self) -> dict:
        """Return the centres and the predictor's weights."""
        state = {"centres": self.centres.clone()}
        if not isinstance(self.predictor, nn.Identity):
            state["predictor"] = {k: v.clone() for k, v in self.predictor.state_dict().items()}
        return state

    def load_state(self, state: dict) -> None:
        """Take over what `state` returned."""
        self.begin(state["centres"])
        if "predictor" in state:
            self.predictor.load_state_dict(state["predictor"])

    def validation(self, arrays: dict[str, np.ndarray]) -> dict[str, float]:
        """Return Acc, the share of queries whose nearest centre is their value's."""
        return {"Acc": accuracy(arrays, self.centres.cpu().numpy())}

    def _unlabeled_terms(self, views: list[list[Images]]) -> dict[str, Tensor]:
        attribute = torch.cat([images.attribute for images in views[0]])
        joined = [
            concatenated([embedded(self.network, images) for images in groups]) for groups in views
        ]
        terms = {"unlabeled_self_supervision": self._self_supervision(joined)}
        if not self._has("pseudo_triplets"):
            return terms
        # The mean of both views, as neither is nearer to the image.
        mean = functional.normalize(sum(part.embedding.detach() for part in joined), dim=1)
        label = pseudo_labels(
            self.centres,
            mean,
            attribute,
            self.options["temperature"],
            self.options["pseudo_label_confidence"],
        )
        mined = mine_triplets(attribute.cpu(), label.cpu(), self._mining).to(self.device)
        if len(mined):
            found = _mean(
                [
                    instance_terms(*(part.take(role) for role in mined.T), self.settings)
                    for part in joined
                ]
            )
            terms |= {f"pseudo_{name}": term for name, term in found.items()}
        if self._has("pseudo_clusters"):
            sure = torch.nonzero(label != UNLABELED)[:, 0]
            terms["pseudo_cluster"] = self._cluster_loss(
                [part.take(sure) for part in joined], attribute[sure], label[sure]
            )
        return terms

    def _cluster_loss(self, views: list[Embedded], attribute: Tensor, value: Tensor) -> Tensor:
        kind = self.options["cluster_loss"]
        loss, option = {
            "softmax": (softmax_cluster_loss, self.options["temperature"]),
            "margin": (margin_cluster_loss, self.options["cluster_margin"]),
        }[kind]
        found = [loss(part.embedding, attribute, value, self.centres, option) for part in views]
        self._members += [(part.embedding.detach(), attribute, value) for part in views]
        return self.options["cluster_weight"] * sum(found) / len(found)

    def _self_supervision(self, views: list[Embedded]) -> Tensor:
        one, two = (part.embedding for part in views)
        loss = self_supervision_loss(one, two, self.predictor)
        return self.options["self_supervision_weight"] * loss

    def _values(self, roles: list[Images]) -> Tensor:
        found = [self.value[images.numbers, images.attribute.cpu().numpy()] for images in roles]
        return torch.from_numpy(np.concatenate(found)).to(self.device)

    def _views(self, groups: list[Images], rng: np.random.Generator) -> list[list[Images]]:
        """Return the groups once under the baseline's augmentation, or twice as random views."""
        if not self._has(self.options["views_from"]):
            if self.settings["flip"]:
                groups = [flipped(g, rng.random(len(g.numbers)) < 0.5) for g in groups]
            return [groups]
        return [[self._view(images, rng) for images in groups] for _ in range(2)]

    def _view(self, images: Images, rng: np.random.Generator) -> Images:
        """Return one random view; ASEN++'s two squares are one view in two sizes."""
        keep_colour = self.colour[images.attribute.cpu().numpy()]
        drawn = draw(len(images.numbers), keep_colour, rng)
        if images.details is None:
            return Images(images.numbers, view(images.pixels, drawn), None, images.attribute)
        details = view(images.details, drawn)
        side = images.pixels.shape[2]
        small = functional.interpolate(
            details.float(), (side, side), mode="bilinear", antialias=True
        )
        pixels = small.round().clamp(0, 255).to(torch.uint8)
        return Images(images.numbers, pixels, details, images.attribute)

    def _has(self, stage: str) -> bool:
        """Return whether this stage has what `stage` added; losses accumulate."""
        return self.step_number >= MODC.index(stage)


def _mean(terms: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: sum(part[name] for part in terms) / len(terms) for name in terms[0]}

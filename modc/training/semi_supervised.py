"""MODC on unlabelled images too: the last three of its semi-supervised steps (supplement)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from modc.clustering.pseudo_labels import UNLABELED, mine_triplets, pseudo_labels
from modc.errors import UserError
from modc.evaluation.embed import embed_rows
from modc.networks.network import concatenated
from modc.training.batches import (
    Images,
    epoch_generator,
    torch_generator,
    unlabeled_batches,
    unlabeled_groups,
)
from modc.training.modc import ADDED, Modc
from modc.training.warm_up import mean_terms


@dataclass(frozen=True)
class Batch:
    """One iteration's images, in two views each."""

    labeled: list[list[Images]]  # views of anchors, positives and negatives
    unlabeled: list[list[Images]]  # views of groups of images


class SemiSupervised(Modc):
    """One of MODC's stages that read unlabelled images.

    unlabeled: int64 (N, 2), image and attribute; the values are hidden (A9).
    """

    def __init__(self, *labeled, unlabeled: np.ndarray):
        super().__init__(*labeled)
        if not len(unlabeled):
            raise UserError(
                f"stage {self.settings['stage']}: every training image is labelled, and none is "
                f"left for the unlabelled part; lower the percentage or labeled_part.at_least"
            )
        self.unlabeled = unlabeled
        self._label_of: np.ndarray | None = None
        self._mining: torch.Generator | None = None
        self._counts: dict[str, int] = {}

    @property
    def images_per_triplet(self) -> float:
        """How many images pass the network for each labelled triplet."""
        return 2 * (3 + unlabeled_groups(self.settings))

    def pseudo_members(self) -> np.ndarray:
        """Return image and attribute of the unlabelled images, once they have a cluster loss."""
        return self.unlabeled if self.has("pseudo_clusters") else super().pseudo_members()

    def begin_epoch(self, epoch: int) -> None:
        """Give the unlabelled images their pseudo labels, where they hold for an epoch (A6)."""
        self._mining = torch_generator(self.settings, "mining", epoch)
        self._counts = dict.fromkeys(("images", "labeled", "anchors"), 0)
        if not self.has("pseudo_triplets") or self.options["pseudo_labels"] == "each_iteration":
            return
        rows = pd.DataFrame(self.unlabeled, columns=["image", "attribute"])
        batch = self.settings["evaluation_batch"]
        embeddings = embed_rows(self.network, self.packed, rows, self.device, batch)
        attribute = torch.from_numpy(self.unlabeled[:, 1].copy())
        # In parts, since each image is compared with all centres of its attribute.
        found = [
            self._nearest(part.to(self.device), a.to(self.device)).cpu()
            for part, a in zip(
                torch.from_numpy(embeddings).split(batch), attribute.split(batch), strict=True
            )
        ]
        self._label_of = np.full_like(self.value, UNLABELED)
        self._label_of[self.unlabeled[:, 0], self.unlabeled[:, 1]] = torch.cat(found).numpy()

    def batches(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Yield the views of the labelled triplets and of the unlabelled images."""
        # Draws of their own, so that the labelled stream is that of the stages before.
        rng = epoch_generator(self.settings, "unlabeled views", epoch)
        self.skip_views(first * unlabeled_groups(self.settings), rng)
        found = unlabeled_batches(
            self.unlabeled, self.drawn_from, self.settings, epoch, self.device, first
        )
        for labeled, groups in zip(super().batches(epoch, first), found, strict=True):
            yield Batch(labeled, self.views(groups, rng))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the terms of a batch's loss, each the mean over its views."""
        # One pass for a GPU, which is fast with large ones.
        embedded = self.embedded_views(batch.labeled, batch.unlabeled)
        terms = self.labeled_terms(batch.labeled, embedded[: len(batch.labeled)])
        groups = batch.unlabeled[0]
        views = [concatenated(view) for view in embedded[len(batch.labeled) :]]
        terms["unlabeled_self_supervision"] = self.self_supervision(views)
        if not self.has("pseudo_triplets"):
            return terms
        attribute = torch.cat([images.attribute for images in groups])
        label = self._labels(groups, views, attribute)
        # The one wait for the GPU in an iteration: which triplets there are decides what follows.
        known = label.cpu()
        attributes = torch.from_numpy(np.concatenate([images.attributes for images in groups]))
        mined = mine_triplets(attributes, known, self._mining).to(self.device, non_blocking=True)
        self._counts["images"] += len(label)
        rows = torch.nonzero(known != UNLABELED)[:, 0]
        self._counts["labeled"] += len(rows)
        self._counts["anchors"] += len(mined)
        if len(mined):
            found = mean_terms(
                [
                    self.network.instance_terms(
                        *(view.take(role) for role in mined.T), self.settings
                    )
                    for view in views
                ]
            )
        else:
            zero = torch.zeros((), device=self.device)
            found = {name: zero for name in terms if name not in ADDED}
        terms |= {f"pseudo_{name}": term for name, term in found.items()}
        if self.has("pseudo_clusters"):
            terms["pseudo_cluster"] = self.cluster_loss(views, groups, label, rows)
        return terms

    def memory(self) -> dict:
        """Return also where the epoch's mining of triplets is, and what it counted."""
        counts = {name: int(count) for name, count in self._counts.items()}
        return {**super().memory(), "mining": self._mining.get_state(), "counts": counts}

    def load_memory(self, memory: dict) -> None:
        """Take over what `memory` returned."""
        super().load_memory(memory)
        self._mining = torch.Generator()
        self._mining.set_state(memory["mining"])
        self._counts = dict(memory["counts"])

    def shares(self) -> dict[str, float]:
        """Return how many unlabelled images got a pseudo label, and how many anchor a triplet."""
        if not self.has("pseudo_triplets"):
            return {}
        images = self._counts["images"]
        return {f"pseudo_{name}": self._counts[name] / images for name in ("labeled", "anchors")}

    def _labels(self, groups: list[Images], views: list, attribute: Tensor) -> Tensor:
        """Return the pseudo labels int64 (M,) of the groups' images."""
        if self._label_of is not None:
            found = [self._label_of[g.numbers, g.attributes] for g in groups]
            return torch.from_numpy(np.concatenate(found)).to(self.device, non_blocking=True)
        # The mean of both views, as neither is nearer to the image.
        mean = functional.normalize(sum(view.embedding.detach() for view in views), dim=1)
        return self._nearest(mean, attribute)

    def _nearest(self, embeddings: Tensor, attribute: Tensor) -> Tensor:
        return pseudo_labels(
            self.centres,
            embeddings,
            attribute,
            self.options["temperature"],
            self.options["pseudo_label_confidence"],
        )

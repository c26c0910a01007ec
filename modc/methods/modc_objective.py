"""What MODC's stages minimize, each the terms that `modc.methods.modc.ADDS` names up to its own."""

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from modc.clustering.centers import initial_centers
from modc.clustering.members import Members, joined
from modc.clustering.memory_bank import MemoryBank
from modc.clustering.pseudo_labels import UNLABELED, mine_triplets, pseudo_labels
from modc.clustering.running_mean import RunningMean
from modc.errors import UserError
from modc.evaluation.embed import embed_rows
from modc.losses.cluster import margin_cluster_loss, softmax_cluster_loss
from modc.losses.self_supervision import Predictor, self_supervision_loss
from modc.methods.objective import Losses, Objective, Start, instance_terms
from modc.networks.network import Embedded, Space, concatenated
from modc.training.batches import Batch, torch_generator
from modc.training.groups import Images

CENTERS, PREDICTOR = "clusters.centers", "predictor."


class EpochMemory(nn.Module):
    """What the pseudo labels of an epoch need until it ends.

    mining: draws the triplets; label: int64 (images, attributes), the pseudo labels that hold for
    the epoch, None where each iteration makes its own (A6).
    """

    def __init__(self, label: Tensor | None):
        super().__init__()
        self.mining = torch.Generator()
        self.register_buffer("label", label)

    def get_extra_state(self) -> Tensor:
        """Return where the mining is."""
        return self.mining.get_state()

    def set_extra_state(self, state: Tensor) -> None:
        """Take over what `get_extra_state` returned."""
        self.mining.set_state(state)


class ModcObjective(Objective):
    """The loss of one of MODC's stages, its cluster centers and SimSiam's predictor."""

    def __init__(self, start: Start):
        super().__init__(start)
        spec, options = start.spec, start.spec.options
        if start.unlabeled is not None and not len(start.unlabeled):
            raise UserError(
                f"stage {spec.stage}: every training image is labeled, and none is left for the "
                f"unlabeled part; lower the percentage or labeled_part.at_least"
            )
        self.options = options
        self.clusters, self.spaces = _clusters(start)
        self.predictor = _predictor(start, self.centers.shape[2])
        supervision = options.self_supervision
        self.starts_at_initial_rate = supervision is not None and supervision.initial_rate
        if options.pseudo_labels:
            holds = options.pseudo_labels.each_epoch
            self.memory = EpochMemory(torch.from_numpy(_table(start)) if holds else None)
        # The value of each image by attribute, so that a triplet's three can be looked up; the last
        # of several.
        self.value = _table(start)
        self.value[start.labels["image"], start.labels["attribute"]] = start.labels["value"]

    @property
    def centers(self) -> Tensor:
        """The cluster centers (A, V, D)."""
        return self.clusters.centers

    def update(self, members: Members) -> None:
        """Move the centers by a batch's members."""
        self.clusters.update(members)

    def forward(self, batch: Batch) -> Losses:
        """Return the terms of a batch's loss, each the mean over its views (A16)."""
        embedded = self.embed(batch)
        instance = instance_terms(self.start, embedded.labeled)
        terms = dict(instance)
        views = [concatenated(roles) for roles in embedded.labeled]
        terms["cluster"], members = self.cluster(
            views, batch.labeled[0], *self._values(batch.labeled[0])
        )
        if "self_supervision" in self.options.terms:
            terms["self_supervision"] = self.self_supervision(views)
        if "unlabeled_self_supervision" not in self.options.terms:
            return Losses(terms, members)
        groups = batch.unlabeled[0]
        views = [concatenated(view) for view in embedded.unlabeled]
        terms["unlabeled_self_supervision"] = self.self_supervision(views)
        if "pseudo_triplet" not in self.options.terms:
            return Losses(terms, members)
        label = self._pseudo_labels(groups, views)
        # The one wait for the GPU in an iteration: which triplets there are decides what follows.
        known = label.cpu()
        pseudo, anchors = self.pseudo_triplet(views, groups, known)
        zero = torch.zeros((), device=self.start.device)
        terms |= {f"pseudo_{name}": pseudo.get(name, zero) for name in instance}
        rows = torch.nonzero(known != UNLABELED)[:, 0]
        if "pseudo_cluster" in self.options.terms:
            terms["pseudo_cluster"], more = self.cluster(views, groups, label, rows)
            members = joined([members, more])
        shares = {
            "pseudo_labeled": (len(rows), len(label)),
            "pseudo_anchors": (anchors, len(label)),
        }
        return Losses(terms, members, shares)

    def cluster(
        self, views: list[Embedded], groups: list[Images], value: Tensor, rows: Tensor
    ) -> tuple[Tensor, Members]:
        """Return the weighted cluster-level loss, the mean over the views, and their members.

        views: of the groups' M images, in their order; value: int64 (M,); rows: int64, on the CPU,
        those of the M that take part.
        """
        options = self.options
        attribute = torch.cat([images.attribute for images in groups])
        image = torch.from_numpy(np.concatenate([images.numbers for images in groups]))
        image, rows = image[rows], rows.to(self.start.device, non_blocking=True)
        chosen = (attribute[rows], value[rows])
        loss, option = {
            "softmax": (softmax_cluster_loss, options.temperature),
            "margin": (margin_cluster_loss, options.cluster_margin),
        }[options.cluster_loss]
        total, members = 0.0, []
        for view in views:
            embedding = view.embedding[rows]
            members.append(Members(image, embedding.detach(), *chosen))
            total = total + sum(
                space.weight
                * loss(space.part(embedding), *chosen, space.part(self.centers), option)
                for space in self.spaces
            )
        return options.cluster_weight * total / len(views), joined(members)

    def self_supervision(self, views: list[Embedded]) -> Tensor:
        """Return the weighted self-supervision loss of two views."""
        one, two = (view.embedding for view in views)
        loss = self_supervision_loss(one, two, self.predictor)
        return self.options.self_supervision.weight * loss

    def pseudo_triplet(
        self, views: list[Embedded], groups: list[Images], label: Tensor
    ) -> tuple[dict[str, Tensor], int]:
        """Return the instance-level terms of triplets mined among M images, and how many there are.

        label: int64 (M,) on the CPU, their pseudo labels. Without a triplet there is no term.
        """
        device = self.start.device
        attribute = torch.from_numpy(np.concatenate([images.attributes for images in groups]))
        mined = mine_triplets(attribute, label, self.memory.mining).to(device, non_blocking=True)
        if not len(mined):
            return {}, 0
        triplets = [[view.take(role) for role in mined.T] for view in views]
        return instance_terms(self.start, triplets), len(mined)

    def _values(self, groups: list[Images]) -> tuple[Tensor, Tensor]:
        """Return the values int64 (M,) of the groups' images, and which of them have one."""
        value = np.concatenate([self.value[images.numbers, images.attributes] for images in groups])
        # Known without asking a GPU, which would wait for its work.
        rows = torch.from_numpy(np.flatnonzero(value != UNLABELED))
        return torch.from_numpy(value).to(self.start.device, non_blocking=True), rows

    def begin_epoch(self, epoch: int) -> None:
        """Begin the epoch's mining, and its pseudo labels where they hold for an epoch (A6)."""
        start = self.start
        if not self.options.pseudo_labels:
            return
        self.memory.mining = torch_generator(start.spec, "mining", epoch)
        if not self.options.pseudo_labels.each_epoch:
            return
        rows = pd.DataFrame(start.unlabeled, columns=["image", "attribute"])
        batch = start.spec.evaluation_batch
        embeddings = embed_rows(start.network, start.packed, rows, start.device, batch)
        image, attribute = torch.from_numpy(start.unlabeled.T.copy())
        # In parts, since each image is compared with all centers of its attribute.
        found = [
            self._nearest(part.to(start.device), a.to(start.device)).cpu()
            for part, a in zip(
                torch.from_numpy(embeddings).split(batch), attribute.split(batch), strict=True
            )
        ]
        self.memory.label[image, attribute] = torch.cat(found)

    def _pseudo_labels(self, groups: list[Images], views: list[Embedded]) -> Tensor:
        """Return the pseudo labels int64 (M,) of the groups' images."""
        if self.options.pseudo_labels.each_epoch:
            found = [self.memory.label[g.numbers, g.attributes] for g in groups]
            return torch.cat(found).to(self.start.device, non_blocking=True)
        attribute = torch.cat([images.attribute for images in groups])
        # The mean of both views, as neither is nearer to the image.
        mean = functional.normalize(sum(view.embedding.detach() for view in views), dim=1)
        return self._nearest(mean, attribute)

    def _nearest(self, embeddings: Tensor, attribute: Tensor) -> Tensor:
        options = self.options
        return pseudo_labels(
            self.centers,
            embeddings,
            attribute,
            options.temperature,
            options.pseudo_labels.confidence,
        )


def _clusters(start: Start) -> tuple[RunningMean | MemoryBank, tuple[Space, ...]]:
    """Return the clusters from the centers of the stage before, and the spaces they live in.

    After a warm-up the centers are those of the labeled part (A3). A memory bank is filled anew.
    """
    options, labels, centers = start.spec.options, start.labels, start.before.get(CENTERS)
    members = None
    if centers is None or options.memory_bank:
        members = labeled_members(start)
    dim = (centers if members is None else members.embedding).shape[-1]
    spaces = start.network.spaces(dim, start.spec)
    if centers is None:
        centers = initial_centers(
            members.embedding, members.attribute, members.value, start.index.values, spaces
        )
    centers = centers.to(start.device)
    if not options.memory_bank:
        return RunningMean(centers, options.momentum, spaces), spaces
    pairs = labels[["image", "attribute"]].drop_duplicates().to_numpy(np.int64)
    if "pseudo_cluster" in options.terms:
        pairs = np.concatenate([pairs, start.unlabeled])
    bank = MemoryBank(centers, torch.from_numpy(pairs), **options.memory_bank, spaces=spaces)
    bank.remember(members.to(start.device))
    return bank, spaces


def labeled_members(start: Start) -> Members:
    """Return the labeled part as the network embeds it now, on the CPU: up to 13 GB (DARN)."""
    embeddings = embed_rows(
        start.network, start.packed, start.labels, start.device, start.spec.evaluation_batch
    )
    image, attribute, value = (
        torch.from_numpy(start.labels[name].to_numpy(np.int64, copy=True))
        for name in ("image", "attribute", "value")
    )
    return Members(image, torch.from_numpy(embeddings), attribute, value)


def _predictor(start: Start, dim: int) -> nn.Module:
    """Return SimSiam's predictor, drawn by torch or that of the stage before; or none."""
    supervision = start.spec.options.self_supervision
    if supervision is None or not supervision.predictor:
        return nn.Identity()
    predictor = Predictor(dim).to(start.device)
    before = {
        name.removeprefix(PREDICTOR): value
        for name, value in start.before.items()
        if name.startswith(PREDICTOR)
    }
    if before:
        predictor.load_state_dict(before)
    return predictor


def _table(start: Start) -> np.ndarray:
    """Return int64 (images, attributes), UNLABELED each."""
    return np.full((len(start.packed["image"]), len(start.index.values)), UNLABELED, np.int64)

"""MODC on labelled images: its supervised stage, and self-supervision on top (paper; supplement).

Each stage keeps the losses of those before.

| stage           | adds                                         | to which images |
|-----------------|----------------------------------------------|-----------------|
| supervised      | cluster-level loss                           | labelled        |
| self_supervised | self-supervision                             | labelled        |
| unlabeled       | self-supervision                             | unlabelled      |
| pseudo_triplets | instance-level loss, with the pseudo labels  | unlabelled      |
| pseudo_clusters | cluster-level loss, with the pseudo labels   | unlabelled      |

The last three are in `modc.training.semi_supervised`.
"""

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from modc.clustering.centres import initial_centres
from modc.clustering.members import Members, joined
from modc.clustering.memory_bank import MemoryBank
from modc.clustering.pseudo_labels import UNLABELED
from modc.clustering.running_mean import RunningMean
from modc.data.device_images import DeviceImages
from modc.data.index import Index
from modc.data.triplets import Triplets
from modc.evaluation.embed import embed_rows
from modc.evaluation.prioritized import accuracy, column_name
from modc.evaluation.scores import score
from modc.grid import MODC
from modc.losses.cluster import margin_cluster_loss, softmax_cluster_loss
from modc.losses.self_supervision import Predictor, self_supervision_loss
from modc.networks.network import Embedded, Network, concatenated
from modc.training.batches import Images
from modc.training.warm_up import WarmUp, mean_terms

# Each loss, and the setting that it takes (A4).
CLUSTER_LOSSES = {
    "softmax": (softmax_cluster_loss, "temperature"),
    "margin": (margin_cluster_loss, "cluster_margin"),
}
# The terms beside those of the instance-level loss.
ADDED = ("cluster", "self_supervision", "unlabeled_self_supervision")
PRIORITIZED = "prioritized_MAP@all"
# By what the best epoch is chosen (A23).
SELECTED_BY = {"map": "MAP@all", "acc": "Acc", "prioritized_map": PRIORITIZED}


class Modc(WarmUp):
    """One of MODC's stages, on labelled images.

    labels: columns image, attribute, value of the labelled part; index: of the dataset, for its
    attributes and the number of their values.
    """

    def __init__(
        self,
        network: Network,
        triplets: Triplets,
        packed: dict[str, DeviceImages],
        settings: dict,
        device: torch.device,
        colour: np.ndarray | None,
        aspect: np.ndarray | None,
        labels: pd.DataFrame,
        index: Index,
    ):
        super().__init__(network, triplets, packed, settings, device, colour, aspect)
        self.options = settings["modc"]
        self.step_number = MODC.index(settings["stage"])
        self.labels, self.values = labels, index.values
        # The value of each image by attribute, so that a triplet's three can be looked up; the last
        # of several.
        self.value = np.full((len(packed["image"]), len(index.values)), UNLABELED, np.int64)
        self.value[labels["image"], labels["attribute"]] = labels["value"]
        self.clusters: RunningMean | MemoryBank | None = None
        self.predictor: nn.Module = nn.Identity()
        self._members: list[Members] = []

    @property
    def centres(self) -> Tensor:
        """The cluster centres (A, V, D)."""
        return self.clusters.centres

    def begin(self, centres: Tensor | None) -> None:
        """Start from the centres of the stage before; if None, from the labelled part (A3)."""
        options, labels = self.options, self.labels
        uses_bank = options["centres"] == "memory_bank"
        members = self._labeled_members() if centres is None or uses_bank else None
        dim = (members.embedding if members else centres).shape[-1]
        spaces = self.spaces = self.network.spaces(dim, self.settings)
        if centres is None:
            centres = initial_centres(
                members.embedding, members.attribute, members.value, self.values, spaces
            )
        centres = centres.to(self.device)
        if not uses_bank:
            self.clusters = RunningMean(centres, options["centre_momentum"], spaces)
            return
        pairs = labels[["image", "attribute"]].drop_duplicates().to_numpy(np.int64)
        pairs = torch.from_numpy(np.concatenate([pairs, self.pseudo_members()]))
        self.clusters = MemoryBank(centres, pairs, **options["memory_bank"], spaces=spaces)
        self.clusters.remember(members.to(self.device))

    def pseudo_members(self) -> np.ndarray:
        """Return int64 (N, 2): image and attribute of what may become a member unlabelled."""
        return np.empty((0, 2), np.int64)

    def build_predictor(self, state: dict | None) -> None:
        """Make SimSiam's predictor where the stage has one, drawn by torch or from `state`."""
        if self.has("self_supervised") and self.options["predictor"]:
            self.predictor = Predictor(self.centres.shape[2]).to(self.device)
            if state:
                self.predictor.load_state_dict(state)

    def new_modules(self) -> list[nn.Module]:
        """Return the predictor."""
        return [self.predictor]

    def losses(self, batch: list[list[Images]]) -> dict[str, Tensor]:
        """Return the terms of a batch's loss, each the mean over its views (A16)."""
        return self.labeled_terms(batch, self.embedded_views(batch))

    def labeled_terms(
        self, batch: list[list[Images]], views: list[list[Embedded]]
    ) -> dict[str, Tensor]:
        """Return the terms of the triplets' loss; views: what the network makes of the batch."""
        self.predictor.train()
        self._members = []
        value = np.concatenate([self._values(images) for images in batch[0]])
        # Known without asking a GPU, which would wait for its work.
        rows = torch.from_numpy(np.flatnonzero(value != UNLABELED))
        value = torch.from_numpy(value).to(self.device, non_blocking=True)
        terms = mean_terms([self.network.instance_terms(*roles, self.settings) for roles in views])
        whole = [concatenated(roles) for roles in views]
        terms["cluster"] = self.cluster_loss(whole, batch[0], value, rows)
        if self.has("self_supervised"):
            terms["self_supervision"] = self.self_supervision(whole)
        return terms

    def after_step(self) -> None:
        """Move the centres by the batch's members."""
        self.clusters.update(joined(self._members))

    def state(self) -> dict:
        """Return the centres and the predictor's weights."""
        state = {"centres": self.centres.clone()}
        if not isinstance(self.predictor, nn.Identity):
            state["predictor"] = {k: v.clone() for k, v in self.predictor.state_dict().items()}
        return state

    def load_state(self, state: dict) -> None:
        """Take over what `state` returned."""
        self.clusters.centres = state["centres"].clone().to(self.device)
        if "predictor" in state:
            self.predictor.load_state_dict(state["predictor"])

    def memory(self) -> dict:
        """Return the memory bank, if there is one; the next stage fills its own."""
        return self.clusters.state()

    def load_memory(self, memory: dict) -> None:
        """Take over what `memory` returned."""
        self.clusters.load_state(memory)

    @property
    def selected_by(self) -> str:
        """The validation score by which the best epoch is chosen (A23)."""
        return SELECTED_BY[self.options["selection"]]

    def validation(self, arrays: dict[str, np.ndarray]) -> dict[str, float]:
        """Return Acc, the share of queries whose nearest centre is their value's.

        Also MAP@all of top1 with the label known, where the best epoch is chosen by it.
        """
        centres = self.centres.cpu().numpy()
        found = {"Acc": accuracy(arrays, centres)}
        if self.selected_by == PRIORITIZED:
            device = str(self.device) if self.device.type == "cuda" else None
            threads = torch.get_num_threads()
            scored = score(**arrays, centres=centres, threads=threads, device=device)
            found[PRIORITIZED] = float(scored[column_name(1, "known", "MAP@all")].mean())
        return found

    def has(self, stage: str) -> bool:
        """Return whether this stage has what `stage` added; losses accumulate."""
        return self.step_number >= MODC.index(stage)

    def cluster_loss(
        self, views: list[Embedded], groups: list[Images], value: Tensor, rows: Tensor
    ) -> Tensor:
        """Return the weighted cluster-level loss, the mean over the views, and note the members.

        views: of the groups' M images, in their order; value: int64 (M,); rows: int64, on the CPU,
        those of the M that take part.
        """
        attribute = torch.cat([images.attribute for images in groups])
        image = torch.from_numpy(np.concatenate([images.numbers for images in groups]))
        image, rows = image[rows], rows.to(self.device, non_blocking=True)
        chosen = (attribute[rows], value[rows])
        kind, option = CLUSTER_LOSSES[self.options["cluster_loss"]]
        loss = 0.0
        for view in views:
            embedding = view.embedding[rows]
            self._members.append(Members(image, embedding.detach(), *chosen))
            loss = loss + sum(
                space.weight
                * kind(
                    space.part(embedding), *chosen, space.part(self.centres), self.options[option]
                )
                for space in self.spaces
            )
        return self.options["cluster_weight"] * loss / len(views)

    def self_supervision(self, views: list[Embedded]) -> Tensor:
        """Return the weighted self-supervision loss of two views."""
        one, two = (view.embedding for view in views)
        loss = self_supervision_loss(one, two, self.predictor)
        return self.options["self_supervision_weight"] * loss

    def _values(self, images: Images) -> np.ndarray:
        return self.value[images.numbers, images.attributes]

    def _labeled_members(self) -> Members:
        """Return the labelled part as the network embeds it now, on the CPU: up to 13 GB (DARN)."""
        embeddings = embed_rows(
            self.network,
            self.packed,
            self.labels,
            self.device,
            self.settings["evaluation_batch"],
        )
        columns = [
            torch.from_numpy(self.labels[name].to_numpy(np.int64, copy=True))
            for name in ("image", "attribute", "value")
        ]
        image, attribute, value = columns
        return Members(image, torch.from_numpy(embeddings), attribute, value)

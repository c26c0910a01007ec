"""The warm-up, the baseline's or MODC's own: the instance-level loss on labelled triplets."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from modc.data.device_images import DeviceImages
from modc.data.triplets import Triplets
from modc.grid import WHOLE
from modc.networks.network import Embedded, Network
from modc.training.augment import random_views, randomly_flipped, skip_flips, skip_views
from modc.training.batches import ROLES, Images, batch_size, epoch_generator, triplet_batches
from modc.training.instance import embedded_groups, in_pass_order


class WarmUp:
    """The batches of an epoch and the loss of a batch; what else a stage has to train or keep.

    colour: bool (A,), the attributes whose images keep their colours in SimSiam's views; None for
    the baseline's augmentation. aspect: (N,), width over height of the images, where views are cut
    from whole pictures (A20), which are then among `packed`.
    """

    def __init__(
        self,
        network: Network,
        triplets: Triplets,
        packed: dict[str, DeviceImages],
        settings: dict,
        device: torch.device,
        colour: np.ndarray | None = None,
        aspect: np.ndarray | None = None,
    ):
        self.network, self.triplets = network, triplets
        self.packed = {name: packed[name] for name in WHOLE if name in packed}
        self.drawn_from = self.packed
        if aspect is not None:
            self.drawn_from = {name: packed[WHOLE[name]] for name in self.packed}
        self.settings, self.device, self.colour, self.aspect = settings, device, colour, aspect

    @property
    def images_per_triplet(self) -> float:
        """How many images pass the network for each labelled triplet."""
        return len(ROLES) * (1 if self.colour is None else 2)

    @property
    def selected_by(self) -> str:
        """The validation score by which the best epoch is chosen."""
        return "MAP@all"

    def begin_epoch(self, epoch: int) -> None:
        """Do what comes before the batches of `epoch`, with the network as it is: nothing here."""

    def batches(self, epoch: int, first: int = 0) -> Iterator[list[list[Images]]]:
        """Yield the views of a batch's triplets: anchors, positives, negatives; one view or two.

        The batches are those of `epoch` from the `first` on.
        """
        rng = epoch_generator(self.settings, "views", epoch)
        self.skip_views(first * len(ROLES), rng)
        found = triplet_batches(
            self.triplets, self.drawn_from, self.settings, epoch, self.device, first
        )
        for roles in found:
            yield self.views(list(roles), rng)

    def losses(self, batch: list[list[Images]]) -> dict[str, Tensor]:
        """Return the terms of a batch's loss, each the mean over its views (A16).

        Batch normalisation takes its statistics over anchors, positives and negatives each, as in
        the public code, which passes them through the network one after the other.
        """
        return mean_terms(
            [
                self.network.instance_terms(*roles, self.settings)
                for roles in self.embedded_views(batch)
            ]
        )

    def views(self, groups: list[Images], rng: np.random.Generator) -> list[list[Images]]:
        """Return the groups once under the baseline's augmentation, or twice as random views."""
        if self.colour is not None:
            return random_views(groups, self.colour, rng, 2, self.aspect)
        if self.settings["flip"]:
            groups = [randomly_flipped(images, rng) for images in groups]
        return [groups]

    def skip_views(self, groups: int, rng: np.random.Generator) -> None:
        """Draw what `views` draws for so many groups, of batches that were trained before."""
        size = batch_size(self.settings)
        if self.colour is not None:
            skip_views(2 * groups, size, rng)
        elif self.settings["flip"]:
            skip_flips(groups, size, rng)

    def embedded_views(
        self, triplets: list[list[Images]], others: Sequence[list[Images]] = ()
    ) -> list[list[Embedded]]:
        """Pass all groups of all views through the network, batch statistics over each group.

        triplets: views of anchors, positives and negatives, which pass in the public code's order;
        others: views of any groups. Returns what the network makes of these and then of those.
        """
        views = [*(in_pass_order(self.network, view) for view in triplets), *others]
        parts = iter(embedded_groups(self.network, [images for view in views for images in view]))
        found = [[next(parts) for _ in view] for view in views]
        of_triplets = found[: len(triplets)]
        return [
            *(in_pass_order(self.network, view) for view in of_triplets),
            *found[len(triplets) :],
        ]

    def after_step(self) -> None:
        """Do what follows the optimizer's step: nothing here."""

    def new_modules(self) -> list[nn.Module]:
        """Return what is trained beside the network: nothing here."""
        return []

    def shares(self) -> dict[str, float]:
        """Return what the epoch so far says beside losses, as fractions: nothing here."""
        return {}

    def state(self) -> dict:
        """Return what the stage keeps beside the network, as a checkpoint holds it."""
        return {}

    def load_state(self, state: dict) -> None:
        """Take over what `state` returned."""

    def memory(self) -> dict:
        """Return what only the rest of this stage needs: in its checkpoint, in no model."""
        return {}

    def load_memory(self, memory: dict) -> None:
        """Take over what `memory` returned."""

    def validation(self, arrays: dict[str, np.ndarray]) -> dict[str, float]:
        """Return what is measured on the validation split beside MAP."""
        return {}


def mean_terms(terms: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of each term over several views."""
    return {name: sum(part[name] for part in terms) / len(terms) for name in terms[0]}

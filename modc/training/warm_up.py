"""Stage 1, the warm-up: the instance-level loss on labelled triplets. Its model is the baseline."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from modc.data.device_images import DeviceImages
from modc.data.triplets import Triplets
from modc.training.augment import randomly_flipped, skip_flips
from modc.training.batches import ROLES, Images, batch_size, epoch_generator, triplet_batches
from modc.training.instance import embedded_triplets, instance_terms


class WarmUp:
    """The batches of an epoch and the loss of a batch; what else a stage has to train or keep."""

    images_per_triplet = 3

    def __init__(
        self,
        network: nn.Module,
        triplets: Triplets,
        packed: dict[str, DeviceImages],
        settings: dict,
        device: torch.device,
    ):
        self.network, self.triplets, self.packed = network, triplets, packed
        self.settings, self.device = settings, device

    def begin_epoch(self, epoch: int) -> None:
        """Do what comes before the batches of `epoch`, with the network as it is: nothing here."""

    def batches(self, epoch: int, first: int = 0) -> Iterator[list[Images]]:
        """Yield the batches of `epoch` from the `first` on, mirrored if the stage asks for it."""
        rng = epoch_generator(self.settings, "flips", epoch)
        if self.settings["flip"]:
            skip_flips(first * len(ROLES), batch_size(self.settings), rng)
        found = triplet_batches(
            self.triplets, self.packed, self.settings, epoch, self.device, first
        )
        for roles in found:
            if self.settings["flip"]:
                roles = [randomly_flipped(images, rng) for images in roles]
            yield roles

    def losses(self, batch: list[Images]) -> dict[str, Tensor]:
        """Return the terms of a batch's loss.

        Batch normalisation takes its statistics over anchors, positives and negatives each, as in
        the public code, which passes them through the network one after the other.
        """
        return instance_terms(*embedded_triplets(self.network, batch), self.settings)

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

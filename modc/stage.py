"""What a stage is trained from: all that it reads of the configuration, and nothing else.

A change anywhere else in the configuration cannot change its model.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from modc.cell import Cell

# The packed images from which views are cut, where they are not those that a network sees (A20).
WHOLE = {"image": "whole", "detail": "whole_detail"}
# Anchor, positive, negative; and the views of an image where a stage has random views.
ROLES = ("anchor", "positive", "negative")
VIEWS = 2


@dataclass(frozen=True)
class Convergence:
    """A stage ends when validation MAP@all has not risen by `rise` for `patience` epochs (A10)."""

    rise: float
    patience: int


@dataclass(frozen=True)
class Views:
    """Each image is seen as two random views, SimSiam's, instead of the baseline's flip (A16).

    keeps_color: the attributes whose images keep their colors (A28); whole: whether views are cut
    from the whole image, not from its center square (A20).
    """

    keeps_color: tuple[str, ...]
    whole: bool


@dataclass(frozen=True)
class Unlabeled:
    """The unlabeled part is read too.

    ratio: its images a batch, as a multiple of the labeled ones (A7); hidden_labels: "value", or
    "value_and_attribute" where an image may be looked at for any attribute (A9).
    """

    ratio: float
    hidden_labels: str


LAST_EPOCH = "last"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a method says of one of its stages.

    epochs: at most; the rate is initial x decay^(epoch // decay_every). local_learning_rate: of a
    network's second branch. negatives: how they are drawn, by "image" or by "value"; flip: the
    baseline's augmentation. optimizer: "new", or "inherit" for that of the stage before with its
    schedule. convergence: None for all epochs. selected_by: the validation score of the best epoch,
    or LAST_EPOCH to take the last for it (A23). center_space: networks.<network>.center_space, for
    a stage with cluster centers (A14). options: a frozen dataclass of the method's own.
    """

    epochs: int
    learning_rate: float
    decay: float
    decay_every: int
    negatives: str
    flip: bool
    local_learning_rate: float | None = None
    optimizer: str = "new"
    convergence: Convergence | None = None
    views: Views | None = None
    unlabeled: Unlabeled | None = None
    selected_by: str = "MAP@all"
    center_space: str | None = None
    options: object = None


@dataclass(frozen=True, kw_only=True)
class StageSpec(Recipe):
    """A stage of a cell, by its method's recipe and by what all stages share.

    network_class and method_class: as package.module:Class, or the name of one of modc's own
    networks. before: the stage whose model it starts from, None for the first; checkpoint: which of
    its models, "best" or "last" (A2). sizes: the sides of the packed images that are read, by their
    names. local_weight and alignment_weight: of a second branch's losses, None without one.
    labeled_part: how the labeled part is drawn (A8), None where all images are labeled. weights:
    what each backbone of a first stage starts from. public_checkpoint: the file of public weights
    that are the stage's model instead of a training (A15); then there are no epochs.
    """

    cell: Cell
    method: str
    stage: str
    before: str | None
    network_class: str
    method_class: str
    architecture: Mapping[str, object]
    sizes: Mapping[str, int]
    orientation: str
    triplets_per_epoch: int
    batch: int
    margin: float
    precision: str
    evaluation_batch: int
    checkpoint: str | None = None
    weights: Mapping[str, str] | None = None
    local_weight: float | None = None
    alignment_weight: float | None = None
    labeled_part: Mapping[str, object] | None = None
    public_checkpoint: str | None = None

    def __str__(self) -> str:
        cell = self.cell
        return (
            f"{cell.dataset} {cell.network} {cell.labeled_percent} % seed {cell.seed} {self.stage}"
        )

    @property
    def seed_axes(self) -> dict[str, object]:
        """What names a draw of this stage beside the seed."""
        cell = self.cell
        return {
            "dataset": cell.dataset,
            "network": cell.network,
            "labeled_percent": cell.labeled_percent,
            "stage": self.stage,
        }

    @property
    def batch_size(self) -> int:
        """The triplets of one batch: `batch`, or all of an epoch if it has fewer."""
        return min(self.batch, self.triplets_per_epoch)

    @property
    def steps(self) -> int:
        """The batches of one epoch; a remainder is left out."""
        return self.triplets_per_epoch // self.batch_size

    @property
    def unlabeled_groups(self) -> int:
        """How many groups of unlabeled images, of a batch's size each, go with a batch (A7)."""
        if self.unlabeled is None:
            return 0
        return max(1, round(self.unlabeled.ratio * len(ROLES)))

    @property
    def images_per_triplet(self) -> int:
        """How many images pass the network for each labeled triplet."""
        views = 1 if self.views is None else VIEWS
        return views * (len(ROLES) + self.unlabeled_groups)

    @property
    def images_an_epoch(self) -> int:
        """How many images pass the network in one epoch of training."""
        return self.steps * self.batch_size * self.images_per_triplet

    @property
    def has_details(self) -> bool:
        """Whether larger images are read too, for a closer look."""
        return "detail" in self.sizes

    def plain(self) -> dict:
        """Return the fields as plain values, None left out, as model files hold them."""
        return _without_none(dataclasses.asdict(self))

    @property
    def fingerprint(self) -> str:
        """What names the spec, the same for equal ones."""
        return fingerprint(self.plain())


def fingerprint(value: object) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of `value` as sorted JSON."""
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _without_none(fields: dict) -> dict:
    return {
        name: _without_none(value) if isinstance(value, dict) else value
        for name, value in fields.items()
        if value is not None
    }

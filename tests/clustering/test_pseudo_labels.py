"""Pseudo labels and the triplets mined among them."""

import torch
from torch.nn.functional import normalize

from modc.clustering.pseudo_labels import UNLABELED, mine_triplets, pseudo_labels

CENTERS = torch.tensor(
    [[[1.0, 0.0], [0.0, 1.0], [torch.nan, torch.nan]], [[torch.nan, torch.nan]] * 3]
)


def test_the_nearest_center_gives_the_label_and_an_absent_one_never():
    embeddings = normalize(torch.tensor([[2.0, 1.0], [1.0, 2.0], [-1.0, -2.0], [1.0, 0.0]]), dim=1)
    attribute = torch.tensor([0, 0, 0, 1])
    assert pseudo_labels(CENTERS, embeddings, attribute).tolist() == [0, 1, 0, UNLABELED]


def test_only_confident_ones_are_kept_where_asked():
    embeddings = normalize(torch.tensor([[1.0, 0.0], [1.0, 0.9]]), dim=1)
    attribute = torch.tensor([0, 0])
    labels = pseudo_labels(CENTERS, embeddings, attribute, temperature=0.1, confidence=0.9)
    assert labels.tolist() == [0, UNLABELED]


def test_mined_triplets_are_triplets_and_every_possible_anchor_has_one():
    g = torch.Generator().manual_seed(0)
    for _ in range(50):
        attribute = torch.randint(0, 3, (16,), generator=g)
        label = torch.randint(-1, 3, (16,), generator=g)
        triplets = mine_triplets(attribute, label, g)
        for anchor, positive, negative in triplets.tolist():
            assert anchor != positive
            assert attribute[anchor] == attribute[positive] == attribute[negative]
            assert label[anchor] == label[positive] != label[negative]
            assert UNLABELED not in (label[anchor], label[negative])
        possible = [
            i
            for i in range(16)
            if label[i] != UNLABELED
            and ((attribute == attribute[i]) & (label == label[i])).sum() > 1
            and ((attribute == attribute[i]) & (label != label[i]) & (label != UNLABELED)).any()
        ]
        assert sorted(triplets[:, 0].tolist()) == possible


def test_no_triplet_where_none_can_be():
    g = torch.Generator().manual_seed(0)
    attribute = torch.zeros(4, dtype=torch.int64)
    for label in ([0, 0, 0, 0], [0, 1, 2, 3], [UNLABELED] * 4):
        assert mine_triplets(attribute, torch.tensor(label), g).shape == (0, 3)

"""The public training step, rendered plainly, beside ours in float64."""

import copy
from dataclasses import replace

import pytest
import torch

from modc.data.triplets import Triplets
from modc.methods.objective import InstanceLevel, Start
from modc.networks.build import build
from modc.networks.normalize import DEVIATION, MEAN
from modc.training.batches import BatchSource, batches
from modc.training.groups import Images
from modc.training.optimizer import optimizer, set_learning_rate
from modc.training.train import Learner, Machine, train_batch

ARCHITECTURES = {
    "ASEN": {"backbone": "resnet10"},
    "ASENv2": {"backbone": "resnet10"},
    "ASEN++": {"global_backbone": "resnet10", "local_backbone": "resnet10", "global_weight": 0.6},
}
# As the public code passes them: numbers of anchor (0), positive (1) and negative (2).
ORDERS = {"ASEN": (0, 2, 1), "ASENv2": (0, 2, 1), "ASEN++": (0, 1, 2)}
MACHINE = Machine(torch.device("cpu"), torch.float32)


class PlainAdam:
    """Adam by its paper, with torch's defaults, which the public code has."""

    def __init__(self, parameters):
        self.parameters = list(parameters)
        self.first = [torch.zeros_like(p) for p in self.parameters]
        self.second = [torch.zeros_like(p) for p in self.parameters]
        self.steps = 0

    def step(self, rate: float) -> None:
        self.steps += 1
        for p, first, second in zip(self.parameters, self.first, self.second, strict=True):
            first += 0.1 * (p.grad - first)
            second += 0.001 * (p.grad**2 - second)
            unbiased = (second / (1 - 0.999**self.steps)).sqrt() + 1e-8
            p.data -= rate * first / (1 - 0.9**self.steps) / unbiased
            p.grad = None


def cosine(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return (one * other).sum(1) / (one.pow(2).sum(1).sqrt() * other.pow(2).sum(1).sqrt())


def plain_vector(network, kind: str, pixels: torch.Tensor, attribute: torch.Tensor):
    mean, deviation = (torch.tensor(v)[:, None, None].double() for v in (MEAN, DEVIATION))
    features = network.features((pixels / 255 - mean) / deviation)
    head = network.global_head if kind == "ASEN++" else network.head
    return head(features, attribute)[0]


def plain_loss(network, kind: str, batch: list[Images], margin: float) -> torch.Tensor:
    vectors = {}
    for role in ORDERS[kind]:
        vectors[role] = plain_vector(network, kind, batch[role].pixels, batch[role].attribute)
    apart = margin - cosine(vectors[0], vectors[1]) + cosine(vectors[0], vectors[2])
    return apart.clamp(min=0).sum() / len(apart)


@pytest.mark.parametrize("kind", ["ASEN", "ASENv2", "ASEN++"])
def test_six_steps_are_those_of_the_public_code(task, packed, index, kind):
    stage = "warm_up_global" if kind == "ASEN++" else "warm_up"
    # Two steps an epoch; the rate falls every second epoch.
    recipe = {"epochs": 3, "learning_rate": 1e-4, "decay": 0.9, "decay_every": 2}
    sizes = {"triplets_per_epoch": 4, "batch": 2}
    architecture = ARCHITECTURES[kind]
    spec = task(network=kind, stage=stage, architecture=architecture, **recipe, **sizes).spec
    torch.manual_seed(0)
    ours = build(kind, ARCHITECTURES[kind], 2).double().train()
    plain = copy.deepcopy(ours)
    triplets = Triplets(index.rows("train", "train"), spec.negatives)
    device, images = MACHINE.device, {"image": packed["image"]}
    source = BatchSource(spec, triplets, None, images, device)
    labels = index.rows("train", "train")
    objective = InstanceLevel(Start(spec, ours, index, labels, None, images, device, {}))
    adam, plain_adam = optimizer(ours, objective, spec), None
    learner = Learner(spec, ours, objective, source, adam, 0, MACHINE)
    trained = {id(p) for group in adam.param_groups for p in group["params"]}
    names = [name for name, p in ours.named_parameters() if id(p) in trained]
    of_plain = dict(plain.named_parameters())
    plain_adam = PlainAdam(of_plain[name] for name in names)
    for epoch in range(3):
        set_learning_rate(adam, spec, epoch)
        rate = 1e-4 * 0.9 ** (epoch // 2)
        for drawn in batches(source, epoch):
            (roles,) = drawn.labeled  # one view
            batch = [
                Images(r.numbers, r.attributes, r.pixels.double(), None, r.attribute) for r in roles
            ]
            loss = plain_loss(plain, kind, batch, spec.margin)
            loss.backward()
            for name in names:
                if of_plain[name].grad is None:  # an attribute that no triplet had
                    of_plain[name].grad = torch.zeros_like(of_plain[name])
            plain_adam.step(rate)
            terms, _ = train_batch(learner, replace(drawn, labeled=[batch]))
            assert terms["loss"].dtype == torch.float64
            assert abs(float(terms["loss"]) - float(loss.detach())) < 1e-12
    assert plain_adam.steps == 6
    expected = plain.state_dict()
    moved = 0
    for name, value in ours.state_dict().items():
        if value.is_floating_point():
            limit = 1e-12 if "running" in name else 1e-9
            assert float((value - expected[name]).abs().max()) < limit, name
            moved += "running" in name
    assert moved >= 8

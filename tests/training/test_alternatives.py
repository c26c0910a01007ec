"""The alternatives of the assumption ledger that training reads: each trains another model."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch

from modc import grid
from modc.cell import Cell
from modc.config import merge
from modc.methods.modc import STAGES
from modc.networks import model_file
from modc.papers import assumptions, paper
from modc.training import forward as module
from modc.training import train as training
from modc.training.batches import batches
from modc.training.forward import embedded
from modc.training.optimizer import set_learning_rate
from modc.training.task import Task
from modc.training.train import Learner, Machine, set_up, train_batch

# The others change which stages there are, when a stage ends, or what comes before training.
LEDGER = paper.read(paper.FOLDER / "modc").assumptions
WITHIN_STAGES = ("A3", "A4", "A5", "A6", "A7", "A16", "A20", "A24")
CASES = [
    (entry.id, name)
    for entry in LEDGER
    if entry.id in WITHIN_STAGES
    for name in entry.alternatives
    if name != "warm_up"  # of A16, which is first read by a warm-up of MODC's own
]
ONE_EPOCH = {"epochs": {"supervised": 1, "semi_supervised": 1}}
APART = {"methods": {"modc": {"warm_up": dict.fromkeys(("ASEN", "ASENv2", "ASEN++"), "apart")}}}
CPU = Machine(torch.device("cpu"), torch.float32)


def assume(config: dict, name: str, alternative: str) -> dict:
    return assumptions.assume(config, assumptions.find(LEDGER, name), alternative)


def curve(task: Task) -> pd.DataFrame:
    return pd.read_csv(task.output / "curve.csv")


def model(task: Task, name: str = "last.pt") -> model_file.ModelFile:
    return model_file.load(task.output / name)


def assert_another_model(task: Task, plain: Task) -> None:
    a, b = model(plain).state_dict, model(task).state_dict
    assert any(not torch.equal(a[key], b[key]) for key in a if "num_batches" not in key)
    losses = curve(task).drop(columns=["epoch", "learning_rate"])
    assert len(losses) and np.isfinite(losses.to_numpy()).all()


def stepped(task: Task) -> Learner:
    """Return a stage after its first epoch of two steps."""
    learner = set_up(task, CPU)
    set_learning_rate(learner.adam, task.spec, learner.behind)
    if learner.objective.begin_epoch is not None:
        learner.objective.begin_epoch(0)
    learner.network.train()
    for batch in batches(learner.source, 0):
        losses, _ = train_batch(learner, batch)
        assert all(loss.isfinite() for loss in losses.values())
    return learner


@pytest.fixture(scope="module")
def first_steps(plain, modc_task, spec_of, tmp_path_factory):
    """Return a function from a configuration and a stage to what two steps make of it."""

    def after(config: dict, stage: str, network="ASENv2", initial=None, change=None):
        if initial is None:
            before = spec_of(config, stage, network).before
            initial = before and model(plain(network)[before], "model.pt")
        task = modc_task(tmp_path_factory.getbasetemp(), config, stage, initial, network=network)
        return stepped(replace(task, **(change or {})))

    return after


@pytest.fixture(scope="module")
def plain_steps(first_steps, tiny):
    return cache(lambda stage, network="ASENv2": first_steps(tiny, stage, network))


def differ(one: Learner, other: Learner) -> bool:
    """Return whether two networks have other weights."""
    a, b = one.network.state_dict(), other.network.state_dict()
    return any(not torch.equal(a[key], b[key]) for key in a if "num_batches" not in key)


def test_the_same_steps_make_the_same_network(first_steps, plain_steps, tiny):
    for stage in (STAGES[0], STAGES[-1]):
        assert not differ(first_steps(tiny, stage), plain_steps(stage))


@pytest.mark.parametrize(("assumption", "alternative"), CASES)
def test_it_trains_another_model_from_the_stage_on_that_reads_it(
    first_steps, plain_steps, tiny, assumption, alternative, spec_of
):
    config = assume(tiny, assumption, alternative)
    read = [s for s in STAGES if spec_of(config, s) != spec_of(tiny, s)]
    rest = STAGES[STAGES.index(read[0]) :]
    # The later stages have views in any case.
    assert read == (["supervised"] if assumption == "A16" else list(rest))
    # Where it is first read, and where everything is.
    for stage in dict.fromkeys((read[0], read[0] if assumption == "A16" else STAGES[-1])):
        assert differ(first_steps(config, stage), plain_steps(stage))


def test_the_predictor_begins_at_the_initial_rate_where_asked(plain, chain, tiny):
    config = assume(tiny, "A24", "initial")
    made = chain("initial", config, "self_supervised", "unlabeled")
    for stage, task in made.items():
        groups = model(task).training["optimizer"]["param_groups"]
        rates = {group["lr"] for group in groups}
        own = model(plain()[stage]).training["optimizer"]["param_groups"]
        assert len({group["lr"] for group in own}) == 1 and len(rates) == 2
        # Four epochs lie behind the others when it begins; both then go on by the same schedule.
        assert groups[-1]["begun"] == model(plain()["supervised"], "model.pt").training["epochs"]
        assert groups[-1]["lr"] == groups[0]["lr"] * 2 ** groups[-1]["begun"]


@pytest.mark.parametrize(
    ("alternative", "column"),
    [("acc", "valid_Acc"), ("prioritized_map", "valid_prioritized_MAP@all")],
)
def test_the_best_epoch_is_chosen_by_what_is_asked_for(chain, tiny, alternative, column):
    part = {
        "stages": {"ASENv2": {"epochs": {"supervised": 5}}},
        "convergence": {"rule": "fixed_epochs"},
    }
    config = merge(
        assume(tiny, "A23", alternative),
        {"methods": {"modc": part}},
    )
    made = chain("selected", config, "supervised")["supervised"]
    scores = curve(made)
    assert model(made, "model.pt").facts["epoch"] == scores["epoch"][scores[column].idxmax()]
    stage = model(made, "model.pt").facts["stages"][-1]
    assert stage["best"]["MAP@all"] == model(made, "model.pt").facts["valid_MAP@all"]


def test_the_last_epoch_is_taken_where_asked_for(chain, tiny, spec_of, monkeypatch):
    part = {"stages": {"ASENv2": {"epochs": {"supervised": 3}}}}
    rule = {"convergence": {"rule": "fixed_epochs"}}
    config = merge(assume(tiny, "A23", "last"), {"methods": {"modc": part | rule}})
    # Another epoch would be chosen by score.
    validate, falling = training._validate, iter((0.9, 0.8, 0.7))
    monkeypatch.setattr(
        training, "_validate", lambda *given: validate(*given) | {"valid_MAP@all": next(falling)}
    )
    made = chain("selected", config, "supervised")["supervised"]
    last, best = model(made), model(made, "model.pt")
    assert best.facts["epoch"] == last.facts["epoch"] == 3
    assert all(
        torch.equal(best.state_dict[name], last.state_dict[name]) for name in best.state_dict
    )
    apart = merge(config, APART)
    assert spec_of(apart, "warm_up_apart").selected_by == "last"
    assert spec_of(merge(tiny, APART), "warm_up_apart").selected_by == "MAP@all"


def test_views_are_cut_from_the_whole_picture_where_asked(plain, modc_task, tiny, packed, tmp_path):
    config = assume(tiny, "A20", "whole")
    initial = model(plain()["supervised"], "model.pt")
    learner = set_up(modc_task(tmp_path, config, "self_supervised", initial), CPU)
    assert learner.source.aspect.tolist() == [1.0] * len(packed["image"])
    batch = next(batches(learner.source, 0))
    seen = torch.cat([images.pixels for view in batch.labeled for images in view]).float().mean()
    # In these data the whole pictures are the darker ones; what is embedded stays the square.
    dark, bright = (float(packed[name].array.mean()) for name in ("whole", "image"))
    assert abs(seen - dark) < (bright - dark) / 2
    assert learner.objective.start.packed["image"] is packed["image"]


def test_modcs_own_warm_up_takes_views_where_asked(first_steps, tiny, spec_of):
    apart = merge(tiny, APART)
    asked = assume(apart, "A16", "warm_up")
    assert differ(first_steps(asked, "warm_up_apart"), first_steps(apart, "warm_up_apart"))
    assert spec_of(asked, "warm_up_apart").images_per_triplet == 6
    assert spec_of(apart, "warm_up_apart").images_per_triplet == 3
    assert spec_of(asked, "warm_up") == spec_of(tiny, "warm_up")


def test_an_epoch_has_triplets_by_the_share_of_labels_where_asked(tiny, spec_of):
    by_labels = assume(tiny, "A29", "by_labels")
    assert spec_of(tiny, "warm_up", percent=50).triplets_per_epoch == 8
    assert spec_of(by_labels, "warm_up", percent=50).triplets_per_epoch == 4
    assert spec_of(by_labels, "warm_up", percent=1).triplets_per_epoch == 4


def test_a_warm_up_of_modcs_own_has_its_recipe_and_ends_at_the_plateau(plain, chain, tiny, spec_of):
    recipe = {"epochs": 4, "learning_rate": 2e-3, "decay": 0.9, "decay_every": 2}
    change = {
        "stages": {"ASENv2": {"warm_up": recipe}},
        "convergence": {"rise": 1.0, "patience": 2},
    }
    config = merge(tiny, merge(APART, {"methods": {"modc": change}}))
    made = chain("recipe", config, "warm_up_apart")["warm_up_apart"]
    assert curve(made)["learning_rate"].tolist() == pytest.approx([2e-3, 2e-3, 2e-3 * 0.9])
    assert model(made).facts["stages"][-1]["stopped"] == "converged at epoch 3"
    # What MODC inherits is that warm-up's, and the baseline's is its own.
    assert spec_of(config, "supervised").learning_rate == 2e-3
    assert spec_of(config, "warm_up") == spec_of(tiny, "warm_up")
    assert spec_of(config, "warm_up").convergence is None


def test_a_warm_up_apart_is_another_draw(plain, chain, tiny):
    config = merge(tiny, APART)
    cell = Cell("FashionAI", "ASENv2", 50, 0)
    assert grid.stages(config, cell, "modc")[:2] == ("warm_up_apart", "supervised")
    config = merge(config, {"methods": {"modc": {"stages": {"ASENv2": ONE_EPOCH}}}})
    made = chain("apart", config, "warm_up_apart", "supervised")
    assert_another_model(made["warm_up_apart"], plain()["warm_up"])
    assert_another_model(made["supervised"], plain()["supervised"])
    stages = [stage["stage"] for stage in model(made["supervised"]).facts["stages"]]
    assert stages == ["warm_up_apart", "supervised"]


def test_the_memory_bank_recomputes_the_centers_rarely(plain, modc_task, tiny, tmp_path):
    bank = assume(tiny, "A3", "memory_bank")
    initial = model(plain()["warm_up"], "model.pt")
    for every, moves in ((3, False), (2, True)):  # after two iterations
        config = merge(bank, {"methods": {"modc": {"memory_bank": {"every": every}}}})
        task = modc_task(tmp_path, config, "supervised", initial)
        first = set_up(task, CPU).objective.centers.nan_to_num()
        last = stepped(task).objective.centers.nan_to_num()
        assert torch.equal(first, last) != moves


def test_no_predictor_is_kept_where_there_is_none(first_steps, plain_steps, tiny):
    config = assume(tiny, "A5", "no_predictor")
    without, kept = first_steps(config, "self_supervised"), plain_steps("self_supervised")
    assert not any("predictor" in name for name in without.objective.state_dict())
    assert any("predictor" in name for name in kept.objective.state_dict())


def begun(plain, modc_task, config: dict, place) -> Learner:
    """The last stage at its beginning, with pseudo labels that hold for an epoch."""
    config = merge(config, {"methods": {"modc": {"pseudo_labels": "each_epoch"}}})
    initial = model(plain()["pseudo_triplets"], "model.pt")
    return set_up(modc_task(place, config, "pseudo_clusters", initial), CPU)


def epoch_labels(learner: Learner, epoch: int = 0) -> np.ndarray:
    learner.objective.begin_epoch(epoch)
    image, attribute = learner.source.unlabeled.T
    return learner.objective.memory.label[image, attribute].numpy()


def naive_cosines(learner: Learner, image: int, attribute: int) -> torch.Tensor:
    """The cosines of one image, looked at for one attribute, to the centers that there are."""
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[..., None, None]
    pixels = torch.from_numpy(learner.source.packed["image"].array[image]).permute(2, 0, 1)
    with torch.no_grad():
        normal = ((pixels / 255 - mean) / deviation)[None]
        embedding = learner.network.eval()(normal, torch.tensor([attribute])).embedding[0]
    centers = [
        center for center in learner.objective.centers[attribute] if not center.isnan().any()
    ]
    return torch.stack([center @ embedding for center in centers])


def naive_labels(learner: Learner) -> list[int]:
    return [int(naive_cosines(learner, *pair).argmax()) for pair in learner.source.unlabeled]


@pytest.mark.parametrize("hidden", ["value", "value_and_attribute"])
def test_labels_of_an_epoch_are_the_nearest_centers(plain, modc_task, tiny, tmp_path, hidden):
    config = merge(tiny, {"methods": {"modc": {"hidden_labels": hidden}}})
    learner = begun(plain, modc_task, config, tmp_path)
    found = epoch_labels(learner)
    assert found.tolist() == naive_labels(learner)
    # They hold although the network moves on, until the next epoch begins.
    with torch.no_grad():
        for parameter in learner.network.parameters():
            parameter.mul_(-1)
    groups = next(batches(learner.source, 0)).unlabeled[0]
    looked_up = learner.objective._pseudo_labels(groups, [])
    pairs = map(tuple, learner.source.unlabeled.tolist())
    known = dict(zip(pairs, found.tolist(), strict=True))
    pairs = [pair for g in groups for pair in zip(g.numbers, g.attribute.tolist(), strict=True)]
    assert looked_up.tolist() == [known[pair] for pair in pairs]
    found_next = epoch_labels(learner, epoch=1)
    assert found_next.tolist() == naive_labels(learner) != found.tolist()


def test_only_confident_images_get_a_label(plain, modc_task, tiny, tmp_path):
    learner = begun(plain, modc_task, tiny, tmp_path)
    cosines = [naive_cosines(learner, *pair) for pair in learner.source.unlabeled]
    confidence = np.array([float((c / 0.1).softmax(0).max()) for c in cosines])
    # Half-way between two images, so that rounding does not matter.
    middle = np.sort(confidence)[len(confidence) // 2 - 1 :][:2].mean()
    options = learner.objective.options
    labels = replace(options.pseudo_labels, confidence=float(middle))
    learner.objective.options = replace(options, pseudo_labels=labels)
    expected = np.where(confidence > middle, [int(c.argmax()) for c in cosines], -1)
    assert 0 < (expected == -1).sum() < len(expected)
    assert epoch_labels(learner).tolist() == expected.tolist()


@pytest.fixture
def one_attribute(index):
    """The index with each training image annotated for one attribute, as in FashionAI."""
    labels = index.labels
    kept = (labels["split"] != "train") | (labels["attribute"] == labels["image"] // 2 % 2)
    return replace(index, labels=labels[kept])


def test_without_its_attribute_an_image_is_looked_at_for_all(
    plain, first_steps, modc_task, tiny, one_attribute, tmp_path
):
    pairs, made = {}, {}
    for hidden in ("value", "value_and_attribute"):
        config = merge(tiny, {"methods": {"modc": {"hidden_labels": hidden}}})
        for stage, before in zip(STAGES[2:], STAGES[1:], strict=False):
            initial = model(plain()[before], "model.pt")
            facts = {**initial.facts, "index_sha256": one_attribute.sha256}
            initial = replace(initial, facts=facts)
            task = replace(modc_task(tmp_path, config, stage, initial), index=one_attribute)
            assert task.spec.unlabeled.hidden_labels == hidden
            pairs[hidden], made[hidden, stage] = task.parts()[1].tolist(), stepped(task)
    assert sorted(pairs["value"]) == [[image, image // 2 % 2] for image in range(8, 16)]
    both = [[image, attribute] for image in range(8, 16) for attribute in (0, 1)]
    assert pairs["value_and_attribute"] == both
    for stage in STAGES[2:]:
        assert differ(made["value", stage], made["value_and_attribute", stage])


def test_with_fixed_epochs_a_stage_goes_on_where_it_had_converged(chain, tiny):
    convergence = {"rise": 1.0, "patience": 1}
    part = {"convergence": convergence, "stages": {"ASENv2": {"epochs": {"supervised": 3}}}}
    stopped = merge(tiny, {"methods": {"modc": part}})
    fixed = assume(stopped, "A10", "fixed_epochs")
    made = [
        chain(str(n), config, "supervised")["supervised"]
        for n, config in enumerate((stopped, fixed))
    ]
    assert [len(curve(task)) for task in made] == [2, 3]
    ends = [model(task).facts["stages"][-1]["stopped"] for task in made]
    assert ends == ["converged at epoch 2", "all 3 epochs"]
    assert curve(made[0]).equals(curve(made[1]).iloc[:2])
    assert_another_model(made[1], made[0])


def test_with_all_labels_self_supervision_may_follow(chain, tiny, index):
    config = assume(tiny, "A11", "self_supervised")
    config = merge(config, {"methods": {"modc": {"stages": {"ASENv2": ONE_EPOCH}}}})
    cell = Cell("FashionAI", "ASENv2", 100, 0)
    stages = grid.stages(config, cell, "modc")
    assert stages == ("warm_up", "supervised", "self_supervised")  # TINY shares the warm-up
    assert grid.stages(tiny, cell, "modc") == stages[:2]
    everything = {"labeled": index.rows("train", "train")["image"].unique()}
    made = chain("all", config, *stages, percent=100, change=everything)
    losses = curve(made["self_supervised"])
    assert np.isfinite(losses.to_numpy()).all()
    assert (losses["self_supervision"] != 0).all()
    assert "unlabeled_self_supervision" not in losses


def test_views_come_in_twos_from_the_stage_that_the_ledger_names(plain, modc_task, tiny, tmp_path):
    config = assume(tiny, "A16", "supervised")
    initial = model(plain()["warm_up"], "model.pt")
    once, twice = (
        next(batches(set_up(modc_task(tmp_path, c, "supervised", initial), CPU).source, 0)).labeled
        for c in (tiny, config)
    )
    assert (len(once), len(twice)) == (1, 2)
    assert not torch.equal(twice[0][0].pixels, twice[1][0].pixels)


@pytest.fixture
def in_branches(tiny) -> dict:
    return assume(tiny, "A14", "branches")


def test_centers_in_branches_keep_the_lengths_of_their_halves(
    first_steps, plain_steps, in_branches
):
    made = {s: first_steps(in_branches, s, "ASEN++") for s in ("supervised", "pseudo_clusters")}
    for stage, learner in made.items():
        assert differ(learner, plain_steps(stage, "ASEN++"))
    centers = made["supervised"].objective.centers
    present = centers[~centers.isnan().any(dim=2)]
    assert len(present) == 5
    for half, share in zip(present.split(1024, dim=1), (0.6, 0.4), strict=True):
        assert torch.allclose(half.norm(dim=1), torch.full((5,), share**0.5), atol=1e-5)
    whole = plain_steps("supervised", "ASEN++").objective.centers
    assert not torch.allclose(whole.nan_to_num(), centers.nan_to_num(), atol=1e-4)


def test_the_cluster_loss_in_branches_is_the_weighted_sum_of_two(
    plain, modc_task, in_branches, tmp_path, monkeypatch
):
    initial = model(plain("ASEN++")["warm_up"], "model.pt")
    made = modc_task(tmp_path, in_branches, "supervised", initial, network="ASEN++")
    learner = set_up(made, CPU)
    seen = []
    monkeypatch.setattr(
        module, "embedded", lambda *given: seen.append(embedded(*given)) or seen[-1]
    )
    batch = next(batches(learner.source, 0))
    found = float(learner.objective(batch).terms["cluster"].detach())
    (groups,) = batch.labeled
    numbers = np.concatenate([images.numbers for images in groups])
    attributes = torch.cat([images.attribute for images in groups]).tolist()
    rows = made.index.rows("train", "train")
    values = {(row.image, row.attribute): row.value for row in rows.itertuples()}
    of_branch = {"vector": 0.0, "local": 0.0}
    for branch, columns in (("vector", slice(1024)), ("local", slice(1024, None))):
        vectors = torch.cat(
            [role.vector if branch == "vector" else role.parts["local"] for role in seen]
        )
        for vector, image, attribute in zip(vectors, numbers, attributes, strict=True):
            own = values[image, attribute]
            scores = []
            for center in learner.objective.centers[attribute, :, columns]:
                if not center.isnan().any():
                    cosine = vector @ center / vector.norm() / center.norm()
                    scores.append(cosine / 0.1)
            scores = torch.stack(scores)
            of_branch[branch] += float((scores.logsumexp(0) - scores[own]).detach()) / len(numbers)
    assert found == pytest.approx(of_branch["vector"] + 0.1 * of_branch["local"], rel=1e-4)


def test_where_no_image_is_sure_the_terms_are_nothing_and_the_curve_says_so(chain, tiny):
    sure = {"pseudo_label_confidence": 1.0, "stages": {"ASENv2": ONE_EPOCH}}
    made = chain("run", merge(tiny, {"methods": {"modc": sure}}), "pseudo_triplets")
    made |= chain("run", merge(tiny, {"methods": {"modc": sure}}), "pseudo_clusters")
    for task in made.values():
        rows = curve(task)
        assert (rows["share_pseudo_labeled"] == 0).all() and (rows["pseudo_triplet"] == 0).all()
        assert (rows["share_pseudo_anchors"] == 0).all()
        assert np.isfinite(rows["loss"]).all()
    assert (curve(made["pseudo_clusters"])["pseudo_cluster"] == 0).all()

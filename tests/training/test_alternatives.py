"""The alternatives of the assumption ledger that training reads: each trains another model."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from modc import grid
from modc.config import merge
from modc.networks import model_file
from modc.published import assumptions
from modc.training import instance as module
from modc.training.instance import embedded
from modc.training.modc import Modc
from modc.training.semi_supervised import SemiSupervised
from modc.training.start import start
from modc.training.task import Task

# The others change which stages there are, when a stage ends, or what comes before training.
WITHIN_STAGES = ("A3", "A4", "A5", "A6", "A7", "A16", "A20", "A24")
CASES = [
    (entry.id, name)
    for entry in assumptions.load()
    if entry.id in WITHIN_STAGES
    for name in entry.alternatives
    if name != "warm_up"  # of A16, which is first read by a warm-up of MODC's own
]
APART = {"modc": {"warm_up": dict.fromkeys(("ASEN", "ASENv2", "ASEN++"), "apart")}}
CPU = torch.device("cpu")


def curve(task: Task) -> pd.DataFrame:
    return pd.read_csv(task.output / "curve.csv")


def model(task: Task, name: str = "last.pt") -> model_file.ModelFile:
    return model_file.load(task.output / name)


def assert_another_model(task: Task, plain: Task) -> None:
    a, b = model(plain).state_dict, model(task).state_dict
    assert any(not torch.equal(a[key], b[key]) for key in a if "num_batches" not in key)
    losses = curve(task).drop(columns=["epoch", "learning_rate"])
    assert len(losses) and np.isfinite(losses.to_numpy()).all()


def settings(config: dict, stage: str, network: str = "ASENv2", percent: int = 50) -> dict:
    cell = grid.Cell("FashionAI", network, percent, 0)
    return grid.training_settings(config, cell, stage)


@pytest.mark.parametrize(("assumption", "alternative"), CASES)
def test_it_trains_another_model_from_the_stage_on_that_reads_it(
    plain, chain, tiny, assumption, alternative
):
    config = assumptions.assume(tiny, assumption, alternative)
    read = [s for s in grid.MODC if settings(config, s) != settings(tiny, s)]
    rest = grid.MODC[grid.MODC.index(read[0]) :]
    # The later stages have views in any case.
    assert read == (["supervised"] if assumption == "A16" else list(rest))
    # Where it is first read, and where everything is; the last stage has views in any case.
    for stage in dict.fromkeys((read[0], read[0] if assumption == "A16" else grid.MODC[-1])):
        assert_another_model(chain(stage, config, stage)[stage], plain()[stage])


def test_the_predictor_begins_at_the_initial_rate_where_asked(plain, chain, tiny):
    config = assumptions.assume(tiny, "A24", "initial")
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
    config = merge(assumptions.assume(tiny, "A23", alternative), {"modc": part})
    made = chain("selected", config, "supervised")["supervised"]
    scores = curve(made)
    assert model(made, "model.pt").facts["epoch"] == scores["epoch"][scores[column].idxmax()]
    stage = model(made, "model.pt").facts["stages"][-1]
    assert stage["best"]["MAP@all"] == model(made, "model.pt").facts["valid_MAP@all"]


def test_views_are_cut_from_the_whole_picture_where_asked(chain, tiny, packed):
    config = assumptions.assume(tiny, "A20", "whole")
    made = chain("whole", config, "self_supervised")["self_supervised"]
    stage = start(made, CPU)[0]
    assert stage.aspect.tolist() == [1.0] * len(packed["image"])
    batch = next(stage.batches(0))
    seen = torch.cat([images.pixels for view in batch for images in view]).float().mean()
    # In these data the whole pictures are the darker ones; what is embedded stays the square.
    dark, bright = (float(packed[name].array.mean()) for name in ("whole", "image"))
    assert abs(seen - dark) < (bright - dark) / 2
    assert stage.packed["image"] is packed["image"]


def test_modcs_own_warm_up_takes_views_where_asked(chain, tiny):
    apart = merge(tiny, APART)
    asked = assumptions.assume(apart, "A16", "warm_up")
    made = {
        name: chain(name, config, "warm_up_apart")["warm_up_apart"]
        for name, config in (("views", asked), ("plain", apart))
    }
    assert_another_model(made["views"], made["plain"])
    assert start(made["views"], CPU)[0].images_per_triplet == 6
    assert start(made["plain"], CPU)[0].images_per_triplet == 3
    assert settings(asked, "warm_up") == settings(tiny, "warm_up")


def test_an_epoch_has_triplets_by_the_share_of_labels_where_asked(tiny):
    by_labels = assumptions.assume(tiny, "A29", "by_labels")
    assert settings(tiny, "warm_up", percent=50)["triplets_per_epoch"] == 8
    assert settings(by_labels, "warm_up", percent=50)["triplets_per_epoch"] == 4
    assert settings(by_labels, "warm_up", percent=1)["triplets_per_epoch"] == 4


def test_a_warm_up_of_modcs_own_has_its_recipe_and_ends_at_the_plateau(plain, chain, tiny):
    recipe = {"epochs": 4, "learning_rate": 2e-3, "decay": 0.9, "decay_every": 2}
    change = {
        "stages": {"ASENv2": {"warm_up": recipe}},
        "convergence": {"rise": 1.0, "patience": 2},
    }
    config = merge(tiny, merge(APART, {"modc": change}))
    made = chain("recipe", config, "warm_up_apart")["warm_up_apart"]
    assert curve(made)["learning_rate"].tolist() == pytest.approx([2e-3, 2e-3, 2e-3 * 0.9])
    assert model(made).facts["stages"][-1]["stopped"] == "converged at epoch 3"
    # What MODC inherits is that warm-up's, and the baseline's is its own.
    assert settings(config, "supervised")["learning_rate"] == 2e-3
    assert settings(config, "warm_up") == settings(tiny, "warm_up")
    assert "convergence" not in settings(config, "warm_up")


def test_a_warm_up_apart_is_another_draw(plain, chain, tiny):
    config = merge(tiny, APART)
    cell = grid.Cell("FashionAI", "ASENv2", 50, 0)
    assert grid.stages(config, cell, "modc")[:2] == ("warm_up_apart", "supervised")
    made = chain("apart", config, "warm_up_apart", "supervised")
    assert_another_model(made["warm_up_apart"], plain()["warm_up"])
    assert_another_model(made["supervised"], plain()["supervised"])
    stages = [stage["stage"] for stage in model(made["supervised"]).facts["stages"]]
    assert stages == ["warm_up_apart", "supervised"]


def test_the_memory_bank_recomputes_the_centres_rarely(chain, tiny):
    bank = assumptions.assume(tiny, "A3", "memory_bank")
    for every, moves in ((5, False), (4, True)):  # the stage has four iterations
        config = merge(bank, {"modc": {"memory_bank": {"every": every}}})
        made = chain(str(every), config, "supervised")["supervised"]
        first = start(made, CPU)[0].centres.nan_to_num()
        last = model(made).training["centres"].nan_to_num()
        assert torch.equal(first, last) != moves


def test_no_predictor_is_kept_where_there_is_none(plain, chain, tiny):
    config = assumptions.assume(tiny, "A5", "no_predictor")
    made = chain("without", config, "self_supervised")["self_supervised"]
    assert "predictor" not in model(made).training
    assert "predictor" in model(plain()["self_supervised"]).training


def begun(plain, modc_task, config: dict, place) -> SemiSupervised:
    """The last stage at its beginning, with pseudo labels that hold for an epoch."""
    config = merge(config, {"modc": {"pseudo_labels": "each_epoch"}})
    initial = model(plain()["pseudo_triplets"], "model.pt")
    return start(modc_task(place, config, "pseudo_clusters", initial), CPU)[0]


def epoch_labels(stage: SemiSupervised, epoch: int = 0) -> np.ndarray:
    stage.begin_epoch(epoch)
    image, attribute = stage.unlabeled.T
    return stage._label_of[image, attribute]


def naive_cosines(stage: SemiSupervised, image: int, attribute: int) -> torch.Tensor:
    """The cosines of one image, looked at for one attribute, to the centres that there are."""
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[..., None, None]
    pixels = torch.from_numpy(stage.packed["image"].array[image]).permute(2, 0, 1)
    with torch.no_grad():
        normal = ((pixels / 255 - mean) / deviation)[None]
        embedding = stage.network.eval()(normal, torch.tensor([attribute])).embedding[0]
    centres = [centre for centre in stage.centres[attribute] if not centre.isnan().any()]
    return torch.stack([centre @ embedding for centre in centres])


def naive_labels(stage: SemiSupervised) -> list[int]:
    return [int(naive_cosines(stage, *pair).argmax()) for pair in stage.unlabeled]


@pytest.mark.parametrize("hidden", ["value", "value_and_attribute"])
def test_labels_of_an_epoch_are_the_nearest_centres(plain, modc_task, tiny, tmp_path, hidden):
    config = merge(tiny, {"modc": {"hidden_labels": hidden}})
    stage = begun(plain, modc_task, config, tmp_path)
    found = epoch_labels(stage)
    assert found.tolist() == naive_labels(stage)
    # They hold although the network moves on, until the next epoch begins.
    with torch.no_grad():
        for parameter in stage.network.parameters():
            parameter.mul_(-1)
    groups = next(stage.batches(0)).unlabeled[0]
    looked_up = stage._labels(groups, [], torch.cat([g.attribute for g in groups]))
    known = dict(zip(map(tuple, stage.unlabeled.tolist()), found.tolist(), strict=True))
    pairs = [pair for g in groups for pair in zip(g.numbers, g.attribute.tolist(), strict=True)]
    assert looked_up.tolist() == [known[pair] for pair in pairs]
    found_next = epoch_labels(stage, epoch=1)
    assert found_next.tolist() == naive_labels(stage) != found.tolist()


def test_only_confident_images_get_a_label(plain, modc_task, tiny, tmp_path):
    stage = begun(plain, modc_task, tiny, tmp_path)
    cosines = [naive_cosines(stage, image, attribute) for image, attribute in stage.unlabeled]
    confidence = np.array([float((c / 0.1).softmax(0).max()) for c in cosines])
    # Half-way between two images, so that rounding does not matter.
    middle = np.sort(confidence)[len(confidence) // 2 - 1 :][:2].mean()
    stage.options["pseudo_label_confidence"] = float(middle)
    expected = np.where(confidence > middle, [int(c.argmax()) for c in cosines], -1)
    assert 0 < (expected == -1).sum() < len(expected)
    assert epoch_labels(stage).tolist() == expected.tolist()


@pytest.fixture
def one_attribute(index):
    """The index with each training image annotated for one attribute, as in FashionAI."""
    labels = index.labels
    kept = (labels["split"] != "train") | (labels["attribute"] == labels["image"] // 2 % 2)
    return replace(index, labels=labels[kept])


def test_without_its_attribute_an_image_is_looked_at_for_all(plain, chain, tiny, one_attribute):
    initial = model(plain()["self_supervised"], "model.pt")
    facts = {**initial.facts, "index_sha256": one_attribute.sha256}
    initial, made = replace(initial, facts=facts), {}
    for hidden in ("value", "value_and_attribute"):
        config = merge(tiny, {"modc": {"hidden_labels": hidden}})
        others = {"initial": initial, "change": {"index": one_attribute}}
        stages = ("unlabeled", "pseudo_triplets", "pseudo_clusters")
        made[hidden] = chain(hidden, config, *stages, **others)
    pairs = {hidden: task["unlabeled"].parts()[1].tolist() for hidden, task in made.items()}
    assert sorted(pairs["value"]) == [[image, image // 2 % 2] for image in range(8, 16)]
    both = [[image, attribute] for image in range(8, 16) for attribute in (0, 1)]
    assert pairs["value_and_attribute"] == both
    for stage, task in made["value_and_attribute"].items():
        assert_another_model(task, made["value"][stage])
        assert task.settings["modc"]["hidden_labels"] == "value_and_attribute"


def test_with_fixed_epochs_a_stage_goes_on_where_it_had_converged(chain, tiny):
    convergence = {"rise": 1.0, "patience": 1}
    part = {"convergence": convergence, "stages": {"ASENv2": {"epochs": {"supervised": 3}}}}
    stopped = merge(tiny, {"modc": part})
    fixed = assumptions.assume(stopped, "A10", "fixed_epochs")
    made = [
        chain(str(n), config, "supervised")["supervised"]
        for n, config in enumerate((stopped, fixed))
    ]
    assert [len(curve(task)) for task in made] == [2, 3]
    assert curve(made[0]).equals(curve(made[1]).iloc[:2])
    assert_another_model(made[1], made[0])


def test_with_all_labels_self_supervision_may_follow(chain, tiny, index):
    config = assumptions.assume(tiny, "A11", "self_supervised")
    cell = grid.Cell("FashionAI", "ASENv2", 100, 0)
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
    config = assumptions.assume(tiny, "A16", "supervised")
    initial = model(plain()["warm_up"], "model.pt")
    once, twice = (
        next(start(modc_task(tmp_path, c, "supervised", initial), CPU)[0].batches(0))
        for c in (tiny, config)
    )
    assert (len(once), len(twice)) == (1, 2)
    assert not torch.equal(twice[0][0].pixels, twice[1][0].pixels)


@pytest.fixture
def in_branches(tiny) -> dict:
    return assumptions.assume(tiny, "A14", "branches")


def test_centres_in_branches_keep_the_lengths_of_their_halves(plain, chain, in_branches):
    made = {
        stage: chain(stage, in_branches, stage, network="ASEN++")[stage]
        for stage in ("supervised", "pseudo_clusters")
    }
    for stage, task in made.items():
        assert_another_model(task, plain("ASEN++")[stage])
    centres = model(made["supervised"]).training["centres"]
    present = centres[~centres.isnan().any(dim=2)]
    assert len(present) == 5
    for half, share in zip(present.split(1024, dim=1), (0.6, 0.4), strict=True):
        assert torch.allclose(half.norm(dim=1), torch.full((5,), share**0.5), atol=1e-5)
    whole = model(plain("ASEN++")["supervised"]).training["centres"]
    assert not torch.allclose(whole.nan_to_num(), centres.nan_to_num(), atol=1e-4)


def test_the_cluster_loss_in_branches_is_the_weighted_sum_of_two(
    plain, modc_task, in_branches, tmp_path, monkeypatch
):
    initial = model(plain("ASEN++")["warm_up"], "model.pt")
    made = modc_task(tmp_path, in_branches, "supervised", initial, network="ASEN++")
    stage: Modc = start(made, CPU)[0]
    seen = []
    monkeypatch.setattr(
        module, "embedded", lambda *given: seen.append(embedded(*given)) or seen[-1]
    )
    batch = next(stage.batches(0))
    found = float(stage.losses(batch)["cluster"].detach())
    numbers = np.concatenate([images.numbers for images in batch[0]])
    attributes = torch.cat([images.attribute for images in batch[0]]).tolist()
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
            for centre in stage.centres[attribute, :, columns]:
                if not centre.isnan().any():
                    cosine = vector @ centre / vector.norm() / centre.norm()
                    scores.append(cosine / 0.1)
            scores = torch.stack(scores)
            of_branch[branch] += float((scores.logsumexp(0) - scores[own]).detach()) / len(numbers)
    assert found == pytest.approx(of_branch["vector"] + 0.1 * of_branch["local"], rel=1e-4)


def test_where_no_image_is_sure_the_terms_are_nothing_and_the_curve_says_so(chain, tiny):
    sure = merge(tiny, {"modc": {"pseudo_label_confidence": 1.0}})
    made = chain("run", sure, "pseudo_triplets", "pseudo_clusters")["pseudo_clusters"]
    rows = curve(made)
    assert (rows[["share_pseudo_labeled", "share_pseudo_anchors"]] == 0).all(axis=None)
    assert (rows[["pseudo_triplet", "pseudo_cluster"]] == 0).all(axis=None)
    assert np.isfinite(rows["loss"]).all()

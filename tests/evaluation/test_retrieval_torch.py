"""What a GPU would compute, on the CPU: the same from equal similarities."""

import threading

import numpy as np
import pytest
import torch

from modc.evaluation import retrieval_torch
from modc.evaluation.scores import score


def exact(seed=0, candidates=900):
    """Return arrays whose cosines are sums of quarters: no product rounds, and many are equal."""
    rng = np.random.default_rng(seed)

    def embeddings(*shape):
        signs = rng.choice([-1.0, 1.0], (*shape, 16)).astype(np.float32)
        signs[..., 4:] = 0
        return rng.permuted(signs, axis=-1)

    centers = embeddings(2, 5)
    centers[0, 3] = np.nan
    return {
        "query_embedding": embeddings(50),
        "query_attribute": rng.integers(0, 2, 50),
        "query_value": rng.integers(0, 6, 50),
        "candidate_embedding": embeddings(candidates),
        "candidate_attribute": rng.integers(0, 2, candidates),
        "candidate_value": rng.integers(0, 6, candidates),
        "centers": centers,
    }


@pytest.mark.parametrize("at_once", [1, 3000, 2**24])
@pytest.mark.parametrize("order", ["query", "center"])
def test_it_equals_the_cpus(monkeypatch, order, at_once):
    monkeypatch.setattr(retrieval_torch, "SIMILARITIES_AT_ONCE", at_once)
    expected = score(**exact(), prioritized_order=order)
    found = score(**exact(), prioritized_order=order, device="cpu")
    assert list(found) == list(expected) and (found.dtypes == expected.dtypes).all()
    assert np.allclose(found, expected, rtol=0, atol=1e-12)
    assert expected["top1/known/MAP@all"].ne(expected["MAP@all"]).any()
    for counted in ("relevant", "hits", "top2/unknown/hits", "Acc"):
        assert found[counted].equals(expected[counted])


def test_no_candidates():
    arrays = exact(candidates=0)
    assert score(**arrays, device="cpu").equals(score(**arrays))


def test_means_of_random_embeddings_agree():
    rng = np.random.default_rng(1)
    arrays = {name: array for name, array in exact(1).items() if name != "centers"}
    for role in ("query", "candidate"):
        shape = len(arrays[f"{role}_value"]), 64
        arrays[f"{role}_embedding"] = rng.standard_normal(shape).astype(np.float32)
    # Products may round differently, which now and then exchanges two candidates.
    assert np.allclose(score(**arrays, device="cpu").mean(), score(**arrays).mean(), atol=1e-5)


def test_products_are_of_full_precision_on_one_thread(monkeypatch):
    seen = []
    multiply = torch.Tensor.__matmul__

    def noted(*arguments):
        # A product on a GPU asks for both, and fails where they disagree.
        assert not torch.backends.cuda.matmul.allow_tf32
        seen.append((torch.get_float32_matmul_precision(), threading.current_thread()))
        return multiply(*arguments)

    monkeypatch.setattr(torch.Tensor, "__matmul__", noted)
    torch.set_float32_matmul_precision("high")  # as NVIDIA's containers do
    score(**exact(), threads=4, device="cpu")
    # One thread, as the setting is the whole process's.
    assert seen == [("highest", threading.main_thread())] * 2

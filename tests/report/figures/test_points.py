import numpy as np
import pytest

from modc.report.figures.points import LEAST_POINTS, flat_map, sample


def clusters(each: int, dim: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Three clusters of unit vectors far apart, and which each is of."""
    draw = np.random.default_rng(0)
    middles = np.eye(dim)[:3]
    groups = np.repeat(np.arange(3), each)
    vectors = middles[groups] + 0.1 * draw.normal(size=(3 * each, dim))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), groups


def test_the_same_map_each_time():
    vectors, _ = clusters(40)
    first, again = flat_map(vectors, 0), flat_map(vectors.copy(), 0)
    assert first.tobytes() == again.tobytes()


def test_the_threads_do_not_matter():
    from threadpoolctl import threadpool_limits

    vectors, _ = clusters(40)
    with threadpool_limits(2):
        parallel = flat_map(vectors, 0)
    with threadpool_limits(1):
        assert flat_map(vectors, 0).tobytes() == parallel.tobytes()


def test_what_is_near_stays_near():
    vectors, groups = clusters(30)
    points = flat_map(vectors, 0)
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (groups[distances.argmin(axis=1)] == groups).mean() > 0.95


@pytest.mark.parametrize("count", [0, 1, 2, LEAST_POINTS - 1, LEAST_POINTS, 12, 31])
def test_fewer_points_than_the_perplexity(count):
    vectors = np.random.default_rng(1).normal(size=(count, 5))
    points = flat_map(vectors, 0)
    assert points.shape == (count, 2)
    assert np.isfinite(points).all()
    assert len(np.unique(points, axis=0)) == count


@pytest.mark.parametrize("count", [3, 40])
def test_points_that_are_all_the_same_stay_together(count):
    points = flat_map(np.ones((count, 4)) / 2, 0)
    assert (points == 0).all()


def test_a_sample_has_of_each_group_about_equally_many():
    groups = np.repeat([0, 1, 2], [500, 30, 5])
    rows = sample(groups, 60, 0)
    assert len(rows) == 60
    assert (np.diff(rows) > 0).all()
    # All five of the smallest; the others share the rest.
    assert np.bincount(groups[rows]).tolist() in ([28, 27, 5], [27, 28, 5])
    assert np.array_equal(rows, sample(groups, 60, 0))
    assert not np.array_equal(rows, sample(groups, 60, 1))


def test_a_sample_of_few_is_all():
    assert sample(np.array([3, 1, 3]), 3, 0).tolist() == [0, 1, 2]
    assert sample(np.array([], int), 3, 0).tolist() == []

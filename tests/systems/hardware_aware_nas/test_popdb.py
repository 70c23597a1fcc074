import numpy as np
import pytest
from sklearn.cluster import HDBSCAN

from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import optimize
from nastoolkit.systems.hardware_aware_nas import clusters, constrain, count_losers

SPACE = SearchSpace(
    [
        Choice("depth", (1, 2)),
        *(Choice(f"kernel{i}", (3, 5, 7)) for i in range(6)),
        Choice("deep", (3, 5, 7), when=("depth", (2,))),
    ]
)


def history(genotypes, space=SPACE):
    genotypes = space.canonical(np.array(genotypes))
    return History(space, (Objective("f", "min"),), genotypes, np.zeros((len(genotypes), 1)))


def crowd(n, rng, rare=0):
    """Sub-networks of two crowds that differ in the first kernels; the last one is 7 in ``rare`` of them, else 3."""
    genotypes = np.zeros((n, SPACE.n_genes), dtype=int)
    genotypes[:, 1] = 2 * (np.arange(n) % 2)
    genotypes[:, 2] = genotypes[:, 3] = genotypes[:, 1]
    genotypes[:, 4] = rng.integers(0, 2, n)
    genotypes[:rare, 6] = 2
    return genotypes


def test_options_that_the_crowds_do_not_use_are_dropped():
    space = constrain(history(crowd(400, np.random.default_rng(0))))
    assert space.allowed == ((0,), (0, 2), (0, 2), (0, 2), (0, 1), (0,), (0,), (0, 1, 2))
    assert space.fingerprint == SPACE.fingerprint  # genotypes keep their meaning


@pytest.mark.parametrize(("threshold", "kept"), [(0.0, (0, 1, 2)), (0.01, (0, 2)), (0.2, (0,)), (1.0, (0,))])
def test_the_threshold_decides(threshold, kept):
    space = constrain(history(crowd(400, np.random.default_rng(0), rare=40)), threshold)
    assert space.allowed[6] == kept
    assert all(space.allowed)


def test_noise_has_no_vote():
    rng = np.random.default_rng(0)
    stray = crowd(4, rng)
    stray[:, 1:7] = [1, 2, 1, 1, 2, 2]
    both = history(np.concatenate([crowd(400, rng), stray]))
    assert constrain(both, threshold=0.001).allowed[5] == (0,)


def test_the_blocks_of_deep_subnetworks_are_judged_among_these():
    genotypes = crowd(400, np.random.default_rng(0))
    genotypes[:120:2, [0, 4, 7]] = [1, 0, 1]  # 60 equal ones
    space = constrain(history(genotypes), threshold=0.1)
    assert space.allowed[0] == (0, 1) and space.allowed[7] == (1,)


def test_nothing_but_noise_drops_nothing():
    genotypes = SPACE.sample(100, np.random.default_rng(0))
    assert constrain(history(genotypes), min_cluster_size=100).allowed == SPACE.allowed


def test_equal_subnetworks_are_no_clusters():
    """HDBSCAN, too, calls one crowd noise."""
    equal = np.tile(SPACE.largest, (100, 1))
    assert constrain(history(equal)).allowed == SPACE.allowed
    nearly = np.concatenate([equal, SPACE.sample(3, np.random.default_rng(0))])
    assert constrain(history(nearly)).allowed == SPACE.allowed
    only = SearchSpace([Choice("one", (1,))])
    assert constrain(history(np.zeros((60, 1), dtype=int), only)).allowed == ((0,),)


def test_shares_are_among_the_subnetworks_that_have_the_choice():
    genotypes = np.zeros((10, SPACE.n_genes), dtype=int)
    genotypes[:4, 0] = 1
    genotypes[0, 7] = 2
    shares = history(genotypes).option_shares()
    np.testing.assert_allclose(shares["depth"], [0.6, 0.4])
    np.testing.assert_allclose(shares["deep"], [0.75, 0, 0.25])
    assert np.isnan(history(genotypes[4:]).option_shares()["deep"]).all()


def test_how_many_choices_of_a_kind_lose_options():
    names = ("stage1.depth", "stage1.block1.kernel", "stage1.block2.kernel", "stage2.block1.kernel")
    space = SearchSpace([Choice(name, (3, 5, 7)) for name in names]).restrict({"stage2.block1.kernel": (5,)})
    assert count_losers(space, space.restrict({"stage1.block1.kernel": (3, 7)})) == {"depth": (0, 1), "kernel": (1, 2)}


def test_a_restricted_space_is_restricted_further():
    space = SPACE.restrict({"kernel3": (3,)})
    genotypes = crowd(200, np.random.default_rng(0))
    genotypes[:, 4] = 0
    assert constrain(history(genotypes, space)).allowed[4] == (0,)


def test_a_search_of_the_smaller_space_begins_better():
    def evaluate(genotypes):
        return np.stack([genotypes.sum(axis=1), np.abs(genotypes - 1).sum(axis=1)], axis=1).astype(float)

    objectives = [Objective("a", "min"), Objective("b", "min")]
    large = SearchSpace([Choice(f"c{i}", tuple(range(6))) for i in range(12)])
    past = optimize(large, evaluate, objectives, "nsga2", 1500, progress=False)
    smaller = constrain(past, min_cluster_size=20, min_samples=5)
    assert smaller.size < large.size / 1000
    first = [
        optimize(s, evaluate, objectives, "random", 50, 1, progress=False).hypervolume((60, 60)) for s in (large, smaller)
    ]
    assert first[1] > first[0]


def measured(values):
    genotypes = SPACE.sample(len(values), np.random.default_rng(0))
    objectives = [Objective(str(number), "min") for number in range(values.shape[1])]
    return History(SPACE, tuple(objectives), genotypes, values)


@pytest.mark.parametrize("n_objectives", [2, 3])
def test_clusters_by_objectives_are_those_of_all_distances(n_objectives):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(900, n_objectives)) * rng.integers(1, 4, (900, 1)) + rng.integers(0, 2, (900, 1)) * 9
    values = np.concatenate([values, values[:30]]) * np.arange(1, n_objectives + 1)
    ours = clusters(measured(values), 20, 5, by="objectives")
    known = HDBSCAN(min_cluster_size=20, min_samples=5, copy=True).fit_predict(values / np.ptp(values, axis=0))
    assert ours.max() == known.max() >= 1
    assert (ours == known).mean() > 0.99


def test_objectives_on_a_line_are_clustered_too():
    line = np.concatenate([np.linspace(0, 1, 50), np.linspace(5, 6, 50)])
    for values in (np.stack([line, line], axis=1), np.stack([line, np.zeros(100)], axis=1)):
        assert clusters(measured(values), 20, 5, by="objectives").tolist() == [0] * 50 + [1] * 50
    assert set(clusters(measured(np.zeros((60, 2))), by="objectives")) == {-1}


def test_the_space_follows_clusters_by_objectives():
    crowds = np.random.default_rng(0).normal(size=(90, 2)) + np.repeat([0, 30], 45)[:, None]
    history = measured(np.concatenate([crowds, [[99, -99], [-99, 99], [99, 99]]]))
    history.genotypes[:45, 1], history.genotypes[45:90, 1], history.genotypes[90:, 1] = 0, 1, 2
    assert constrain(history, min_cluster_size=20, min_samples=5, by="objectives").allowed[1] == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": "distance"}, "options or objectives, got 'distance'"),
        ({"by": "objectives"}, "need at least two objectives"),
        ({"threshold": 1.5}, "between 0 and 1, got 1.5"),
        ({"threshold": float("nan")}, "between 0 and 1, got nan"),
        ({"min_cluster_size": 500}, "clusters of 500.* got 100"),
        ({"min_samples": 500}, "dense from 500 on.* got 100"),
        ({"min_cluster_size": 1}, "at least 2 .* got 1 and 10"),
        ({"min_samples": 0}, "dense points 1, got 50 and 0"),
    ],
)
def test_what_cannot_be_clustered(arguments, message):
    with pytest.raises(ValueError, match=message):
        constrain(history(crowd(100, np.random.default_rng(0))), **arguments)

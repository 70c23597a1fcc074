import numpy as np

from nastoolkit.benchmarks.members import members
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.systems.efficient_tdnn.model_predictive import GrayBits, crossed, evolve, flipped, tournaments

SPACE = SearchSpace([Choice("depth", (2, 3, 4)), *(Choice(f"width{i}", (1, 2, 3, 4, 5)) for i in range(4))])


def rng():
    return np.random.default_rng(0)


def slow(genotypes):
    return genotypes.sum(axis=1).astype(float)


def error(genotypes):
    """Less is better where widths are large, and the second one small."""
    return 20.0 - genotypes @ np.array([1.0, 3.0, -2.0, 1.0, 1.0])


def costs(genotypes):
    return np.stack([error(genotypes), slow(genotypes)], axis=1)


def test_bits_reach_every_option_and_neighbours_differ_in_one_bit():
    bits = GrayBits(SPACE)
    assert bits.length == 2 + 4 * 3
    every = np.arange(2**bits.length)[:, None] >> np.arange(bits.length)[::-1] & 1
    decoded = bits.decode(every)
    assert len(np.unique(decoded, axis=0)) == SPACE.size
    gray = [(0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0), (1, 1, 0), (1, 1, 1), (1, 0, 1), (1, 0, 0)]  # 0 to 7
    strings = np.array([[0] * 11 + list(code) for code in gray])
    assert bits.decode(strings)[:, -1].tolist() == [0, 1, 1, 2, 2, 3, 3, 4]


def test_it_finds_the_best_network_below_a_limit_and_nothing_at_it_counts():
    found = evolve(SPACE, costs, 9.0, rng(), population=20, generations=30)
    every = members(SPACE)
    assert found.shape == (600, 5)
    assert error(found[slow(found) < 9]).min() == error(every[slow(every) < 9]).min() > error(every).min()


def test_the_same_seed_gives_the_same_search():
    one, two = (evolve(SPACE, costs, 9.0, rng(), population=8, generations=5) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_the_best_stay():
    found = evolve(SPACE, costs, np.inf, rng(), population=10, generations=40).reshape(40, 10, 5)
    assert error(found[-10:].reshape(-1, 5)).mean() < error(found[0]).mean() - 3


def test_a_parent_is_the_better_of_two():
    values = np.array([5.0, 1.0, 4.0, np.inf])
    drawn = [tournaments(values, np.random.default_rng(seed)) for seed in range(500)]
    shares = np.bincount(np.concatenate(drawn), minlength=4) / 2000
    np.testing.assert_allclose(shares, [3 / 16, 7 / 16, 5 / 16, 1 / 16], atol=0.03)


def test_crossover_keeps_the_bits_of_both_parents():
    strings = np.repeat([[0] * 12, [1] * 12], [1, 1], axis=0)
    many = np.tile(strings, (500, 1))
    children = crossed(many, rng()).reshape(500, 2, 12)
    assert (children.sum(axis=1) == 1).all()
    changes = np.abs(np.diff(np.pad(children[:, 0], ((0, 0), (1, 1))), axis=1)).sum(axis=1)
    assert set(changes) <= {0, 2} and 0.5 < (changes > 0).mean() < 0.7


def test_a_tenth_of_the_bits_flips():
    assert abs(flipped(np.zeros((500, 40), dtype=int), rng()).mean() - 0.1) < 0.01

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nastoolkit.search import sampling
from nastoolkit.search.sampling import sample_new
from nastoolkit.space import Choice, SearchSpace, genotype_keys

NESTED = SearchSpace(
    [Choice("c0", (0, 1))] + [Choice(f"c{i}", (0, 1), when=(f"c{i - 1}", (1,))) for i in range(1, 24)]
)  # 25 sub-networks, the rarest of which a draw meets once in 2^24


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(0, 100))
def test_a_space_is_used_up_exactly(sizes, seed):
    rng = np.random.default_rng(seed)
    seen = set()
    for size in sizes:
        genotypes = sample_new(NESTED, size, rng, seen)
        assert len(genotypes) == min(size, NESTED.size - len(seen))
        np.testing.assert_array_equal(NESTED.canonical(genotypes), genotypes)
        keys = set(genotype_keys(genotypes))
        assert len(keys) == len(genotypes) and not keys & seen
        seen |= keys


def test_a_restriction_is_respected_to_the_last_subnetwork():
    space = SearchSpace([Choice("a", (1, 2, 3)), Choice("b", (1, 2), when=("a", (3,)))]).restrict({"a": (2, 3), "b": (2,)})
    drawn = sample_new(space, 10, np.random.default_rng(0), set())
    assert sorted(drawn.tolist()) == [[1, 0], [2, 1]]


def test_a_small_space_is_listed_once(monkeypatch):
    space, seen, listings = SearchSpace(NESTED.choices), set(), []
    monkeypatch.setattr(sampling, "_list", lambda *arguments, listed=sampling._list: listings.append(1) or listed(*arguments))
    for _ in range(5):
        seen |= set(genotype_keys(sample_new(space, 5, np.random.default_rng(0), seen)))
    assert len(seen) == 25 and len(listings) == 1


def test_draws_are_as_uniform_as_those_of_the_space():
    rng = np.random.default_rng(0)
    first = np.array([sample_new(NESTED, 1, rng, set())[0, 0] for _ in range(400)])
    assert 150 < first.sum() < 250

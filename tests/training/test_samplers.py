import numpy as np
import pytest

from nastoolkit.space import Choice, SearchSpace
from nastoolkit.training import ArchiveFrequencies, Fair, Fixed, Recipe, Sandwich, Uniform

SPACE = SearchSpace(
    [choice for i in range(6) for choice in (Choice(f"d{i}", (1, 2)), Choice(f"k{i}", (3, 5, 7), when=(f"d{i}", (2,))))]
)
SAMPLERS = {
    "fixed": lambda space, seed: Fixed(space.largest),
    "uniform": lambda space, seed: Uniform(space, 3, seed),
    "sandwich": lambda space, seed: Sandwich(space, 2, seed),
    "archive": lambda space, seed: ArchiveFrequencies(space, space.sample(9, np.random.default_rng(8)), seed),
}


def genotypes(sampler, step):
    return np.stack([genotype for genotype, _ in sampler.draw(step)])


@pytest.mark.parametrize("make", SAMPLERS.values(), ids=SAMPLERS)
def test_draws_depend_on_seed_and_step_alone(make):
    sampler = make(SPACE, 1)
    forwards = [genotypes(sampler, step) for step in range(5)]
    backwards = [genotypes(make(SPACE, 1), step) for step in reversed(range(5))][::-1]
    np.testing.assert_array_equal(forwards, backwards)


@pytest.mark.parametrize("name", ["uniform", "sandwich", "archive"])
def test_other_seeds_and_other_steps_draw_others(name):
    draws = [genotypes(SAMPLERS[name](SPACE, seed), step)[-2:].tobytes() for seed in range(4) for step in range(4)]
    assert len(set(draws)) == len(draws)


@pytest.mark.parametrize("make", SAMPLERS.values(), ids=SAMPLERS)
def test_draws_are_canonical_and_inside_a_restriction(make):
    space = SPACE.restrict({"d0": (2,), "k0": (3, 5), "d1": (1,)})
    drawn = np.concatenate([genotypes(make(space, 0), step) for step in range(20)])
    np.testing.assert_array_equal(space.canonical(drawn), drawn)
    assert set(drawn[:, 0]) == {1} and set(drawn[:, 2]) == {0}


def test_a_sandwich_is_the_largest_the_smallest_and_some_between():
    paths = [Sandwich(SPACE, n_random=3, seed=0).draw(step) for step in range(30)]
    assert all(len(path) == 5 and all(weight == 1.0 for _, weight in path) for path in paths)
    for path in paths:
        np.testing.assert_array_equal(path[0][0], SPACE.largest)
        np.testing.assert_array_equal(path[1][0], SPACE.smallest)
    between = {genotype.tobytes() for path in paths for genotype, _ in path[2:]}
    assert len(between) > 80
    assert len(Sandwich(SPACE, n_random=0).draw(0)) == 2


def test_uniform_reaches_every_option():
    drawn = np.concatenate([genotypes(Uniform(SPACE, 4), step) for step in range(50)])
    for gene, choice in enumerate(SPACE.choices):
        assert set(drawn[:, gene]) == set(range(len(choice.options)))


def test_fixed_is_always_the_same():
    for step in (0, 7):
        ((genotype, weight),) = Fixed(SPACE.smallest).draw(step)
        np.testing.assert_array_equal(genotype, SPACE.smallest)
        assert weight == 1.0


def test_fair_paths_visit_each_option_of_every_choice_once_a_step():
    space = SearchSpace(Choice(f"edge{i}", ("none", "skip", "conv"), kind="operation") for i in range(4))
    steps = [Fair(space, seed=1).draw(step) for step in range(50)]
    for paths in steps:
        drawn = np.stack([genotype for genotype, _ in paths])
        np.testing.assert_array_equal(np.sort(drawn, axis=0), np.repeat([[0], [1], [2]], 4, axis=1))
        assert [weight for _, weight in paths] == [1.0] * 3
    assert len({genotype.tobytes() for paths in steps for genotype, _ in paths}) > 60
    for step in (7, 0):
        np.testing.assert_array_equal(genotypes(Fair(space, 1), step), [genotype for genotype, _ in steps[step]])
    restricted = space.restrict({choice.name: ("skip", "conv") for choice in space.choices})
    assert {tuple(sorted(column)) for column in genotypes(Fair(restricted), 0).T} == {(1, 2)}


def test_fair_paths_need_equally_many_options():
    space = SearchSpace([Choice("a", (1, 2)), Choice("b", (1, 2, 3))])
    for wrong, found in ((space, "2 and 3"), (SPACE.restrict({f"k{i}": (3, 5) for i in range(6)}), "2")):
        with pytest.raises(
            ValueError, match=f"^fair sampling needs .* equally many options and without conditions, got {found}"
        ):
            Fair(wrong)


def archive_of(*options):
    """Sub-networks with these options; other depths are 1."""
    return np.stack([SPACE.encode({f"d{i}": 1 for i in range(6)} | chosen) for chosen in options])


def drawn_from(archive, n=3000):
    return np.concatenate([genotypes(ArchiveFrequencies(SPACE, archive, seed=3), step) for step in range(n)])


def test_archive_frequencies_are_those_of_genes_that_are_alive():
    """One of four sub-networks has no kernel, so of the kernels there are three."""
    drawn = drawn_from(archive_of({"d0": 1}, {"d0": 2, "k0": 3}, *[{"d0": 2, "k0": 7}] * 2))
    deep = drawn[:, 0] == 1
    assert abs(deep.mean() - 3 / 4) < 0.03
    assert set(drawn[deep, 1]) == {0, 2} and abs((drawn[deep, 1] == 2).mean() - 2 / 3) < 0.03
    assert not drawn[:, 2:].any()


def test_archive_frequencies_are_independent():
    shallow, deep = {"d0": 1, "d1": 1}, {"d0": 2, "k0": 3, "d1": 2, "k1": 3}
    drawn = drawn_from(archive_of(shallow, deep))
    counts = np.bincount(2 * drawn[:, 0] + drawn[:, 2], minlength=4)
    assert (np.abs(counts / len(drawn) - 1 / 4) < 0.03).all()


def test_an_archive_without_subnetworks_is_refused():
    with pytest.raises(ValueError, match="at least one sub-network"):
        ArchiveFrequencies(SPACE, np.empty((0, 12), dtype=int))
    with pytest.raises(ValueError, match="out of range"):
        ArchiveFrequencies(SPACE, np.full((2, 12), 5))


@pytest.mark.parametrize("make", [lambda n: Uniform(SPACE, n, n), lambda n: Sandwich(SPACE, n, n)])
def test_counts_from_numpy_draw_what_counts_of_python_do(make):
    np.testing.assert_array_equal(genotypes(make(np.uint8(2)), 3), genotypes(make(2), 3))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Uniform(SPACE, 2.0), TypeError, "n_paths must be a whole number, got 2.0"),
        (lambda: Uniform(SPACE, 0), ValueError, "n_paths must be at least 1, got 0"),
        (lambda: Sandwich(SPACE, -1), ValueError, "n_random must be at least 0, got -1"),
        (lambda: ArchiveFrequencies(SPACE, SPACE.largest, seed=None), TypeError, "seed must be a whole number, got None"),
        (lambda: Recipe(n_steps="3"), TypeError, "n_steps must be a whole number, got '3'"),
        (lambda: Recipe(3, batch_size=0), ValueError, "batch_size must be at least 1, got 0"),
        (lambda: Recipe(3, seed=-1), ValueError, "seed must be at least 0, got -1"),
    ],
)
def test_what_is_no_count_is_refused_when_it_is_given(make, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        make()


def test_a_recipe_has_numbers_that_a_file_keeps():
    recipe = Recipe(np.int64(9), batch_size=np.uint8(200), seed=np.int32(3))
    assert recipe == Recipe(9, 200, seed=3) and {type(recipe.n_steps), type(recipe.batch_size), type(recipe.seed)} == {int}

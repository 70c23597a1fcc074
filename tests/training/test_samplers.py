import numpy as np
import pytest

from nastoolkit.space import Choice, SearchSpace
from nastoolkit.training import Fixed, Sandwich, Uniform

SPACE = SearchSpace(
    [choice for i in range(6) for choice in (Choice(f"d{i}", (1, 2)), Choice(f"k{i}", (3, 5, 7), when=(f"d{i}", (2,))))]
)
SAMPLERS = {
    "fixed": lambda space, seed: Fixed(space.largest),
    "uniform": lambda space, seed: Uniform(space, 3, seed),
    "sandwich": lambda space, seed: Sandwich(space, 2, seed),
}


def genotypes(sampler, step):
    return np.stack([genotype for genotype, _ in sampler.draw(step)])


@pytest.mark.parametrize("make", SAMPLERS.values(), ids=SAMPLERS)
def test_draws_depend_on_seed_and_step_alone(make):
    sampler = make(SPACE, 1)
    forwards = [genotypes(sampler, step) for step in range(5)]
    backwards = [genotypes(make(SPACE, 1), step) for step in reversed(range(5))][::-1]
    np.testing.assert_array_equal(forwards, backwards)


@pytest.mark.parametrize("name", ["uniform", "sandwich"])
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

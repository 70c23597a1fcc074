"""What the evolutionary searches have in common, and what each one adds."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nastoolkit.objectives import Objective
from nastoolkit.search import EVOLUTIONARY
from nastoolkit.search.agemoea import curvature, intercepts, survival_scores
from nastoolkit.search.evolution import directions, scaled
from nastoolkit.search.rnsga2 import RNSGA2
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import optimize

SPACE = SearchSpace([Choice(f"c{i}", tuple(range(4))) for i in range(12)])
WEIGHTS = np.random.default_rng(0).random((12, 4))
DIRECTIONS = ["max", "min", "max", "min"]


def values(genotypes):
    """``(n, 4)``; the front of the first two is every way to choose between them."""
    return genotypes @ WEIGHTS


def volume(name, m, seed, budget=400, population=20):
    objectives = [Objective(f"f{i}", DIRECTIONS[i]) for i in range(m)]
    reference = [0.0 if direction == "max" else 25.0 for direction in DIRECTIONS[:m]]
    how = {"population": population, "progress": False}
    history = optimize(SPACE, lambda g: values(g)[:, :m], objectives, name, budget, seed, **how)
    return history.hypervolume(reference)


@pytest.mark.parametrize("name", sorted(EVOLUTIONARY.keys() - {"rnsga2"}))  # which looks near its aims only
@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_evolution_gains_on_random_search(name, m):
    least, most = EVOLUTIONARY[name].n_goals
    if least <= m <= most:
        # NSGA-III's random parents gain in many objectives when directions, and so survivors, are many too
        how = (2000, 100) if (name, m) == ("nsga3", 4) else (400, 20)
        ours, chance = (np.median([volume(algorithm, m, seed, *how) for seed in range(3)]) for algorithm in (name, "random"))
        assert ours > chance


N_GROUPS = 15
MATING = sorted(EVOLUTIONARY.keys() - {"cmaes", "mocmaes"})  # which sample, and do not mate


def options_of(kind):
    """Three options: numbers have an order, texts have none."""
    return (3, 5, 7) if kind == "ordered" else ("a", "b", "c")


def space_of(kind, restricted=False):
    """Groups of a free choice, a switch, and a choice that is dead where the switch is off."""
    more = (1, *options_of(kind), 9) if kind == "ordered" else ("A", *options_of(kind), "Z")
    choices = []
    for i in range(N_GROUPS):
        free = Choice(f"free{i}", more if restricted else options_of(kind))
        choices += [free, Choice(f"switch{i}", (0, 1)), Choice(f"behind{i}", options_of(kind), when=(f"switch{i}", (1,)))]
    space = SearchSpace(choices)
    kept = (more[0], more[1], more[4])  # which are no neighbours
    return space.restrict({f"free{i}": kept for i in range(N_GROUPS)}) if restricted else space


def balanced(space, n, rng):
    """Genotypes ``(n, d)`` each of which has every allowed option as often as another, so that no selection changes shares."""
    free, behind = (rng.permuted(np.tile(np.resize(range(3), N_GROUPS), (n, 1)), axis=1) for _ in range(2))
    switch = rng.permuted(np.tile(np.resize((0, 1), N_GROUPS), (n, 1)), axis=1)
    genes = np.stack([np.array(space.allowed[0])[free], switch, behind], axis=2).reshape(n, -1)
    return space.canonical(genes)


def children_of(name, space, parents, seed=0, **settings):
    """What one generation has. Values are noise, and none is better than another, so that every parent has children."""
    goals = [Objective("f", "max"), Objective("g", "min", at_most=2.0)]
    search = EVOLUTIONARY[name](space, goals, seed, population=len(parents), **settings)
    search.tell(parents, np.repeat(np.random.default_rng(seed).random((len(parents), 1)), 2, axis=1))
    return search.ask()


def assert_shares(genes, options, expected, n):
    """That options have the shares expected of n draws."""
    assert set(genes.tolist()) == set(options)
    shares = np.bincount(genes)[list(options)] / len(genes)
    np.testing.assert_allclose(shares, expected, atol=4 * np.sqrt(0.25 / n))


@pytest.mark.parametrize("kind", ["ordered", "unordered"])
@pytest.mark.parametrize("restricted", [False, True])
@pytest.mark.parametrize("name", MATING)
def test_without_selection_options_keep_their_shares(name, kind, restricted):
    space, rng = space_of(kind, restricted), np.random.default_rng(0)
    children = children_of(name, space, balanced(space, 500, rng)).reshape(-1, N_GROUPS, 3)
    free, switch, behind = children.transpose(2, 0, 1)
    assert_shares(free.ravel(), space.allowed[0], [1 / 3] * 3, free.size)
    assert_shares(switch.ravel(), (0, 1), [8 / 15, 7 / 15], switch.size)
    n_drawn = (500 // 4 if name == "ofa_evolution" else 500) * 8  # genes that parents do not have, once for all their children
    assert_shares(behind[switch > 0], (0, 1, 2), [1 / 3] * 3, min(n_drawn, (switch > 0).sum()))


@pytest.mark.parametrize("name", MATING)
def test_crossover_brings_no_option_that_no_parent_has(name):
    """Genes of the two middle ones of four options keep to these, apart from a few mutations."""
    space = SearchSpace([Choice(f"c{i}", tuple(range(4)), ordered=i % 2 == 0) for i in range(40)])
    children = children_of(name, space, np.random.default_rng(0).integers(1, 3, (500, 40)))
    strange = np.isin(children, (0, 3)).mean()
    assert strange == pytest.approx(0.025, abs=0.01) if name == "ofa_evolution" else strange < 0.005


@pytest.mark.parametrize("name", MATING)
def test_a_block_that_comes_back_is_that_of_its_ancestors(name):
    """Every second grandparent has the blocks, all of the last option; the parents have none, and half of the children do."""
    switched = [Choice(f"c{i}", tuple(range(5)), when=("on", (1,))) for i in range(30)]
    space = SearchSpace([Choice("on", (0, 1)), *switched, *(Choice(f"x{i}", (0, 1)) for i in range(20))])
    goals = [Objective("f", "max"), Objective("g", "min", at_most=2.0)]
    search = EVOLUTIONARY[name](space, goals, population=40)
    genomes = np.full((40, 51), 4.0)
    genomes[:, 0], genomes[:, 31:] = 0, np.random.default_rng(0).integers(0, 2, (40, 20))
    search.tell(search._genomes.ask_for(genomes), np.repeat(np.linspace(0, 1, 40)[:, None], 2, axis=1))
    grown = np.concatenate([search.ask() for _ in range(20)])
    grown = grown[grown[:, 0] == 1]
    assert len(grown) and (grown[:, 1:31] == 4).mean() > 0.8


@pytest.mark.parametrize("name", ["nsga2", "smsemoa", "spea2"])
def test_uniform_mating_mixes_and_resets_genes(name):
    objectives = [Objective("f", "max"), Objective("g", "min")]
    search = EVOLUTIONARY[name](SPACE, objectives, population=200, mating="uniform")
    parents = np.array([[0] * 12, [1] * 12])
    search.tell(parents, np.array([[1.0, 1.0], [0.0, 0.0]]))
    children = search.ask()
    reset = (children > 1).mean()  # two of four options are no parent's
    assert 0.03 < reset < 0.07
    assert 0.4 < (children == 1).mean() < 0.6


def test_an_unknown_mating_is_told():
    with pytest.raises(ValueError, match="unknown mating 'cross'; known: \\['sbx', 'uniform'\\]"):
        optimize(SPACE, values, [Objective("f", "max")], "ga", 10, mating="cross")


@pytest.mark.parametrize("name", EVOLUTIONARY)
def test_it_starts_from_what_it_is_told(name):
    best = np.full((1, 12), 3)
    objectives = [Objective("f", "max"), Objective("g", "min", at_most=100.0)]
    search = EVOLUTIONARY[name](SPACE, objectives, population=10)
    search.tell(best, np.array([[100.0, 1.0]]))
    children = search.ask()
    assert (children == 3).mean() > 0.5 and not (children == 3).all(axis=1).any()


@pytest.mark.parametrize("m", [1, 2, 3, 4])
@pytest.mark.parametrize("n", [1, 7, 50])
def test_directions_are_as_many_as_an_even_spread_has(m, n):
    weights = directions(m, n)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    sizes = [comb(k + m - 1, m - 1) for k in range(n)]
    assert len(weights) == max(size for size in sizes if size <= n) and (weights >= 0).all()


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=1, max_size=9))
def test_scaled_costs_go_from_0_to_1(costs):
    costs = np.array(costs)
    ours = scaled(costs, costs)
    assert ours.min() == 0 and set(ours.max(axis=0)) <= {0, 1}
    np.testing.assert_allclose(ours * np.ptp(costs, axis=0), costs - costs.min(axis=0), atol=1e-12)


def test_r_nsga_ii_looks_near_its_aims():
    """Costs are (x, 36 - x) for the sum x of the genes, so that the front is everything; aims say where to look."""
    objectives = [Objective("f0", "min"), Objective("f1", "min")]

    def search(aims):
        evaluate = lambda g: np.stack([g.sum(axis=1), 36 - g.sum(axis=1)], axis=1)  # noqa: E731
        history = optimize(SPACE, evaluate, objectives, "rnsga2", 400, population=20, aims=aims, progress=False)
        return np.median(history.values[-100:, 0])

    assert search([[8, 28]]) < 12 < 24 < search([[28, 8]])
    with pytest.raises(ValueError, match=r"an aim needs a value for each of \['f0', 'f1'\], got \[\[1, 2, 3\]\]"):
        RNSGA2(SPACE, objectives, aims=[[1, 2, 3]])


@pytest.mark.parametrize("name", [name for name in EVOLUTIONARY if EVOLUTIONARY[name].n_goals[1] == 1])
def test_one_objective_with_the_others_as_bounds(name):
    """The greatest sum of values whose weights are at most a bound: a knapsack."""
    objectives = [Objective("gain", "max"), Objective("weight", "min", at_most=8.0)]
    history = optimize(SPACE, lambda g: values(g)[:, :2], objectives, name, 600, progress=False)
    drawn = optimize(SPACE, lambda g: values(g)[:, :2], objectives, "random", 600, progress=False)
    assert history.values[history.feasible, 0].max() > 1.05 * drawn.values[drawn.feasible, 0].max()


@pytest.mark.parametrize("p", [0.5, 1.0, 2.0])
def test_age_moea_finds_the_geometry_of_a_front(p):
    x = np.linspace(0, 1, 41)
    front = np.stack([x, (1 - x**p) ** (1 / p)], axis=1)
    np.testing.assert_allclose(intercepts(front), 1)
    assert curvature(front) == pytest.approx(p, rel=0.05)
    scores = survival_scores(front, np.ones(41), p)
    assert np.isinf(scores[[0, 40]]).all() and np.isfinite(scores[1:40]).all() and (scores > 0).all()

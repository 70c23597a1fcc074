import tracemalloc

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import norm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, WhiteKernel

from nastoolkit import pareto
from nastoolkit.objectives import Objective
from nastoolkit.predictors import kendall_tau
from nastoolkit.predictors.gaussian_process import GaussianProcess
from nastoolkit.predictors.plain_process import JITTER, Kernel, PlainProcess
from nastoolkit.search import ALGORITHMS, DEFAULT_ALGORITHM
from nastoolkit.search.bayes import N_ROWS, Features
from nastoolkit.search.improvement import MOST_BOXES, best_batch, boxes, expected_improvement, thinned
from nastoolkit.search.variation import first_design, ordinals, vary
from nastoolkit.space import Choice, SearchSpace, genotype_keys
from nastoolkit.studies import optimize
from nastoolkit.transforms import Bend


def stages(n_stages, n_blocks=3):
    for stage in range(n_stages):
        yield Choice(f"stage{stage}.depth", tuple(range(1, n_blocks + 1)))
        for block in range(n_blocks):
            when = (f"stage{stage}.depth", tuple(range(block + 1, n_blocks + 1))) if block else None
            yield Choice(f"stage{stage}.block{block}.kernel", (3, 5, 7), when)
            yield Choice(f"stage{stage}.block{block}.expand", (3, 4, 6), when)


SPACE = SearchSpace(stages(4))
GAIN, COST = np.random.default_rng(0).random((2, SPACE.one_hot(SPACE.smallest).size)) + 0.2


def latency(genotypes):
    return SPACE.one_hot(genotypes) @ COST


def accuracy(genotypes):
    return 60 + 6 * np.sqrt(SPACE.one_hot(genotypes) @ (GAIN * COST))


EXACT = Objective("latency_ms", "min", "ms", exact=latency)
BOTH = [Objective("accuracy_top1", "max", "%"), EXACT]
REFERENCE = (60.0, 25.0)


# ── the Gaussian process ──


def process_and_data(n=30):
    rng = np.random.default_rng(1)
    process = PlainProcess([Kernel("a", smooth=True), Kernel("b", smooth=False)])
    process.logs = np.log([0.7, 0.2, 1.3, 0.05])  # variances of a and of b, lengthscale of a, noise
    features = {"a": rng.normal(size=(n, 3)), "b": rng.normal(size=(n, 4))}
    return process, features, 5 + 3 * np.sin(features["a"].sum(1)) + features["b"][:, 0]


def test_the_posterior_is_that_of_scikit_learn():
    process, features, values = process_and_data()
    known, new = ({key: block[part] for key, block in features.items()} for part in (slice(20), slice(20, None)))
    theirs = GaussianProcessRegressor(ConstantKernel(0.7) * RBF(1.3) + WhiteKernel(0.05 + JITTER), alpha=0, optimizer=None)
    process.kernels = process.kernels[:1]
    process.logs = np.log([0.7, 1.3, 0.05])
    process._scale_of = {process.kernels[0]: 1}
    theirs.normalize_y = True
    theirs.fit(known["a"], values[:20])
    mean, sd = theirs.predict(new["a"], return_std=True)
    process.fit(known, values[:20])
    ours, our_sd = process.predict(new)
    np.testing.assert_allclose(ours, mean)
    noise = np.var(values[:20]) * (0.05 + JITTER)  # theirs is of a measurement, ours of the function
    np.testing.assert_allclose(our_sd, np.sqrt(sd**2 - noise))


def test_a_sum_of_kernels_is_a_sum():
    process, features, values = process_and_data()
    process.fit(features, values)
    a, b = features["a"], features["b"]
    covariance = 0.7 * RBF(1.3)(a) + 0.2 * DotProduct(0)(b)
    weights = np.linalg.solve(covariance + (0.05 + JITTER) * np.eye(30), (values - values.mean()) / values.std())
    np.testing.assert_allclose(process.predict(features)[0], values.mean() + values.std() * covariance @ weights)


def test_the_gradient_of_the_likelihood():
    process, features, values = process_and_data()
    compared = process._compare(features, features)
    arguments = (compared, (values - values.mean()) / values.std(), np.linspace(0, 0.1, len(values)))
    numeric = approx_fprime(process.logs, lambda logs: process.loss(logs, *arguments)[0], 1e-6)
    np.testing.assert_allclose(process.loss(process.logs, *arguments)[1], numeric, rtol=1e-3, atol=1e-3)


def test_it_tells_noise_from_signal():
    rng = np.random.default_rng(0)
    x = {"x": rng.normal(size=(150, 5))}
    x["x"] -= x["x"].mean(axis=0)
    signal = x["x"] @ np.arange(5.0)
    found = []
    for noise in (0.01, 1.0):
        process = PlainProcess([Kernel("x", smooth=False)])
        values = signal + noise * rng.normal(size=150)
        process.learn_scales(x, values)
        process.fit(x, values)
        found.append(process.noise_sd)
        assert np.std(process.predict(x)[0] - signal) < 0.3 * noise + 1e-3
    assert found[0] < 0.05 and found[1] == pytest.approx(1, rel=0.25)


@pytest.mark.parametrize("values", [[3.0], [2.0, 2.0, 2.0], [1.0, 1.0, 5.0]])
def test_few_or_constant_values_are_no_trouble(values):
    x = {"x": np.eye(3)[: len(values)]}
    process = PlainProcess([Kernel("x", smooth=True), Kernel("x", smooth=False)])
    process.learn_scales(x, np.array(values))
    mean, sd = process.fit(x, np.array(values)).predict(x)
    assert np.isfinite(mean).all() and (sd >= 0).all()


def test_left_out_values():
    process, features, values = process_and_data(12)
    extra = np.linspace(0, 1, 12)
    errors, variances = process.fit(features, values, extra).left_out()
    noise = np.diag(extra + process._sd**2 * (0.05 + JITTER))
    whole, centred = process._sd**2 * process.covariance(features, features) + noise, values - values.mean()
    for row in range(12):
        rest = np.delete(np.arange(12), row)
        weights = np.linalg.solve(whole[np.ix_(rest, rest)], whole[rest, row])
        assert errors[row] == pytest.approx(centred[row] - weights @ centred[rest])
        assert variances[row] == pytest.approx(whole[row, row] - weights @ whole[rest, row])


# ── broken networks and long tails ──


CELLS = SearchSpace(Choice(f"edge{i}", ("none", "skip", "conv1", "conv3", "pool")) for i in range(6))


def cells():
    """All cells, their errors, and which are broken: those whose output depends on nothing."""
    rng = np.random.default_rng(0)
    alone, pairs = rng.random((6, 5)), rng.random((6, 6, 5, 5))
    cells = np.stack(np.meshgrid(*[range(5)] * 6, indexing="ij"), -1).reshape(-1, 6)
    errors = 28 + 3 * alone[range(6), cells].sum(1)
    errors += sum(pairs[i, j][cells[:, i], cells[:, j]] for i in range(6) for j in range(i))
    no = cells == 0
    broken = no[:, 3] & (no[:, 4] | no[:, 0]) & (no[:, 5] | (no[:, 1] & (no[:, 2] | no[:, 0])))
    return cells, errors, broken


def learned(process, features, values):
    process.learn_scales(features, values)
    return process.fit(features, values)


@pytest.mark.parametrize(("sign", "sides"), [(1, [1]), (-1, [-1]), (1, (1, -1))], ids=["less", "more", "either"])
@pytest.mark.parametrize("level", [60, 99, 1e5])
def test_broken_networks_do_not_blind_it(level, sign, sides):
    genotypes, errors, broken = cells()
    good = np.flatnonzero(~broken & (errors < np.median(errors)))
    taus = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        rows, unseen = rng.permutation(len(genotypes))[:60], rng.permutation(good)[:400]
        see = Features(CELLS, np.random.default_rng(0))
        process = GaussianProcess(see.kernels, sides)
        learned(process, see(genotypes[rows]), sign * np.where(broken, level, errors)[rows])
        taus.append(kendall_tau(process.predict(see(genotypes[unseen]))[0], sign * errors[unseen]))
    assert np.median(taus) > 0.49  # 0.54 without any broken network, 0.09 where they are as the others


def test_a_tail_that_follows_from_the_choices_is_not_noise():
    rng = np.random.default_rng(0)
    x = {"x": rng.normal(size=(80, 4))}
    values = np.exp(x["x"] @ np.array([0.8, 0.6, 0.4, 0.2]))
    process = learned(GaussianProcess([Kernel("x", smooth=False)], [1]), x, values)
    assert process.bend.side == 1
    explained = process.process.extra
    values[3] = 1e4
    spoilt = learned(GaussianProcess([Kernel("x", smooth=False)], [1]), x, values).process.extra
    assert spoilt[3] > 10 * explained.max() and spoilt.argmax() == 3


def test_bounds_are_bent_with_the_values():
    process = GaussianProcess([Kernel("x", smooth=False)], [1])
    process.bend = Bend(1, 10.0, 1.0)
    bounded = process.bent(Objective("latency_ms", "min", at_least=5.0, at_most=30.0))
    assert bounded.at_least == 5 and bounded.at_most == pytest.approx(10 + np.log(21))
    assert process.bent(BOTH[0]) == BOTH[0]


# ── expected improvement ──


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_boxes_fill_what_the_front_leaves_free(m):
    rng = np.random.default_rng(m)
    front = rng.random((12, m))
    front = front[pareto.non_dominated(front)]
    lower, upper = boxes(front, np.ones(m))
    points = rng.random((500, m))
    free = ~(front[:, None] <= points).all(axis=2).any(axis=0)
    inside = ((lower[:, None] <= points) & (points < upper[:, None])).all(axis=2).sum(axis=0)
    np.testing.assert_array_equal(inside, free.astype(int))


@pytest.mark.parametrize("m", [2, 3, 4])
def test_a_large_front_makes_no_more_boxes_than_can_be_counted(m):
    front = np.abs(np.random.default_rng(m).normal(size=(2000, m)))
    front /= np.linalg.norm(front, axis=1, keepdims=True)
    few = thinned(front)
    assert len(boxes(few, np.ones(m))[0]) <= 1.1 * MOST_BOXES
    np.testing.assert_array_equal(few.min(axis=0), front.min(axis=0))
    np.testing.assert_array_equal(thinned(few), few)
    assert (len(few) == len(front)) == (m == 2)


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_a_certain_candidate_gains_what_the_hypervolume_gains(m):
    rng = np.random.default_rng(m)
    front, candidates, reference = rng.random((8, m)), rng.random((20, m)), np.full(m, 1.1)
    gains = expected_improvement(front[pareto.non_dominated(front)], reference, candidates, np.zeros((20, m)))
    before = pareto.hypervolume(front, reference)
    after = [pareto.hypervolume(np.vstack([front, candidate]), reference) for candidate in candidates]
    np.testing.assert_allclose(gains, np.array(after) - before, atol=1e-9)


def test_one_objective_is_the_classic_expected_improvement():
    mean, sd, best = 0.4, 0.2, 0.5
    z = (best - mean) / sd
    gain = expected_improvement(np.array([[best], [0.9]])[:1], np.ones(1), np.array([[mean]]), np.array([[sd]]))
    np.testing.assert_allclose(gain, (best - mean) * norm.cdf(z) + sd * norm.pdf(z))


def test_uncertain_candidates_gain_the_mean_over_their_outcomes():
    rng = np.random.default_rng(0)
    front, reference = np.array([[0.2, 0.8], [0.5, 0.4], [0.9, 0.1]]), np.ones(2)
    mean, sd = np.array([[0.45, 0.45]]), np.array([[0.15, 0.2]])
    outcomes = rng.normal(mean, sd, size=(4000, 2))
    drawn = expected_improvement(front, reference, outcomes, np.zeros_like(outcomes))
    expected = expected_improvement(front, reference, mean, sd)[0]
    assert expected == pytest.approx(drawn.mean(), abs=4 * drawn.std() / np.sqrt(4000))


def test_a_batch_is_spread_and_a_hopeless_or_forbidden_candidate_is_not_in_it():
    front, references = np.array([[0.0, 1.0], [1.0, 0.0]]), np.full((1, 2), 1.1)
    means = np.array([[0.3, 0.3], [0.3, 0.3001], [0.1, 0.6], [0.6, 0.1], [1.0, 1.0], [0.05, 0.05]])
    chances = np.array([1, 1, 1, 1, 1, 0.0])
    assert best_batch(3, front, references, means, np.zeros((6, 2)), chances) == [0, 2, 3]
    assert best_batch(9, front, references, means, np.zeros((6, 2)), chances) == [0, 2, 3]  # the others gain nothing


def test_a_candidate_beyond_the_front_gains_with_a_reference_point_at_a_distance():
    front, near, far = np.array([[0.0, 1.0], [1.0, 0.0]]), np.full(2, 1.1), np.full(2, 2.0)
    means = np.array([[0.6, 0.3], [1.3, -0.5]])
    first = [best_batch(1, front, np.stack(points), means, np.zeros((2, 2)), np.ones(2)) for points in ([near], [far])]
    assert first == [[0], [1]]
    assert best_batch(2, front, np.stack([near]), means, np.zeros((2, 2)), np.ones(2)) == [0]
    assert best_batch(2, front, np.stack([near, far]), means, np.zeros((2, 2)), np.ones(2)) == [0, 1]


# ── what the process sees, and what it is first told ──


def test_choices_of_one_role_have_a_kernel_of_their_own():
    assert list(Features(SPACE, np.random.default_rng(0))._blocks) == [
        "stage.depth",
        "stage.block.kernel",
        "stage.block.expand",
        "",
    ]


def test_options_near_each_other_are_alike_if_they_have_an_order():
    widths, codes = (Choice(name, (64, 8, 32, 16), ordered=name == "width") for name in ("width", "code"))
    features = Features(SearchSpace([widths, codes]), np.random.default_rng(0))
    covariance = PlainProcess(features.kernels).covariance

    def differences(genotypes):
        blocks = features(np.array(genotypes))
        both = covariance(blocks, blocks)
        return both[0, 0] + np.diag(both)[1:] - 2 * both[0, 1:]

    to_16, to_32, to_64 = differences([[1, 0], [3, 0], [2, 0], [0, 0]])
    assert 0 < to_16 < to_32 < to_64
    unordered = differences([[0, 1], [0, 3], [0, 2], [0, 0]])
    assert unordered == pytest.approx(unordered[0]) and unordered[0] > to_16


def test_texts_and_single_options_have_no_size():
    space = SearchSpace([Choice("a", ("relu", "swish")), Choice("b", (3,)), Choice("c", (8, 2, 4))])
    text, single, numbers = ordinals(space)
    assert not text.any() and not single.any()
    np.testing.assert_allclose(numbers, [1, -1, -1 / 3])


def test_sizes_follow_the_order_that_a_choice_says_it_has():
    space = SearchSpace([Choice("a", (0, 1, 2), ordered=False), Choice("b", ("small", "middle", "large"), ordered=True)])
    codes, words = ordinals(space)
    assert not codes.any()
    np.testing.assert_allclose(words, [-1, 0, 1])


def test_features_are_centred_and_of_unit_length():
    features = Features(SPACE, np.random.default_rng(0))
    blocks = features(SPACE.sample(2000, np.random.default_rng(1)))
    for block in blocks.values():
        assert np.abs(block.mean(axis=0)).max() < 0.05
        assert (block**2).sum(axis=1).mean() == pytest.approx(1, rel=0.1)


def largest_gap(sizes):
    return np.diff(np.sort(sizes)).max()


@pytest.mark.parametrize("is_exact", [True, False])
def test_the_first_design_has_the_ends_and_fills_the_range_evenly(is_exact):
    space = SearchSpace(stages(8))
    size_of = lambda genotypes: space.one_hot(genotypes) @ (1.5 + np.concatenate(ordinals(space)))  # noqa: E731
    objectives = [BOTH[0], Objective("latency_ms", "min", exact=lambda genotypes: np.exp(size_of(genotypes) / 9))]
    rng = np.random.default_rng(0)
    design = first_design(space, objectives[: 1 + is_exact], 12, rng)
    assert len(set(genotype_keys(design))) == 12
    np.testing.assert_array_equal(design[:2], [space.smallest, space.largest])
    np.testing.assert_array_equal(space.canonical(design), design)
    ends = np.stack([space.smallest, space.largest])
    at_random = [largest_gap(size_of(np.concatenate([ends, space.sample(10, rng)]))) for _ in range(20)]
    assert largest_gap(size_of(design)) < 0.6 * np.median(at_random)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_design_of_few(n):
    assert len(first_design(SPACE, BOTH, n, np.random.default_rng(0))) == n


def test_the_design_of_a_space_that_has_less():
    space = SearchSpace([Choice("a", (1, 2)), Choice("b", (5,))])
    design = first_design(space, [Objective("f", "min")], 10, np.random.default_rng(0))
    assert sorted(design.tolist()) == [[0, 0], [1, 0]]


def test_children_are_canonical_and_near_their_parents():
    parents = SPACE.sample(1, np.random.default_rng(0))
    children = vary(SPACE, parents, 500, np.random.default_rng(1))
    np.testing.assert_array_equal(SPACE.canonical(children), children)
    alive = SPACE.alive(parents[0])
    changed = (children != parents)[:, alive].sum(axis=1)
    assert 0.5 < changed.mean() < 4 and len(np.unique(children, axis=0)) > 150


# ── the search ──


def search(algorithm, budget, seed=0, objectives=BOTH, **settings):
    return optimize(SPACE, accuracy, objectives, algorithm, budget, seed, progress=False, **settings)


def test_it_needs_a_fraction_of_the_measurements():
    ours = np.median([search("bayes", 50, seed).hypervolume(REFERENCE) for seed in range(3)])
    for other in ("nsga2", "random"):
        assert ours > np.median([search(other, 400, seed, population=20).hypervolume(REFERENCE) for seed in range(3)])


def test_one_objective():
    found = search("bayes", 60, objectives=BOTH[:1]).values.max()
    assert found > 0.995 * accuracy(SPACE.largest[None])[0]
    assert found > search("random", 400, objectives=BOTH[:1]).values.max()


def test_noise_is_survived():
    def noisy(genotypes):
        noise = [np.random.default_rng(genotype).normal() for genotype in genotypes]
        return accuracy(genotypes) + 0.3 * np.array(noise)

    history = optimize(SPACE, noisy, BOTH, "bayes", 50, progress=False)
    true = np.stack([-accuracy(history.genotypes), latency(history.genotypes)], axis=1)
    assert pareto.hypervolume(true, (-60, 25)) > search("random", 400).hypervolume(REFERENCE)


def test_bounds_draw_the_search_to_what_is_allowed():
    bounded = [BOTH[0], Objective("latency_ms", "min", exact=latency, at_most=12.0)]
    history = search("bayes", 60, objectives=bounded)
    assert (history.values[20:, 1] <= 12).mean() > 0.9


def test_an_uncertain_bound_is_kept_more_and_more_often():
    bounded = [Objective("accuracy_top1", "max", at_least=82.0), EXACT]
    history = search("bayes", 60, objectives=bounded)
    assert (history.values[20:, 0] >= 82).mean() > 0.6


def test_the_default_is_the_best_general_choice():
    assert DEFAULT_ALGORITHM in ALGORITHMS and "default" not in ALGORITHMS
    np.testing.assert_array_equal(search("default", 25).genotypes, search(DEFAULT_ALGORITHM, 25).genotypes)


@pytest.mark.parametrize("settings", [{"batch": 0}, {"n_first": 0}, {"generations": 0}])
def test_numbers_below_one(settings):
    with pytest.raises(ValueError, match="at least 1"):
        search("bayes", 5, **settings)


def test_batches_are_small_whatever_the_population_and_grow():
    algorithm = ALGORITHMS["bayes"](SPACE, BOTH, population=50)
    assert algorithm.batch == 2 == len(algorithm.ask())
    known = SPACE.sample(400, np.random.default_rng(0))
    algorithm.tell(known, np.stack([accuracy(known), latency(known)], axis=1))
    assert algorithm.batch == 8 == len(algorithm.ask())


def test_of_many_measurements_the_process_takes_in_the_best_and_a_spread():
    algorithm = ALGORITHMS["bayes"](SPACE, BOTH)
    known = np.unique(SPACE.sample(3 * N_ROWS, np.random.default_rng(0)), axis=0)
    values = np.stack([accuracy(known), latency(known)], axis=1)
    algorithm.tell(known, values)
    rows = algorithm._rows()
    assert len(rows) == N_ROWS == len(np.unique(rows))
    assert np.isin(np.flatnonzero(pareto.non_dominated(values * [-1, 1])), rows).all()
    assert np.diff(rows).max() < 10
    few = ALGORITHMS["bayes"](SPACE, BOTH)
    few.tell(known[:50], values[:50])
    np.testing.assert_array_equal(few._rows(), np.arange(50))


def test_a_short_front_does_not_hide_the_larger_networks():
    algorithm = ALGORITHMS["bayes"](SPACE, BOTH)  # costs between 0 and 1 are the front's
    np.testing.assert_allclose(algorithm._references(np.array([3.0, 8.0])), [[1.1, 1.1], [3.1, 8.1]])
    np.testing.assert_allclose(algorithm._references(np.array([0.5, 1.0])), [[1.1, 1.1], [1.1, 1.1]])


def test_memory_stays_small_after_many_measurements():
    algorithm = ALGORITHMS["bayes"](SPACE, BOTH, generations=1)
    known = np.unique(SPACE.sample(3 * N_ROWS, np.random.default_rng(0)), axis=0)
    algorithm.tell(known, np.stack([accuracy(known), latency(known)], axis=1))
    tracemalloc.start()
    algorithm.ask()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * 8 * N_ROWS**2  # bytes: a dozen matrices of so many rows, whatever the number of measurements

"""The loop of Neural Architecture Transfer, on a tiny family and few images."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nastoolkit.measurements import Accuracy
from nastoolkit.objectives import Objective
from nastoolkit.search.nsga3 import spread
from nastoolkit.space import genotype_keys
from nastoolkit.supernets import Supernet, with_new_head
from nastoolkit.systems.nat.transfer import first_subnetworks, transfer
from nastoolkit.tasks.digit_variants import SimilarDigits
from nastoolkit.training import ArchiveFrequencies, Recipe, Uniform

RECIPE = Recipe(n_steps=4, batch_size=16)
BRIEF = {"n_iterations": 2, "n_first": 6, "n_archive": 5, "population": 3, "generations": 2, "progress": False}


class Task(SimilarDigits):
    """Of its canvases as many as are soon classified."""

    n_canvases = {"train": 60, "validation": 60, "test": 60}  # noqa: RUF012


class Measurement:
    """Accuracy on validation images of a supernet as it is, and what was asked of it under which weights."""

    def __init__(self, supernet):
        self.accuracy, self.supernet, self.asked = Accuracy(supernet, Task(), n_calibration=60), supernet, []

    def __call__(self, genotypes):
        self.asked.append((self.supernet.fingerprint, genotypes))
        return self.accuracy(genotypes)

    @property
    def settings(self):
        return self.accuracy.settings


def objectives_of(family):
    return [Objective("accuracy_top1", "max", "%"), Objective("mmacs", "min", "MMACs", exact=family.mmacs)]


def run(family, measurement=None, objectives=None, seed=0, **arguments):
    supernet = with_new_head(Supernet(family), 4)
    evaluate = (measurement or Measurement)(supernet)
    how = BRIEF | arguments
    return (
        supernet,
        evaluate,
        transfer(supernet, Task(), evaluate, objectives or objectives_of(family), RECIPE, seed=seed, **how),
    )


def test_the_archive_is_always_measured_under_the_weights_of_the_moment(tiny):
    supernet, evaluate, result = run(tiny)
    np.testing.assert_array_equal(result.history.values[:, 0], evaluate.accuracy(result.history.genotypes)[:, 0])
    weights = [fingerprint for fingerprint, _ in evaluate.asked]
    assert len(set(weights)) == 3 and weights[-1] == supernet.fingerprint
    for number, one in enumerate(result.iterations):
        here = [genotypes for fingerprint, genotypes in evaluate.asked if fingerprint == list(dict.fromkeys(weights))[number]]
        both = np.concatenate([one.archive.genotypes, one.candidates.genotypes])
        np.testing.assert_array_equal(np.concatenate(here), both)
        assert len(set(genotype_keys(both))) == len(both) == [9, 8][number]
        assert len(one.losses) == RECIPE.n_steps


def test_an_iteration_begins_with_what_the_one_before_kept(tiny):
    _, _, result = run(tiny, seed=1)
    first, second = result.iterations
    np.testing.assert_array_equal(second.archive.genotypes, first.kept.genotypes)
    np.testing.assert_array_equal(result.history.genotypes, second.kept.genotypes)
    assert (second.archive.values[:, 0] != first.kept.values[:, 0]).any()


def test_what_is_kept_is_spread_over_directions(tiny):
    for one in run(tiny)[2].iterations:
        costs = np.concatenate([one.archive.costs, one.candidates.costs])
        np.testing.assert_array_equal(one.kept.costs[:, 1], costs[spread(costs, 5)][:, 1])


@pytest.mark.parametrize("sampler", [ArchiveFrequencies, lambda space, kept, seed: Uniform(space, seed=seed)])
def test_the_seed_decides(tiny, sampler):
    (one, _, found), (same, _, again), (other, _, _) = (run(tiny, seed=seed, sampler=sampler) for seed in (1, 1, 2))
    assert one.fingerprint == same.fingerprint != other.fingerprint
    np.testing.assert_array_equal(found.history.values, again.history.values)


def test_one_schedule_goes_through_all_iterations(tiny, monkeypatch):
    rates, step = [], torch.optim.AdamW.step
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda self: rates.append(self.param_groups[0]["lr"]) or step(self))
    run(tiny)
    whole = replace(RECIPE, n_steps=3 * RECIPE.n_steps)
    assert rates == [whole.learning_rate * whole.learning_rate_at(number) for number in range(whole.n_steps)]


def test_the_sampler_gets_what_was_kept(tiny):
    seen = []

    def sampler(space, kept, seed):
        seen.append((kept, seed))
        return ArchiveFrequencies(space, kept, seed)

    iterations = run(tiny, sampler=sampler)[2].iterations
    np.testing.assert_array_equal(seen[0][0], first_subnetworks(tiny.space, 6))
    for (kept, _), one in zip(seen[1:], iterations, strict=True):
        np.testing.assert_array_equal(kept, one.kept.genotypes)
    assert len({seed for _, seed in seen}) == 3


def test_nothing_is_measured_before_a_training_along_the_first_ones(tiny):
    begun = with_new_head(Supernet(tiny), 4).fingerprint
    _, evaluate, _ = run(tiny)
    assert begun not in {fingerprint for fingerprint, _ in evaluate.asked}


@pytest.fixture(scope="module")
def undisturbed(tiny):
    """The supernet at the end of a run, and its result."""
    supernet, _, result = run(tiny)
    return supernet, result


@pytest.mark.parametrize("n_calls", [3, 12, 20])
def test_a_killed_run_goes_on_to_the_same_result(tiny, tmp_path, undisturbed, n_calls):
    supernet, whole = undisturbed

    class Dies(Measurement):
        def __call__(self, genotypes):
            if len(self.asked) == n_calls:
                raise KeyboardInterrupt
            return super().__call__(genotypes)

    with pytest.raises(KeyboardInterrupt):
        run(tiny, Dies, folder=tmp_path)
    resumed, evaluate, result = run(tiny, folder=tmp_path)
    assert len(evaluate.asked) == 9 + 8 + 5 - n_calls
    assert resumed.fingerprint == supernet.fingerprint
    np.testing.assert_array_equal(result.history.values, whole.history.values)
    again = run(tiny, folder=tmp_path)
    assert again[1].asked == [] and again[0].fingerprint == supernet.fingerprint


def test_after_an_interrupt_the_weights_are_those_of_before(tiny, tmp_path):
    supernet = with_new_head(Supernet(tiny), 4)
    before, evaluate, calls = supernet.fingerprint, Measurement(supernet), []

    def dies(genotypes):
        calls.append(genotypes)
        if len(calls) == 15:
            raise KeyboardInterrupt
        return evaluate(genotypes)

    with pytest.raises(KeyboardInterrupt):
        transfer(supernet, Task(), dies, objectives_of(tiny), RECIPE, **BRIEF, folder=tmp_path)
    assert len(set(fingerprint for fingerprint, _ in evaluate.asked)) == 2 and supernet.fingerprint == before


def test_twelve_objectives(tiny):
    weights = np.random.default_rng(0).random((11, tiny.space.n_genes))
    exact = [Objective(f"cost{i}", "min", exact=lambda g, w=w: g @ w) for i, w in enumerate(weights)]
    _, _, result = run(tiny, objectives=[objectives_of(tiny)[0], *exact])
    assert result.history.values.shape == (5, 12)


def test_evaluations_that_fail_are_left_out(tiny):
    class Fails(Measurement):
        def __call__(self, genotypes):
            return np.where(genotypes[:, [1]] > 0, np.nan, super().__call__(genotypes))

    with pytest.warns(UserWarning, match="evaluations failed"):
        history = run(tiny, Fails)[2].history
    assert len(history) and not history.failed.any() and not history.genotypes[:, 1].any()


def test_a_space_that_is_used_up(narrow):
    _, _, result = run(narrow)
    assert len(result.history) == narrow.space.size == 2 and not len(result.iterations[0].candidates)


def test_first_subnetworks_have_the_ends(tiny):
    genotypes = first_subnetworks(tiny.space, 9, seed=1)
    assert len(set(genotype_keys(genotypes))) == 9
    keys = genotype_keys(genotypes)
    assert {*genotype_keys(np.stack([tiny.space.smallest, tiny.space.largest]))} < set(keys)
    assert (first_subnetworks(tiny.space, 9, seed=2) != genotypes).any()
    assert len(first_subnetworks(tiny.space.restrict({"stage1.depth": (1,)}), 1000)) < tiny.space.size


@pytest.mark.parametrize("wrong", [{"n_iterations": 0}, {"n_archive": 0}, {"n_first": 1}, {"predictor": "magic"}])
def test_wrong_numbers_are_told_at_once(tiny, wrong):
    with pytest.raises(ValueError, match=r"must be at least 1|unknown predictor 'magic'; known"):
        run(tiny, **wrong)


def test_an_unknown_setting_is_told(tiny):
    with pytest.raises(TypeError, match="n_generations"):
        run(tiny, n_generations=3)


def test_with_bounds(tiny):
    objectives = objectives_of(tiny)
    bound = float(np.median(tiny.mmacs(first_subnetworks(tiny.space, 50))))
    objectives[1] = replace(objectives[1], at_most=bound)
    history = run(tiny, objectives=objectives, n_first=20, n_archive=4)[2].history
    assert history.feasible.all()

"""Cascades of stored answers, held against a plain run of networks one example after the other."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nastoolkit import FAMILIES, load_supernet
from nastoolkit.answers import Answers
from nastoolkit.benchmarks import SupernetProblem
from nastoolkit.systems.encas import (
    CASCADES,
    ENSEMBLES,
    GREEDY,
    RANDOM,
    THRESHOLDS,
    UNION,
    Cascades,
    NarrowProblem,
    cascades_across,
    greedy_cascade,
    volumes,
)


def answers(k=4, n=60, c=3, seed=0):
    rng = np.random.default_rng(seed)
    targets = rng.integers(c, size=n)
    skill = np.linspace(0.5, 2.5, k)[:, None, None] * np.eye(c)[targets]
    logits = skill + rng.normal(size=(k, n, c))
    odds = np.exp(2 * logits)
    return Answers(odds / odds.sum(axis=2, keepdims=True), targets, np.linspace(1.0, 10.0, k))


def plain(known, networks, thresholds):
    """Accuracy and mean cost, an example at a time."""
    n_right, cost = 0, 0.0
    for example, target in enumerate(known.targets):
        summed = np.zeros(known.probabilities.shape[2], np.float32)
        for place, network in enumerate(networks, start=1):
            summed = summed + known.probabilities[network, example].astype(np.float32)
            cost += known.costs[network]
            if place == len(networks) or summed.max() > thresholds[place - 1] * place:
                break
        n_right += summed.argmax() == target
    return 100 * n_right / len(known.targets), cost / len(known.targets)


@given(st.data())
def test_a_cascade_is_what_it_says(data):
    known = answers(seed=data.draw(st.integers(0, 20)))
    cascades = Cascades(known)
    networks = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=5))
    thresholds = data.draw(st.lists(st.sampled_from(THRESHOLDS), min_size=len(networks) - 1, max_size=len(networks) - 1))
    genotype = cascades.encode(networks, thresholds)
    np.testing.assert_allclose(cascades.evaluate(genotype), [plain(known, networks, thresholds)])


def test_networks_are_names_and_thresholds_are_numbers():
    choices = Cascades(answers()).space.choices
    assert {choice.name.strip("12345"): choice.ordered for choice in choices} == {"network": False, "threshold": True}


def test_places_without_a_network_are_left_out():
    cascades = Cascades(answers())
    options = {choice.name: choice.options[0] for choice in cascades.space.choices}
    gap = {"network1": 1, "threshold1": 0.9, "network3": 4, "threshold2": 0.1, "threshold3": 0.2}
    without = cascades.encode([0, 3], [0.9])
    np.testing.assert_array_equal(cascades.evaluate(cascades.space.encode(options | gap)), cascades.evaluate(without))


def test_thresholds_of_zero_and_one_are_one_network_and_all():
    known = answers()
    cascades = Cascades(known)
    accuracy = 100 * (known.probabilities.argmax(axis=2) == known.targets).mean(axis=1)
    found = cascades.evaluate(np.stack([cascades.encode([2, 0, 1], [0.0, 0.0]), cascades.encode([2, 0, 1], [1.0, 1.0])]))
    np.testing.assert_allclose(found[0], (accuracy[2], known.costs[2]))
    vote = 100 * (known.probabilities[:3].sum(axis=0).argmax(axis=1) == known.targets).mean()
    np.testing.assert_allclose(found[1], (vote, known.costs[:3].sum()))


def test_an_ensemble_is_an_argmax_of_sums():
    known = answers(k=6)
    cascades = Cascades(known)
    genotypes = cascades.ensembles.sample(200, np.random.default_rng(0))
    for genotype, values in zip(genotypes, cascades.evaluate(genotypes), strict=True):
        options = cascades.space.decode(genotype)
        members = [options[f"network{place}"] - 1 for place in range(1, 6) if options[f"network{place}"]]
        summed = known.probabilities[members].sum(axis=0)
        assert values[0] == pytest.approx(100 * (summed.argmax(axis=1) == known.targets).mean())
        assert values[1] == pytest.approx(known.costs[members].sum())


@pytest.mark.parametrize("least", [70.0, 85.0, 90.0])
def test_greedy_cascades_are_as_good_as_asked_and_cost_less_than_the_best_network(least):
    cascades = Cascades(answers(n=500))
    accuracy, cost = cascades.evaluate(greedy_cascade(cascades, least))[0]
    assert accuracy >= least and cost < cascades.answers.costs.max()


def test_greedy_cascades_that_are_asked_for_nothing_or_all_are_no_worse_than_the_best_network():
    cascades = Cascades(answers(n=500))
    best = cascades.evaluate(cascades.encode([3], []))[0]
    nothing, everything = (cascades.evaluate(greedy_cascade(cascades, least))[0] for least in (0.0, 100.0))
    assert (nothing == best).all() and everything[0] >= best[0]


def test_greedy_cascades_are_dearer_where_more_is_asked():
    cascades = Cascades(answers(n=2000))
    values = cascades.evaluate(np.stack([greedy_cascade(cascades, least) for least in (60.0, 80.0, 95.0)]))
    assert (np.diff(values, axis=0) > 0).all()


def test_a_job_judges_cascades_of_several_supernets_on_other_images(problem, monkeypatch):
    numbers = {"budget": 6, "population": 3, "n_networks": 3, "n_places": 2, "n_cascades": 30, "cascade_population": 10}
    other = {**problem, "folder": problem["folder"] + "2"}
    monkeypatch.setitem(FAMILIES, "other", FAMILIES["tiny"])
    found = cascades_across([problem, {**other, "family_name": "other"}], 0, cascade_search="nsga2", **numbers).assign(seed=0)
    assert list(found.networks.unique()) == ["tiny", "other", UNION, GREEDY, ENSEMBLES, RANDOM, CASCADES]
    given = SupernetProblem(**problem)
    front = given.search("MACs", "default", 6, 0, population=3).front().spread(3)
    single = found[found.networks == "tiny"].sort_values("cost")
    expected = sorted(zip(front.values[:, 1], given.accuracy("test")(front.genotypes)[:, 0], strict=True))
    np.testing.assert_allclose(single[["cost", "accuracy_top1"]], expected)
    (row,) = volumes(found).to_dict("records")
    assert row["best single"] == row["tiny"] == row["other"] == row[UNION] <= row["greedy or random"]


def test_a_narrow_supernet_begins_with_the_first_channels_of_the_wide_one(tmp_path):
    values = {"family_name": "digits-mbv3-w0.5", "task_name": "digits", "folder": str(tmp_path), "width": 0.5}
    problem = NarrowProblem(**values, n_steps=1)
    narrow = problem.supernet
    assert problem.supernet is narrow
    wide = load_supernet("digits-mbv3").shared.state_dict()
    for name, weights in narrow.shared.state_dict().items():
        if name.endswith("weight"):
            torch.testing.assert_close(weights, wide[name][tuple(map(slice, weights.shape))], rtol=0, atol=0.02)

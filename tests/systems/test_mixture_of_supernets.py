"""Trials, losses and what is told of them, on tiny networks that translate number words."""

import numpy as np
import pandas as pd
import pytest
import torch

from nastoolkit import FAMILIES, TASKS, Supernet
from nastoolkit.measurements import Accuracy, ground_truth
from nastoolkit.supernets import ExpertMixture, Slice
from nastoolkit.systems.mixture_of_supernets import (
    ARMS,
    FIXED_INPUT,
    HAT,
    NEURON_WISE,
    Trial,
    agreements,
    by_likelihood,
    family_of,
    gaps,
    inherited_losses,
    searched_losses,
    sharing_of,
    spread_by_macs,
    step_ratios,
)
from nastoolkit.tasks.number_words import NumberWords
from nastoolkit.training import Recipe

FAMILY, TABLE = "number-words-transformer", {"encoder_layers": [1], "decoder_layers": [1, 2], "cross_attention": [-1]}
NUMBERS = {"n_experts": 2, "router_width": 4}


@pytest.fixture(scope="module")
def family():
    return family_of(FAMILY, TABLE)


class FewNumbers(NumberWords):
    """Twelve numbers of each split."""

    def split(self, name):
        return super().split(name)[:12]


@pytest.fixture
def trial(tmp_path, monkeypatch):
    """Values of a trial whose supernets take two steps."""
    monkeypatch.setitem(TASKS, "few", FewNumbers)
    names = {"family_name": FAMILY, "table": TABLE, "task_name": "few", "folder": str(tmp_path), "device": "cpu"}
    return {**names, "mixture": NUMBERS, "training": {"n_steps": 2, "batch_size": 4}}


def test_arms_differ_in_their_rule_alone(family):
    rules = {arm: sharing_of(arm, **NUMBERS) for arm in ARMS}
    assert [type(rule) for rule in rules.values()] == [Slice, *[ExpertMixture] * 3]
    routed, fixed = (rules[arm].settings for arm in (NEURON_WISE, FIXED_INPUT))
    assert {name for name in routed if routed[name] != fixed[name]} == {"router_input"}
    sizes = [sum(own.numel() for own in Supernet(family, rules[arm]).parameters()) for arm in ARMS]
    assert sizes[0] < sizes[1] < sizes[2] == sizes[3]


def test_the_likelihood_is_that_of_the_tasks_loss(family):
    task, network = by_likelihood("number-words"), family.build(family.space.largest).eval()
    batch = task.split("test")[:40]
    with torch.no_grad():
        found = task.predict(network, batch.inputs)
        loss = task.loss(network(batch.inputs), batch.targets)
    assert task.score(found, batch.targets) == pytest.approx(-float(loss), rel=1e-6)
    assert (found[batch.targets == 1] == 0).all()
    assert TASKS["number-words"]().metric == "bleu" and task.name != "number-words"


def test_networks_stand_from_the_smallest_to_the_largest(family):
    networks = spread_by_macs(family, 5)
    macs = family.macs(networks)
    assert (networks[0] == family.space.smallest).all() and (networks[-1] == family.space.largest).all()
    assert np.allclose(np.diff(macs), (macs[-1] - macs[0]) / 4, rtol=0.2)
    assert (spread_by_macs(family, 5) == networks).all()


def test_a_job_measures_inherited_losses_of_a_training_that_is_kept(trial):
    found = inherited_losses(trial, NEURON_WISE, 0, 3)
    supernet = Trial(**trial, arm=NEURON_WISE, seed=0).trained()
    assert not supernet.training and list(found.network) == [0, 1, 2]
    genotypes = spread_by_macs(supernet.family, 3)
    expected = -Accuracy(supernet, by_likelihood("few"), "test", progress=False)(genotypes)[:, 0]
    np.testing.assert_allclose(found.loss, expected)
    np.testing.assert_allclose(found.mmacs, supernet.family.mmacs(genotypes))
    longer = {**trial, "training": {"n_steps": 3, "batch_size": 4}}
    others = [Trial(**values, arm=arm, seed=0) for values, arm in ((trial, HAT), (longer, NEURON_WISE))]
    assert len({supernet.fingerprint, *(other.trained().fingerprint for other in others)}) == 3


def test_searches_keep_their_bounds_and_choose_by_validation(trial):
    found = searched_losses(trial, HAT, 0, [0.4, 1.0], "ofa_evolution", 6, 3, 5)
    largest = family_of(FAMILY, TABLE).mmacs(family_of(FAMILY, TABLE).space.largest)
    assert (found.mmacs <= found.bound * largest).all() and (found.loss > 0).all()


def test_ground_truth_is_that_of_the_likelihood(trial, family, tmp_path):
    recipe = Recipe(n_steps=1, batch_size=4)
    alone = ground_truth(family, by_likelihood("few"), recipe, family.space.smallest, [0], tmp_path, "test", 0, False)
    assert -6 < alone.item() < -2


def losses(rows):
    """Rows of two seeds, of which the second has losses that are 1 higher."""
    cells = [(seed, arm, n, row[n] + seed) for seed in (0, 1) for arm, row in zip(ARMS, rows, strict=True) for n in range(3)]
    return pd.DataFrame(cells, columns=["seed", "arm", "network", "loss"])


def test_gaps_are_mean_distances_from_training_alone():
    found = losses([[3.0, 2.0, 1.0], [2.0, 1.0, 0.0], [3.5, 1.5, 1.0], [1.0, 2.0, 3.0]])
    alone = np.array([2.0, 1.0, 0.5])
    gap = gaps(found, alone)
    np.testing.assert_allclose(gap.loc[0], [2.5 / 3, 0.5 / 3, 2.5 / 3, 4.5 / 3])
    np.testing.assert_allclose(gap.loc[1], [5.5 / 3, 2.5 / 3, 5.5 / 3, (0.0 + 2.0 + 3.5) / 3])
    assert list(gap.columns) == list(ARMS)
    np.testing.assert_allclose(agreements(found, alone), [[1, 1, 1, -1]] * 2)


def test_step_times_are_told_as_shares_of_hats(family):
    ratios = step_ratios(family, TASKS["number-words"](), NUMBERS, batch_size=2, n_pairs=1)
    assert list(ratios.index) == list(ARMS) and ratios[HAT] == 1 and (ratios > 0).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sharing_of("top-1", **NUMBERS), "unknown arm 'top-1'; known: HAT, layer-wise, neuron-wise, fixed input"),
        (lambda: sharing_of(NEURON_WISE, 0, 4), "n_experts must be at least 1, got 0"),
        (lambda: family_of("digits-mbv3", {}), "'digits-mbv3' is not a family of HAT's Transformers"),
        (lambda: spread_by_macs(FAMILIES[FAMILY](), 2), "at least 3 sub-networks are needed, .*; got 2"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()

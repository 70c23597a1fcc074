"""Fusion by its formula, ensembles of stored answers by brute force, and fronts judged on other examples."""

import numpy as np
import pytest

from nastoolkit.answers import Answers
from nastoolkit.benchmarks.members import members
from nastoolkit.ensembles import FUSIONS, PRODUCT, SUM, Ensembles, disagreement, fused, judged


def random_answers(k, seed, n=40, c=5):
    rng = np.random.default_rng(seed)
    targets = np.random.default_rng(7).integers(c, size=n)
    return Answers(rng.dirichlet(np.full(c, 0.5), (k, n)), targets, rng.uniform(1, 9, k))


@pytest.fixture
def groups():
    return {name: random_answers(k, seed) for seed, (name, k) in enumerate({"a": 2, "b": 3, "c": 1}.items())}


def test_product_is_the_normalised_product_and_sum_the_mean():
    probabilities = random_answers(3, 1).probabilities
    product = probabilities.prod(axis=0)
    np.testing.assert_allclose(fused(probabilities), product / product.sum(axis=1, keepdims=True), rtol=1e-10)
    np.testing.assert_allclose(fused(probabilities, SUM), probabilities.mean(axis=0), rtol=1e-10)


def test_a_sure_network_rules_a_class_out_in_a_product_and_many_small_numbers_do_not_vanish():
    sure, other = np.array([[1.0, 0.0]]), np.array([[0.4, 0.6]])
    assert fused(np.stack([sure, other])).argmax() == 0
    many = fused(np.full((500, 1, 4), 0.25))
    np.testing.assert_allclose(many, np.full((1, 4), 0.25))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_values_are_those_of_brute_force(groups, fusion):
    ensembles = Ensembles(groups, fusion)
    genotypes = members(ensembles.space)
    assert len(genotypes) == 3 * 4 * 2 == ensembles.space.size
    values = ensembles.evaluate(genotypes)
    for genotype, (accuracy, cost) in zip(genotypes, values, strict=True):
        picked = [(group, gene - 1) for group, gene in zip(groups.values(), genotype, strict=True) if gene]
        if not picked:
            assert (accuracy, cost) == (0, 0)
            continue
        answers = fused(np.stack([group.probabilities[place] for group, place in picked]), fusion)
        assert accuracy == pytest.approx(100 * (answers.argmax(axis=1) == groups["a"].targets).mean())
        assert cost == pytest.approx(sum(group.costs[place] for group, place in picked))


def test_many_ensembles_at_a_time_are_the_same(groups):
    ensembles = Ensembles(groups)
    genotypes = ensembles.space.sample(1300, np.random.default_rng(0))
    alone = np.concatenate([ensembles.evaluate(genotype) for genotype in genotypes[::100]])
    np.testing.assert_array_equal(ensembles.evaluate(genotypes)[::100], alone)
    assert ensembles.evaluate(genotypes[:0]).shape == (0, 2)


def test_disagreement_counts_different_choices():
    chosen = np.array([[0, 1, 2, 0], [0, 1, 2, 1], [1, 2, 0, 1]])
    np.testing.assert_array_equal(disagreement(np.eye(3)[chosen]), [[0, 25, 100], [25, 0, 75], [100, 75, 0]])


def test_a_front_is_chosen_here_and_judged_there(groups):
    here = Ensembles(groups)
    there = Ensembles({name: random_answers(len(group), 50 + i) for i, (name, group) in enumerate(groups.items())})
    genotypes = members(here.space)[1:]
    values = here.evaluate(genotypes)
    better = [((values[:, 0] >= a) & (values[:, 1] <= c) & ((values[:, 0] > a) | (values[:, 1] < c))).any() for a, c in values]
    expected = there.evaluate(genotypes[~np.array(better)])
    found = judged(genotypes, here, there)
    assert list(found) == ["accuracy_top1", "cost"]
    np.testing.assert_allclose(np.sort(found.accuracy_top1), np.sort(expected[:, 0]))


def test_an_unknown_fusion_lists_the_known_ones(groups):
    with pytest.raises(ValueError, match="unknown fusion 'vote'; known: product, sum"):
        Ensembles(groups, "vote")
    with pytest.raises(ValueError, match="unknown fusion 'vote'; known: product, sum"):
        fused(np.ones((1, 1, 1)), "vote")
    assert PRODUCT in FUSIONS

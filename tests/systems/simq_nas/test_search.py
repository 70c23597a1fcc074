"""Joint search of architecture and bits, and what it is held against."""

from dataclasses import replace

import numpy as np
import pytest

from nastoolkit import pareto
from nastoolkit.benchmarks.supernet_problem import SIZE
from nastoolkit.systems import simq_nas as simq
from nastoolkit.systems.simq_nas import search

SETTINGS = {"population": 4, "generations": 3}


def options_of(space, genotype, ending):
    return {option for name, option in space.decode(genotype).items() if name.endswith(ending)}


def test_arms_search_parts_of_the_joint_space(given):
    plain = given.family.unquantised.space
    whole, at_four, bits = (simq.space_of(arm, given) for arm in (simq.JOINT, simq.architecture_at(4), simq.BITS))
    rng = np.random.default_rng(0)
    assert plain.size == at_four.size < bits.size < whole.size < plain.size * bits.size
    assert all(options_of(whole, genotype, ".bits") == {4} for genotype in at_four.sample(5, rng))
    assert all(options_of(whole, genotype, "scheme") == {"symmetric"} for genotype in at_four.sample(5, rng))
    n_blocks = sum(name.endswith(".bits") for name in whole.decode(whole.largest))
    assert bits.size == (2 * 2) ** n_blocks
    assert all((genotype[: plain.n_genes] == plain.largest).all() for genotype in bits.sample(5, rng))
    assert given.family.size_mb(given.uniform(8)) > given.family.size_mb(given.uniform(4))


def test_bits_that_blocks_never_have_are_an_unknown_arm(given, quantised):
    with pytest.raises(ValueError, match=r"^unknown arm 'architecture at 5 bits'; known: joint LINAS, .*at 4 bits"):
        simq.search_arm(quantised, simq.architecture_at(5), 0, 4, **SETTINGS)
    with pytest.raises(ValueError, match="no option 5"):
        given.uniform(5)
    with pytest.raises(ValueError, match="^bits must be whole numbers between 2 and 32, got "):
        _ = replace(given, bits=[1]).supernet


def test_bits_are_searched_on_the_networks_of_a_front(given):
    front = given.family.unquantised.space.sample(3, np.random.default_rng(0))
    space = search._bits_on(given.space, front)
    found = search._joined(front, space.sample(4000, np.random.default_rng(1)))
    canonical = given.space.canonical(found)
    assert {tuple(row) for row in canonical[:, : front.shape[1]]} == {tuple(row) for row in front}
    np.testing.assert_array_equal(found, canonical)  # what a network lacks is dead, so that none is measured twice


def test_one_after_the_other_spends_half_of_its_evaluations_on_floats(given):
    history = simq.one_after_the_other(given, 8, 0, **SETTINGS)
    floats = replace(given, bits=(), schemes=(), folder=f"{given.folder}/floats")
    front = floats.search(SIZE, "linas", 4, 0, **SETTINGS).front().genotypes
    architectures = {tuple(row) for row in history.genotypes[:, : front.shape[1]]}
    assert len(history) == 4 and architectures <= {tuple(row) for row in front}
    np.testing.assert_array_equal(history.values[:, 1], given.family.size_mb(history.genotypes))
    np.testing.assert_array_equal(history.values[:, :1], given.accuracy()(history.genotypes))


@pytest.mark.parametrize("arm", [simq.JOINT, simq.RANDOM, simq.SEQUENTIAL])
def test_a_job_is_one_arms_search_with_its_front_on_other_images(quantised, given, arm):
    found = simq.search_arm(quantised, arm, 0, 8, **SETTINGS)
    n_floats = 4 if arm == simq.SEQUENTIAL else 0
    assert list(found.number) == list(range(1 + n_floats, 9))
    on_front = pareto.non_dominated(np.stack([-found.validation, found.size_mb], axis=1))
    np.testing.assert_array_equal(found.test.notna(), on_front)
    assert (found.size_mb >= given.family.size_mb(given.space.smallest)).all()

"""Bins of cost: whose networks are in them, and bins that nothing reaches."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nastoolkit.families.cells import DIGITS, CellsFamily
from nastoolkit.systems.shiftnas import Bins, equal_ratios, family_of
from nastoolkit.systems.shiftnas.bins import ends, tilted
from nastoolkit.systems.shiftnas.comparison import NARROW

FAMILY = family_of(NARROW)
LEAST, MOST = ends(FAMILY)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 12), st.integers(0, 10**6))
def test_every_network_is_in_the_bin_whose_edges_are_around_it(n_bins, seed):
    bins, genotypes = equal_ratios(FAMILY, n_bins), FAMILY.space.sample(50, np.random.default_rng(seed))
    costs, places = FAMILY.mmacs(genotypes), bins.of(genotypes)
    edges = np.array(bins.edges)
    assert (edges[places] <= costs * (1 + 1e-12)).all() and (costs * (1 - 1e-12) <= edges[places + 1]).all()
    np.testing.assert_allclose(edges[1:] / edges[:-1], (MOST / LEAST) ** (1 / n_bins))
    assert ((edges[:-1] < bins.targets) & (bins.targets < edges[1:])).all()


def test_the_ends_are_in_the_outer_bins_and_so_is_what_lies_beyond():
    both = np.stack([FAMILY.space.smallest, FAMILY.space.largest])
    assert equal_ratios(FAMILY, 7).of(both).tolist() == [0, 6]
    assert Bins(FAMILY, (LEAST * 1.5, LEAST * 2, MOST / 2)).of(both).tolist() == [0, 1]


def test_networks_of_a_bin_are_different_and_always_the_same_ones():
    bins = equal_ratios(FAMILY, 6)
    found = bins.networks(5)
    assert found.shape == (6, 5, FAMILY.space.n_genes)
    for number, networks in enumerate(found):
        assert (bins.of(networks) == number).all() and len(np.unique(networks, axis=0)) == 5
    assert np.array_equal(found, equal_ratios(FAMILY, 6).networks(5)) and not np.array_equal(found, bins.networks(5, seed=1))


def test_tilted_draws_reach_both_ends_which_uniform_ones_leave_out():
    bins, rng = equal_ratios(FAMILY, 6), np.random.default_rng(0)
    shares = [
        np.bincount(bins.of(genotypes), minlength=6)[[0, 5]].sum() / 2000
        for genotypes in (tilted(FAMILY.space, 2000, rng), FAMILY.space.sample(2000, rng))
    ]
    assert shares[0] > 0.3 and shares[1] < 0.06


def test_draws_keep_to_a_restricted_space():
    few = FAMILY.space.restrict({"stage1.depth": (2,), "stage2.block1.expand": (1, 6)})
    assert np.array_equal(few.canonical(found := tilted(few, 200, np.random.default_rng(0))), found)


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ((0.01, 0.02, 0.1), "no sub-network reaches bin 0, from 0.01 to 0.02 million MACs: those of .* have 0.0789 to 0.8555"),
        ((0.1, 0.5, 0.9, 1.0), "no sub-network reaches bin 2, from 0.9 to 1 million MACs: those of .* have 0.0789 to 0.8555"),
        ((0.1,), "bins need at least two edges, all above 0 and in ascending order, got (0.1,)"),
        ((0.1, 0.3, 0.3), "bins need at least two edges, all above 0 and in ascending order, got (0.1, 0.3, 0.3)"),
        ((0.0, 0.3), "bins need at least two edges, all above 0 and in ascending order, got (0.0, 0.3)"),
    ],
)
def test_bins_that_nothing_reaches_are_refused_in_one_sentence(edges, message):
    pattern = message if ".*" in message else re.escape(message)
    with pytest.raises(ValueError, match=f"^{pattern.format()}$"):
        Bins(FAMILY, edges)


def test_a_gap_between_costs_is_told_in_one_sentence(monkeypatch):
    monkeypatch.setattr("nastoolkit.systems.shiftnas.bins.N_ROUNDS", 2)
    costs = np.unique(FAMILY.mmacs(tilted(FAMILY.space, 2000, np.random.default_rng(0))))
    place = np.diff(costs[:20]).argmax()
    low, high = costs[place : place + 2]
    narrow = Bins(FAMILY, (low + (high - low) * 1e-6, high - (high - low) * 1e-6, MOST))
    with pytest.raises(ValueError, match="^bin 0 has fewer than 99 sub-networks: [0-9]+ were found in [0-9,]+ of all$"):
        narrow.networks(99)


def test_a_family_of_operations_has_no_bins_of_this_kind():
    cells = CellsFamily("cells", DIGITS)
    assert len(equal_ratios(cells, 3)) == 3  # their operations are in the order of their MACs

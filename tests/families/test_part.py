"""A part of a family: the whole network's blocks, weights and costs."""

import numpy as np
import pytest
import torch

from nastoolkit.families import FAMILIES
from nastoolkit.families.part import Part
from nastoolkit.supernets import Supernet

FAMILY = FAMILIES["digits-mbconv-layers"]()
CUTS = ((0, 3), (4, 6), (7, 11))  # stem and stage 1; stage 2; stage 3, pool and classifier


def test_parts_in_a_row_with_the_weights_of_the_whole_compute_what_the_whole_does():
    whole, parts = Supernet(FAMILY, seed=1).eval(), [Part(FAMILY, *ends) for ends in CUTS]
    weights, (genotype,) = whole.shared.state_dict(), FAMILY.space.sample(1, np.random.default_rng(3))
    x = features = FAMILY.example_inputs(genotype, 4)
    for part in parts:
        supernet = Supernet(part, seed=2).eval()
        supernet.shared.load_state_dict({name: weights[name] for name in supernet.shared.state_dict()})
        features = supernet(features, genotype[part.genes])
    torch.testing.assert_close(features, whole(x, genotype), rtol=0, atol=0)


def test_costs_of_parts_add_up():
    genotypes = FAMILY.space.sample(20, np.random.default_rng(0))
    parts = [Part(FAMILY, *ends) for ends in CUTS]
    np.testing.assert_array_equal(sum(part.macs(genotypes[:, part.genes]) for part in parts), FAMILY.macs(genotypes))
    assert [part.space.size for part in parts] == [64, 64, 64] and parts[0].largest.tolist() == [3, 3, 3]


def test_a_part_knows_what_it_takes_and_what_the_next_one_takes():
    first, second, last = (Part(FAMILY, *ends) for ends in CUTS)
    assert first.output_shape == second.input_shape(second.space.smallest) == (8, 8, 8)
    assert second.output_shape == (16, 4, 4) and last.output_shape is None


def test_what_cannot_be_cut_is_told():
    with pytest.raises(ValueError, match="^'digits-mbconv-layers' has 12 slots, got 3 to 12$"):
        Part(FAMILY, 3, 12)
    with pytest.raises(ValueError, match="^networks of 'digits-cells' are no chains of blocks, which could be cut$"):
        Part(FAMILIES["digits-cells"](), 0, 1)

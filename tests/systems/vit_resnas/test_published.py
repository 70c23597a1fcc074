"""MACs of the published networks are those that the paper prints, to all of its digits."""

import pytest

from nastoolkit.systems.vit_resnas import PUBLISHED


@pytest.mark.parametrize(("name", "macs"), [("tiny", 1_782_630_272), ("small", 2_845_501_856), ("medium", 4_513_135_936)])
def test_macs_are_those_that_are_printed(name, macs):
    network = PUBLISHED[name]
    assert network.family.macs(network.genotype) == macs
    assert round(macs / 1e9, 3) == network.gmacs


def test_the_small_network_lacks_the_layers_that_its_notes_say():
    plan = dict(PUBLISHED["small"].family.plan(PUBLISHED["small"].genotype))
    missing = {f"stage{stage}.layer{layer}" for stage in (1, 2, 3) for layer in range(1, 8)} - set(plan)
    assert missing == {"stage1.layer4", "stage2.layer6", "stage3.layer4", "stage3.layer6"}
    assert plan["stage3.layer7"].ffn == 2560 and plan["stage3.layer7"].qkv_dim == 14 * 64
    assert plan["stage2.reduction"].input_shape == (257, 220) and plan["classifier"].input_shape == (17, 880)

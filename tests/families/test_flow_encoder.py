"""Who sees whom in a network of flows, what padding and compositions change, and the cost of attention in two steps."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nastoolkit.families import FAMILIES
from nastoolkit.families.flow_blocks import real_bursts
from nastoolkit.families.flow_encoder import SMALL, FlowEncoderFamily, composition_of
from nastoolkit.families.transformer_blocks import EncoderBlock
from nastoolkit.supernets import Supernet

FAMILY = FAMILIES["flows-netfound"]()
BARE = replace(SMALL, n_classes=0)


def encoded(table, inputs, **options):
    """Vectors of all tokens."""
    family = FlowEncoderFamily("flows", table)
    genotype = family.space.encode({**family.space.decode(family.space.largest), **options})
    with torch.no_grad():
        return Supernet(family).eval()(inputs, genotype)


def changed_bursts(table, **options):
    """Bursts any of whose vectors differ after a token of the second burst did."""
    tokens, facts, protocols = FAMILY.example_inputs(FAMILY.largest, 2)
    other = tokens.clone()
    other[:, 1, 0, 3] += 1
    before, after = (encoded(table, (some, facts, protocols), **options) for some in (tokens, other))
    return (before != after).flatten(3).any(3), before.shape


@pytest.mark.parametrize(("layers", "own"), [(1, False), (2, True)])
def test_other_bursts_hear_of_a_token_by_their_own_vectors_first(layers, own):
    differs, _ = changed_bursts(BARE, layers=layers)
    assert differs[:, 1].all()
    others = differs[:, [0, 2, 3, 4, 5]]
    assert others[:, :, 0].all() and others[:, :, 1:].all() == own  # a burst's vector, and its tokens a layer later


def test_without_attention_among_bursts_they_hear_nothing():
    differs, _ = changed_bursts(BARE, among=0)
    assert differs[:, 1].all() and not differs[:, [0, 2, 3, 4, 5]].any()


def test_in_a_flat_network_all_tokens_hear_of_it_at_once():
    differs, _ = changed_bursts(replace(BARE, flat=True, among=(0,)), layers=1)
    assert differs.all()


def test_what_is_not_there_changes_nothing():
    tokens, facts, protocols = FAMILY.example_inputs(FAMILY.largest, 3)
    tokens[:, 2:], tokens[:, :, 1:] = 0, 0
    network = Supernet(FAMILY, seed=1).eval()
    small = FAMILY.space.encode({**FAMILY.space.decode(FAMILY.largest), "bursts": 2, "packets": 1})
    with torch.no_grad():
        outputs = [network((tokens, facts, protocols), path) for path in (FAMILY.largest, small)]
    torch.testing.assert_close(*outputs, rtol=1e-5, atol=1e-6)


def test_compositions_cut_their_inputs():
    tokens, facts, protocols = FAMILY.example_inputs(FAMILY.largest, 3)
    network = Supernet(FAMILY, seed=1).eval()
    path = FAMILY.space.encode({**FAMILY.space.decode(FAMILY.largest), "bursts": 4, "packets": 2, "places": 12, "facts": 0})
    assert composition_of(FAMILY, path) == (4, 2, 12)
    other = tokens.clone()
    other[:, 4:], other[:, :, 2:], other[..., 12:] = 7, 8, 9
    with torch.no_grad():
        assert torch.equal(network((tokens, facts, protocols), path), network((other, facts + 1, protocols), path))
        assert not torch.equal(network((tokens, facts, protocols), path), network((tokens, facts, (protocols + 1) % 3), path))


def test_a_layer_inside_bursts_is_a_plain_one_for_each_burst():
    spec = dict(FAMILY.plan(FAMILY.largest))["encoder.layer1.inside"]
    block = spec.build().eval()
    plain = EncoderBlock(spec).eval()
    plain.load_state_dict(block.state_dict())
    x, there = torch.randn(2, *spec.input_shape), torch.rand(2, *spec.input_shape[:2]) < 0.7
    there[:, :, 0] = True
    with torch.no_grad():
        rows = [plain(x[:, burst], there[:, burst, None, None]) for burst in range(6)]
        torch.testing.assert_close(block(x, there), torch.stack(rows, 1), rtol=1e-5, atol=1e-6)


def test_the_first_burst_is_always_there():
    there = torch.tensor([[[True, True], [True, False]], [[True, False], [True, True]]])
    assert real_bursts(there).tolist() == [[True, False], [True, True]]


def test_attention_in_two_steps_costs_less_and_the_cost_is_its_formula():
    flat = FlowEncoderFamily("flat", replace(SMALL, flat=True, among=(0,)))
    ours, theirs = (dict(family.plan(family.largest)) for family in (FAMILY, flat))
    d, width, ffn, length, bursts = 32, 32, 64, 55, 6
    linear = 4 * d * width + 2 * d * ffn
    inside, among = ours["encoder.layer1.inside"].macs, ours["encoder.layer1.among"].macs
    assert inside == bursts * (length * linear + 2 * length**2 * width)
    assert among == bursts * linear + 2 * bursts**2 * width
    assert theirs["encoder.layer1.inside"].macs == bursts * length * linear + 2 * (bursts * length) ** 2 * width
    assert FAMILY.macs(FAMILY.largest) < 0.6 * flat.macs(flat.largest)


def test_a_flat_network_has_no_choice_of_attention_among_bursts():
    with pytest.raises(ValueError, match=r"in a flat encoder bursts see each other anyway: among must be \(0,\)"):
        replace(SMALL, flat=True)


def test_the_space_is_exact():
    assert FAMILY.space.size == 3 * 3 * 2**6
    every = np.stack([FAMILY.space.largest, FAMILY.space.smallest])
    assert FAMILY.macs(every).tolist() == [sum(spec.macs for _, spec in FAMILY.plan(one)) for one in every]

"""What is hidden and exchanged, by its shares and in a plain loop; losses by hand; what learns, and what does not."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from nastoolkit.families import FAMILIES
from nastoolkit.supernets import Supernet
from nastoolkit.systems.netfound.pretraining import WEIGHTS, Pretraining, corrupted, pretrain, total, without_classes
from nastoolkit.tasks.base import Split
from nastoolkit.tasks.flow_simulator import simulated
from nastoolkit.tasks.flow_tokens import MASK, PAD, Composition, Vocabulary16, inputs_of, packet_values
from nastoolkit.training import Fixed, Recipe, Sandwich

FLOWS = simulated(400, [7])
WORDS = Vocabulary16.of(packet_values(FLOWS).ravel())
INPUTS = inputs_of(FLOWS, WORDS, Composition())
FAMILY = FAMILIES["flows-netfound"]()


def hidden(seed=0):
    return corrupted(INPUTS, len(WORDS), torch.Generator().manual_seed(seed))


def test_shares_of_what_is_hidden_and_exchanged():
    found, tokens = hidden(), INPUTS[0]
    there = found.tokens != PAD
    open_to = there & ~found.swapped[:, :, None, None]
    assert found.hidden.sum() / open_to.sum() == pytest.approx(0.3, abs=0.01)
    seen = found.inputs[0]
    masked, same = seen[found.hidden] == MASK, seen[found.hidden] == found.tokens[found.hidden]
    assert masked.float().mean() == pytest.approx(0.8, abs=0.02) and same.float().mean() == pytest.approx(0.1, abs=0.02)
    assert torch.equal(seen[~found.hidden], found.tokens[~found.hidden])
    can = (tokens[:, :, 0, 0] != PAD).sum(1)
    assert 0.3 < found.swapped.any(1).float().mean() <= 0.5 and found.swapped.sum(1).max() == 1 and can.min() >= 1


def test_exchanged_bursts_are_whole_and_come_from_the_flow_before():
    found, (tokens, facts, protocols) = hidden(1), INPUTS
    for flow, burst in np.ndindex(*found.swapped.shape):
        source = (flow - 1) % len(tokens) if found.swapped[flow, burst] else flow
        assert torch.equal(found.tokens[flow, burst], tokens[source, burst])
        assert torch.equal(found.facts[flow, burst], facts[source, burst])
        if found.swapped[flow, burst]:
            assert tokens[flow, burst, 0, 0] != PAD != tokens[source, burst, 0, 0]
            assert not found.hidden[flow, burst].any() and not found.faceless[flow, burst]
    assert torch.equal(found.inputs[2], protocols)


def test_facts_are_hidden_in_flows_of_many_bursts():
    found = hidden(2)
    n_bursts = (INPUTS[0][:, :, 0, 0] != PAD).sum(1)
    assert not found.faceless[n_bursts <= 3].any() and not found.inputs[1][found.faceless].any()
    many = (found.tokens[:, :, 0, 0] != PAD) & (n_bursts > 3)[:, None] & ~found.swapped
    assert found.faceless.sum() / many.sum() == pytest.approx(0.3, abs=0.04)
    assert torch.equal(found.inputs[1][~found.faceless], found.facts[~found.faceless])


def test_it_depends_on_the_generator_alone():
    assert torch.equal(hidden(3).inputs[0], hidden(3).inputs[0])
    assert not torch.equal(hidden(3).inputs[0], hidden(4).inputs[0])


def test_losses_by_hand():
    torch.manual_seed(0)
    found, dim = hidden(5), 8
    heads, words = Pretraining(dim, len(WORDS)), torch.randn(len(WORDS), dim)
    vectors = torch.randn(400, 6, 1 + 3 * 18, dim)
    losses = heads.losses(vectors, found, (6, 3, 18), words)
    told = vectors[:, :, 1:].reshape(400, 6, 3, 18, dim)[found.hidden]
    logits = heads.words(told) @ words.T + heads.bias
    torch.testing.assert_close(losses["tokens"], functional.cross_entropy(logits, found.tokens[found.hidden]))
    own = vectors[:, :, 0][found.faceless]
    torch.testing.assert_close(losses["facts"], functional.l1_loss(heads.facts(own), found.facts[found.faceless][:, 1:]))
    ways = (found.facts[found.faceless][:, 0] == -1).long()
    torch.testing.assert_close(losses["directions"], functional.cross_entropy(heads.direction(own), ways))
    assert torch.isfinite(losses["swaps"]) and WEIGHTS == {"tokens": 1, "swaps": 1, "facts": 0.4, "directions": 1}
    torch.testing.assert_close(total(losses), sum(WEIGHTS[name] * loss for name, loss in losses.items()))


def test_smaller_compositions_are_asked_for_what_they_see():
    found, heads, words = hidden(6), Pretraining(8, len(WORDS)), torch.randn(len(WORDS), 8)
    vectors = torch.randn(400, 2, 1 + 1 * 12, 8)
    losses = heads.losses(vectors, found, (2, 1, 12), words)
    seen = found.hidden[:, :2, :1, :12]
    logits = heads.words(vectors[:, :, 1:].reshape(400, 2, 1, 12, 8)[seen]) @ words.T + heads.bias
    torch.testing.assert_close(losses["tokens"], functional.cross_entropy(logits, found.tokens[:, :2, :1, :12][seen]))


def test_nothing_to_tell_costs_nothing():
    tokens, facts, protocols = (part[:1] for part in INPUTS)
    found = corrupted((torch.zeros_like(tokens), 0 * facts, protocols), len(WORDS), torch.Generator().manual_seed(0))
    losses = Pretraining(8, len(WORDS)).losses(torch.randn(1, 6, 55, 8), found, (6, 3, 18), torch.randn(len(WORDS), 8))
    assert losses["tokens"] == losses["facts"] == losses["directions"] == 0 and torch.isfinite(losses["swaps"])


def test_all_but_the_classifier_learns_and_it_repeats():
    results, recipe = [], Recipe(n_steps=3, batch_size=8, seed=2)
    for _ in range(2):
        supernet = Supernet(FAMILY, seed=1)
        before = {name: weight.clone() for name, weight in supernet.named_parameters()}
        results.append(pretrain(supernet, Split(INPUTS, torch.zeros(400)), Sandwich(FAMILY.space, 1), recipe))
        same = {name for name, weight in supernet.named_parameters() if torch.equal(weight, before[name])}
        assert same == {name for name in before if name.startswith("shared.classifier.")}
    assert results[0] == results[1] and set(results[0]) == set(WEIGHTS)


def test_the_bare_supernet_has_the_same_weights():
    supernet = Supernet(FAMILY, seed=1)
    bare = without_classes(supernet)
    assert bare.shared.get_submodule("encoder.layer1") is supernet.shared.get_submodule("encoder.layer1")
    assert not hasattr(bare.shared, "classifier")


def test_hidden_tokens_become_easier():
    supernet, recipe = Supernet(FAMILY, seed=0), Recipe(n_steps=30, batch_size=16, learning_rate=1e-2)
    path = FAMILY.space.encode({**FAMILY.space.decode(FAMILY.largest), "packets": 1, "places": 12, "bursts": 4})
    losses = pretrain(supernet, Split(INPUTS, torch.zeros(400)), Fixed(path), recipe)
    assert losses["tokens"] < 0.8 * np.log(len(WORDS))

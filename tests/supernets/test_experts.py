"""Mixtures of experts, held against their dense formulas."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from nastoolkit.checkpoints import CheckpointError
from nastoolkit.families import FAMILIES
from nastoolkit.families.hat import NUMBER_WORDS, HATFamily
from nastoolkit.supernets import ExpertMixture, Slice, Supernet, Supernets, chain, load_supernet, save_supernet, with_bits
from nastoolkit.supernets.experts import mixed
from nastoolkit.training import sort_channels

SMALL = replace(NUMBER_WORDS, encoder_layers=(1,), decoder_layers=(1, 2), cross_attention=(-1,), embed_dims=(4, 8), ffn=(4, 8))
GATES = ["layer", "neuron"]


@pytest.fixture(scope="module")
def family():
    return HATFamily("small", replace(SMALL, qkv_dim=8))


@pytest.fixture(scope="module")
def genotypes(family):
    return np.concatenate([[family.space.smallest, family.space.largest], family.space.sample(4, np.random.default_rng(0))])


def supernet_of(family, *arguments, **settings):
    return Supernet(family, ExpertMixture(*arguments, router_width=6, **settings)).double()


def gates(supernet, layer, genotype, n_rows):
    """The shares as Section 3 has them: softmax(V2 relu(V1 e)), for each row, or for all rows of both layers."""
    weights = supernet.shared.state_dict()
    router = f"{layer}.router" if supernet.sharing.gate == "neuron" else f"{layer.rpartition('.')[0]}.router"
    numbers = torch.from_numpy(supernet.family.space.role_means(genotype)[0])
    logits = weights[f"{router}.2.weight"] @ functional.relu(weights[f"{router}.0.weight"] @ numbers)
    return logits.view(-1, supernet.sharing.n_experts).softmax(1)[:n_rows]


@pytest.mark.parametrize("n_experts", [2, 3])
@pytest.mark.parametrize("gate", GATES)
def test_weights_are_those_of_the_dense_formula_and_gates_add_up_to_one(family, genotypes, gate, n_experts):
    supernet = supernet_of(family, n_experts, gate)
    shared = supernet.shared.state_dict()
    for genotype in genotypes:
        found, n_checked = supernet.weights(genotype), 0
        for key in (key for key in found if key.endswith(("ffn.expand.weight", "ffn.project.weight"))):
            layer, (rows, columns) = key.removesuffix(".weight"), found[key].shape
            shares = gates(supernet, layer, genotype, rows)
            torch.testing.assert_close(shares.sum(1), torch.ones(len(shares), dtype=torch.double))
            copies = [layer, *(f"{layer}.experts.{number}" for number in range(n_experts - 1))]
            diagonals = [torch.diag(share.expand(rows)) for share in shares.T]
            expected = sum(d @ shared[f"{one}.weight"][:rows, :columns] for d, one in zip(diagonals, copies, strict=True))
            bias = sum(d @ shared[f"{one}.bias"][:rows] for d, one in zip(diagonals, copies, strict=True))
            torch.testing.assert_close(found[key], expected)
            torch.testing.assert_close(found[f"{layer}.bias"], bias)
            n_checked += 1
        assert n_checked == 2 * (len(family.plan(genotype)) - 2)


@pytest.mark.parametrize("gate", GATES)
def test_what_is_extracted_is_a_plain_network_with_the_same_outputs_and_costs(family, genotypes, gate):
    supernet, plain = supernet_of(family, gate=gate).eval(), Supernet(family)
    for genotype in genotypes:
        x, network = family.example_inputs(genotype, 2), supernet.extract(genotype)
        torch.testing.assert_close(network(x), supernet(x, genotype), rtol=1e-12, atol=1e-12)
        shapes = [{name: one.shape for name, one in net.state_dict().items()} for net in (network, plain.extract(genotype))]
        assert shapes[0] == shapes[1]
        counted = sum(own.numel() for name, own in network.named_parameters() if not name.startswith("embedding"))
        assert counted == family.params(genotype)


def test_one_expert_is_plain_slicing_bit_for_bit(family, genotypes):
    plain, one = Supernet(family, seed=3), Supernet(family, ExpertMixture(1), seed=3)
    assert plain.fingerprint == one.fingerprint
    for genotype in genotypes:
        x = family.example_inputs(genotype, 2)
        assert torch.equal(plain(x, genotype), one(x, genotype))


@pytest.mark.parametrize("n_experts", [2, 3])
def test_experts_begin_around_the_weights_of_one_and_follow_from_the_seed(family, n_experts):
    rule = ExpertMixture(n_experts)
    plain, several, again = (Supernet(family, one, seed=4).shared.state_dict() for one in (None, rule, rule))
    assert all(torch.equal(weights, again[name]) for name, weights in several.items())
    for name, weights in plain.items():
        layer, _, own = name.rpartition(".")
        copies = [several[name], *(several.get(f"{layer}.experts.{n}.{own}") for n in range(n_experts - 1))]
        if copies[1] is None:
            assert torch.equal(copies[0], weights) and "ffn." not in name
            continue
        torch.testing.assert_close(sum(copies) / n_experts, weights)
        assert all((one - weights).abs().mean() > 0.1 * weights.abs().mean() for one in copies)


@pytest.mark.parametrize("gate", GATES)
def test_gradients_reach_experts_and_routers_of_the_layers_in_use(family, gate):
    supernet = supernet_of(family, gate=gate)
    supernet(family.example_inputs(family.space.smallest, 2), family.space.smallest).square().sum().backward()
    learnt = {
        name: own.grad is not None for name, own in supernet.shared.named_parameters() if "expert" in name or "rout" in name
    }
    assert {name for name, is_learnt in learnt.items() if not is_learnt} == {name for name in learnt if ".layer2." in name}
    own, other = (supernet.shared.get_submodule(f"encoder.layer1.ffn.expand{part}").weight for part in ("", ".experts.0"))
    assert (other.grad != 0).any() and torch.equal(other.grad != 0, own.grad != 0)


def test_inference_does_not_hinder_training_that_follows(family):
    supernet, x = supernet_of(family), family.example_inputs(family.space.smallest, 2)
    with torch.inference_mode():
        supernet(x, family.space.smallest)
    supernet(x, family.space.smallest).square().sum().backward()
    assert (supernet.shared.get_submodule("encoder.layer1.ffn.project.router.0").weight.grad != 0).any()


def test_a_router_of_a_fixed_input_says_the_same_of_all(family, genotypes):
    fixed, routed = (supernet_of(family, router_input=given) for given in ("fixed", "architecture"))
    sizes = [sum(own.numel() for own in supernet.parameters()) for supernet in (fixed, routed)]
    assert sizes[0] == sizes[1]
    for supernet, is_same in ((fixed, True), (routed, False)):
        large, small = (supernet.weights(one)["encoder.layer1.ffn.expand.weight"] for one in genotypes[[1, 0]])
        assert torch.allclose(large[: len(small), : small.shape[1]], small) is is_same


def test_a_router_reads_hats_ten_numbers():
    space = FAMILIES["hat-wmt"]().space
    (numbers,) = space.role_means(space.largest)
    np.testing.assert_allclose(numbers, np.ones(10))
    options = {**space.decode(space.smallest), "decoder.layers": 2}
    options |= {f"decoder.layer2.{kind}": value for kind, value in (("ffn", 3072), ("self_heads", 4), ("cross_heads", 8))}
    (numbers,) = space.role_means(space.encode({**options, "decoder.layer2.cross_attention": 2}))
    expected = [512 / 640, 1, 1024 / 3072, 0.5, 512 / 640, 2 / 6, (1024 + 3072) / 2 / 3072, 0.5, 0.75, (-1 + 2) / 2 / 2]
    np.testing.assert_allclose(numbers, expected)


@pytest.mark.parametrize("gate", GATES)
def test_bits_change_no_shares(family, genotypes, gate):
    supernet = Supernet(family, chain(ExpertMixture(2, gate), Slice()))
    rounded = with_bits(supernet, (32,))
    n_bits = rounded.family.space.n_genes - family.space.n_genes
    for genotype in genotypes:
        weights, same = supernet.weights(genotype), rounded.weights(np.append(genotype, np.zeros(n_bits, dtype=int)))
        assert all(torch.equal(tensor, same[name]) for name, tensor in weights.items())


def test_copies_have_experts_of_their_own(family, genotypes):
    copies = Supernets(family, ExpertMixture(), parts=[{"decoder.layers": [1]}, {"decoder.layers": [2]}])
    x = family.example_inputs(genotypes[0], 2)
    copies(x, genotypes[0]).sum().backward()
    experts = [part.get_submodule("encoder.layer1.ffn.expand.experts.0").weight.grad for part in copies.shared]
    assert experts[0] is not None and experts[1] is None


def test_it_is_saved_and_loaded_with_its_settings(family, genotypes, tmp_path, monkeypatch):
    monkeypatch.setitem(FAMILIES, "small", lambda: family)
    rule = ExpertMixture(3, "layer", "fixed", 5)
    supernet = Supernet(family, chain(rule, Slice())).eval()
    loaded = load_supernet("small", save_supernet(supernet, tmp_path / "net.safetensors"))
    assert loaded.identity == supernet.identity and loaded.sharing.rules[0].settings == rule.settings
    x = family.example_inputs(genotypes[2], 2)
    assert torch.equal(loaded(x, genotypes[2]), supernet(x, genotypes[2]))
    broken = save_supernet(supernet, tmp_path / "net.safetensors", {"sharing_settings": {"expert-mixture": {"gate": "top-1"}}})
    with pytest.raises(CheckpointError, match="unknown gate 'top-1'; known: layer, neuron"):
        load_supernet("small", broken)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"n_experts": 0}, ValueError, "n_experts must be at least 1, got 0"),
        ({"n_experts": 1.5}, TypeError, "n_experts must be a whole number"),
        ({"router_width": 0}, ValueError, "router_width must be at least 1"),
        ({"gate": "top-1"}, ValueError, "unknown gate 'top-1'; known: layer, neuron"),
        ({"router_input": "noise"}, ValueError, "unknown router_input 'noise'; known: architecture, fixed"),
    ],
)
def test_bad_settings_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        ExpertMixture(**settings)


def test_a_family_without_feed_forward_networks_is_refused(tiny):
    with pytest.raises(ValueError, match="'tiny' have no feed-forward networks, of which a mixture has its experts"):
        Supernet(tiny, ExpertMixture())


def test_channels_of_experts_are_not_sorted(family):
    with pytest.raises(ValueError, match="mixture of experts have no common order"):
        sort_channels(Supernet(family, ExpertMixture()))


def test_rows_have_shares_of_their_own():
    shares, tensors = torch.tensor([[0.25, 0.75], [1.0, 0.0]]), [torch.ones(2, 3), torch.full((2, 3), 5.0)]
    assert mixed(shares, tensors).tolist() == [[4.0] * 3, [1.0] * 3]
    assert mixed(shares[:1], [torch.ones(2), torch.full((2,), 5.0)]).tolist() == [4.0, 4.0]

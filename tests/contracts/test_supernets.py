"""What the supernet of every entry of FAMILIES keeps; a new one is tested by being there."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from nastoolkit.blocks import each
from nastoolkit.families import FAMILIES
from nastoolkit.families.hat import HATFamily
from nastoolkit.families.multi_stage_vit import Stage
from nastoolkit.measurements.accuracy import score
from nastoolkit.supernets import (
    SHARING_RULES,
    ExpertMixture,
    FakeQuantise,
    KernelTransform,
    Mixture,
    Slice,
    Supernet,
    Supernets,
    calibrate_batchnorm,
    chain,
    with_new_head,
)
from nastoolkit.supernets.sharing import rule_identity
from nastoolkit.tasks import Split
from nastoolkit.tasks.digits import Digits

ENCODER = {"dim": 48, "head_dim": 4, "ffn": (40, 56, 72)}
TRANSLATOR = {"vocabulary": 60, "embed_dims": (24, 40), "qkv_dim": 16, "ffn": (24, 40, 56), "source_length": 9}
NARROW_STAGES = tuple(
    Stage(dims=(16 * n, 12 * n), head_dim=4, heads=(3, 2), ffn=(24 * n, 16 * n), n_layers=2) for n in (1, 2, 4)
)
OFA_RESNET50 = FAMILIES["ofa-resnet50"]().table
SMALLER = {  # networks of many MACs take minutes here; at full size they are held against others' code, see test_golden.py
    "bert-base": {**ENCODER, "vocabulary": 60, "positions": 24, "length": 16},
    "bert-base-thin": {"vocabulary": 60, "positions": 24, "length": 16, "dim": 48, "dims": (24, 32, 48), "head_dim": 4},
    "digits-multi-stage-vit": {"patch_size": 4},  # on 2x2 patches, a reduction would never use the corners of its kernel
    "efficient-tdnn": {"n_mels": 12, "length": 20, "widths": (16, 24, 32), "aggregated": (24, 40), "hidden": 12, "dim": 24},
    "hat-iwslt": {**TRANSLATOR, "source_vocabulary": 50},
    "hat-wmt": TRANSLATOR,
    "mcunet-vww": {"widths": (0.15, 0.2, 0.25), "feature_mix": 64},
    "nas-bench-201": {"channels": 4, "image_size": 8, "n_cells": 2},
    "ofa-mbv3-w1.0": {"width": 0.2},
    "ofa-mbv3-w1.2": {"width": 0.25},
    "ofa-proxyless-w1.3": {"width": 0.2},
    "ofa-resnet50": {"stages": tuple(replace(stage, channels=stage.channels // 8) for stage in OFA_RESNET50.stages)},
    "speakers-tdnn": {"length": 20, "depths": (1, 2), "widths": (8, 16, 24), "aggregated": (16, 32), "n_classes": 10},
    "tatoeba-transformer": {"vocabulary": 60},
    "text-bert": {"vocabulary": 60, "length": 16},
    "text-bert-thin": {"vocabulary": 60, "length": 16},
    "text-bert-words": {"vocabulary": 60, "length": 16},
    "vit-resnas-small": {"stages": NARROW_STAGES, "image_size": 32, "patch_size": 4, "stem": 8},
    "vit-resnas-tiny": {"stages": NARROW_STAGES[:2], "image_size": 32, "patch_size": 8, "stem": 6},
    "vit-b16": {**ENCODER, "image_size": 64, "n_classes": 10},
}

WITHOUT_BIASES = ("efficient-tdnn", "speakers-tdnn", "skeletons-attention")  # before ReLU, or after a unit: units may sleep
MIXED = ("kernel", "expand", "operation", "ffn", "ratio")  # kinds of choices that change nothing outside a block


@pytest.fixture(params=FAMILIES, scope="module")
def supernet(request, supernet_of):
    family = FAMILIES[request.param]()
    if request.param in SMALLER:
        family = type(family)(family.name, replace(family.table, **SMALLER[request.param]))
    return supernet_of(family)


@pytest.fixture(scope="module")
def genotypes(supernet):
    """The ends and six others; the lowest resolution if there is a choice, and no operation that lets nothing through."""
    space = at_lowest_resolution(supernet.family.space)
    space = space.restrict({c.name: [o for o in c.options if o != "none"] for c in space.choices})
    return np.concatenate([[space.smallest, space.largest], space.sample(6, np.random.default_rng(0))])


def at_lowest_resolution(space):
    resolutions = [min(choice.options) for choice in space.choices if choice.name == "resolution"]
    return space.restrict({"resolution": resolutions}) if resolutions else space


def batch(supernet, genotype, n=2, seed=0):
    return supernet.family.example_inputs(genotype, n, seed)


def in_double(inputs):
    return each(inputs, lambda part: part.double() if part.is_floating_point() else part)


def run(network, *inputs):
    """Outputs with the same dropout at every call."""
    torch.manual_seed(0)
    return network(*inputs)


def weighted_sum(outputs):
    """A loss on which every output has another effect."""
    weights = torch.linspace(1.0, 2.0, outputs.numel(), dtype=outputs.dtype)
    return (outputs * weights.view_as(outputs)).sum()


def used(shared, shape):
    """Which entries of a shared tensor a sub-network's tensor of this shape takes: first channels, middle of the kernel."""
    mask = torch.zeros(shared.shape, dtype=torch.bool)
    margins = [0 if dim < 2 else (have - want) // 2 for dim, (have, want) in enumerate(zip(shared.shape, shape, strict=True))]
    mask[tuple(slice(margin, margin + want) for margin, want in zip(margins, shape, strict=True))] = True
    assert mask.sum() == shape.numel()
    return mask


def shared_names(family, genotype, names):
    """Names of a sub-network's tensors among the shared weights, which are apart for each operation."""
    options, operations = family.space.decode(genotype), {choice.name for choice in family.space.choices if not choice.ordered}
    parts = {slot.name: [options[name] for name in slot.choices if name in operations] for slot in family.slots}
    slots = {name: next(slot for slot in parts if name.startswith(f"{slot}.")) for name in names}
    return {name: ".".join([slot, *parts[slot]]) + name.removeprefix(slot) for name, slot in slots.items()}


def build_with_shared_weights(supernet, genotype):
    """The sub-network without any of the supernet's own code."""
    shared = supernet.shared.state_dict()
    with torch.device("meta"):
        network = supernet.family.build(genotype)
    shapes = {name: own.shape for name, own in network.state_dict().items()}
    owners = {name: shared[place] for name, place in shared_names(supernet.family, genotype, shapes).items()}
    tensors = {name: owners[name][used(owners[name], shape)].view(shape) for name, shape in shapes.items()}
    network.load_state_dict(tensors, assign=True)
    return network.to(memory_format=torch.channels_last).train(supernet.training)


def copy_of_weights(supernet):
    return {name: tensor.clone() for name, tensor in supernet.shared.state_dict().items()}


def assert_unchanged(supernet, before):
    after = supernet.shared.state_dict()
    assert [name for name in before if not torch.equal(before[name], after[name])] == []


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_a_subnetwork_is_the_same_run_inside_extracted_or_built(supernet, genotypes, training):
    supernet.train(training)
    before = copy_of_weights(supernet)
    with torch.no_grad():
        for genotype in genotypes:
            x = batch(supernet, genotype)
            inside = run(supernet, x, genotype)
            for network in (supernet.extract(genotype), build_with_shared_weights(supernet, genotype)):
                assert network.training is training
                torch.testing.assert_close(run(network, x), inside, rtol=0, atol=1e-5 * max(1.0, float(inside.abs().max())))
    assert_unchanged(supernet, before)


def rules_for(family):
    """All rules, without the one that only networks with feed-forward layers can have: it refuses others."""
    rules = [make() for make in SHARING_RULES.values()]
    if any(hasattr(spec, "ffn") for spec in family.shared_blocks.values()):
        return rules
    with pytest.raises(ValueError, match="have no feed-forward networks"):
        Supernet(family, chain(ExpertMixture(), Slice()))
    return [rule for rule in rules if not isinstance(rule, ExpertMixture)]


def test_every_rule_gives_the_same_inside_and_extracted(supernet, genotypes):
    rules = rules_for(supernet.family)
    rules.append(chain(*reversed(rules)))
    for rule in rules:
        other = Supernet(supernet.family, rule).eval()
        before, x = copy_of_weights(other), batch(other, genotypes[2])
        with torch.no_grad():
            torch.testing.assert_close(other.extract(genotypes[2])(x), other(x, genotypes[2]), rtol=1e-5, atol=1e-5)
        assert_unchanged(other, before)
    assert len({str(rule_identity(rule)) for rule in rules}) == len(rules)


ROUNDED = {True: (Slice(), FakeQuantise()), False: (KernelTransform(), Slice(), FakeQuantise(symmetric=False))}


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_networks_with_bits_are_the_same_inside_and_extracted(supernet, genotypes, training):
    family, before = supernet.family.quantised((5,)), copy_of_weights(supernet)
    rounded = Supernet(family, chain(*ROUNDED[training])).double().train(training)
    rounded.shared.load_state_dict(before, strict=False)
    genotype = np.append(genotypes[2], bits := np.zeros(family.space.n_genes - len(genotypes[2]), dtype=int))
    x, fingerprint = in_double(batch(supernet, genotypes[2])), rounded.fingerprint
    outputs = run(rounded, x, genotype)
    torch.testing.assert_close(run(rounded.extract(genotype), x), outputs, rtol=1e-9, atol=1e-9)
    outputs.square().sum().backward()
    assert len(bits) > 2 and rounded.fingerprint == fingerprint
    if training:
        assert_gradients(rounded, genotype, everywhere=False)


def test_a_mixture_with_one_hot_shares_is_the_path(supernet, genotypes):
    space, (genotype, x) = supernet.family.space, (genotypes[1], batch(supernet, genotypes[1]))
    mixture, names = Mixture(supernet.eval()), [choice.name for choice in space.choices if choice.kind in MIXED]
    assert names
    shares = {name: share.requires_grad_() for name, share in mixture.path(genotype, names).items()}
    if isinstance(supernet.family, HATFamily):
        with pytest.raises(AttributeError, match="networks of this family ask it for 'dim': mix other choices"):
            mixture(x, shares, genotype)
        return
    outputs = mixture(x, shares, genotype)
    torch.testing.assert_close(
        outputs, supernet(x, genotype), rtol=1e-5, atol=1e-6 * max(1.0, float(outputs.detach().abs().max()))
    )
    outputs.square().sum().backward()
    assert any(share.grad.abs().sum() > 0 for share in shares.values())
    supernet.zero_grad()


def test_copies_answer_like_their_extracted_networks_and_learn_alone(supernet, genotypes):
    space = supernet.family.space
    index = next(i for i, kept in enumerate(at_lowest_resolution(space).allowed) if len(kept) > 1)
    copies = Supernets(supernet.family)
    copies.split(0, space.choices[index].name, [space.choices[index].options[genotypes[0][index]]])
    assert {copies.owner(genotype) for genotype in genotypes} == {0, 1}
    for genotype in genotypes[:2]:
        x, owner = batch(copies, genotype), copies.owner(genotype)
        torch.testing.assert_close(run(copies.extract(genotype), x), outputs := run(copies, x, genotype), rtol=1e-5, atol=1e-5)
        copies.zero_grad()
        outputs.square().sum().backward()
        learnt = [any(weight.grad is not None for weight in copy.parameters()) for copy in copies.shared]
        assert learnt == [owner == 0, owner == 1]


def test_a_new_head_keeps_all_other_weights(supernet, genotypes):
    if not hasattr(supernet.family.table, "n_classes"):
        with pytest.raises(ValueError, match="has no number of classes"):
            with_new_head(supernet, 7)
        return
    before = copy_of_weights(supernet)
    twin = with_new_head(supernet, 7, seed=1)
    drawn = ("pooler.", "classifier.") if "words.bias" in before else ("classifier.linear.",)
    for name, tensor in twin.shared.state_dict().items():
        assert name.startswith(drawn) or torch.equal(tensor, before[name])
        tensor += tensor.new_ones(())
    assert_unchanged(supernet, before)
    x = batch(twin, genotypes[0])
    assert run(twin, x, genotypes[0]).shape == (2, 7) == run(twin.extract(genotypes[0]), x).shape
    assert type(twin.sharing) is type(supernet.sharing) and twin.training is supernet.training


def test_gradients_reach_all_of_the_slices_in_use_and_nothing_else(supernet, genotypes, supernet_of, monkeypatch):
    if supernet.family.name in WITHOUT_BIASES:
        monkeypatch.setattr(torch.nn.ReLU, "forward", lambda _, x: torch.nn.functional.softplus(x))
        monkeypatch.setattr(torch, "relu", torch.nn.functional.softplus)
    supernet = supernet_of(supernet.family).double()  # no gradient is rounded to zero
    with torch.no_grad():
        for parameter in supernet.parameters():
            parameter.mul_(0.001 if parameter.dim() > 1 else 1.0)  # small beside the biases: no unit sleeps
    for training in (False, True):
        supernet.train(training)
        before = copy_of_weights(supernet)
        for genotype in genotypes[[0, 2]]:
            supernet.zero_grad()
            weighted_sum(supernet(in_double(batch(supernet, genotype)), genotype)).backward()
            assert_gradients(supernet, genotype, everywhere=not training)
        assert_unchanged(supernet, before)


def assert_gradients(supernet, genotype, everywhere):
    """Batch statistics take the effect of some biases away, so that in training not every gradient is other than 0.

    Nor does a bias that all keys of an attention share matter, or what a table of embeddings holds for absent tokens: a block
    that costs parameters but no MACs has such tables.
    """
    tables = tuple(f"{name}." for name, spec in supernet.family.plan(genotype) if spec.params and not spec.macs)
    with torch.device("meta"):
        shapes = {name: own.shape for name, own in supernet.family.build(genotype).named_parameters()}
    places = shared_names(supernet.family, genotype, shapes)
    shapes = {place: shapes[name] for name, place in places.items()}
    for name, parameter in supernet.shared.named_parameters():
        touched = torch.zeros(parameter.shape, dtype=torch.bool) if parameter.grad is None else parameter.grad != 0
        expected = used(parameter, shapes[name]) if name in shapes else torch.zeros_like(touched)
        assert not (touched & ~expected).any(), name
        without_effect = name.startswith(tables) or name.endswith("key.bias")
        assert not everywhere or without_effect or torch.equal(touched, expected), name


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_gradients_are_those_of_the_network_alone(supernet, genotypes, training):
    supernet.train(training)
    supernet.zero_grad()
    genotype, shared = genotypes[2], dict(supernet.shared.named_parameters())
    network, x = build_with_shared_weights(supernet, genotype), batch(supernet, genotype)
    for outputs in (run(supernet, x, genotype), run(network, x)):
        weighted_sum(outputs).backward()
    largest = max(float(parameter.grad.abs().max()) for parameter in network.parameters())
    parameters = dict(network.named_parameters())
    for name, place in shared_names(supernet.family, genotype, parameters).items():
        parameter, whole = parameters[name], shared[place]
        inside = whole.grad[used(whole, parameter.shape)].view(parameter.shape)
        torch.testing.assert_close(inside, parameter.grad, rtol=1e-4, atol=1e-5 * largest, msg=lambda m, n=name: f"{n}: {m}")
    supernet.zero_grad()


class AnyOutputs(Digits):
    """A task for networks of all families: the largest of all outputs stands for a class."""

    def predict(self, network, inputs):
        return network(inputs).flatten(1)


def test_measuring_leaves_the_shared_weights_alone(supernet, genotypes):
    supernet.eval()
    before, fingerprint = copy_of_weights(supernet), supernet.fingerprint
    for genotype in genotypes[:3]:
        inputs = batch(supernet, genotype, n=4)
        examples = Split(inputs, torch.arange(4))
        network = calibrate_batchnorm(supernet.extract(genotype), [half.inputs for half in examples.batches(2)])
        score(network, AnyOutputs(), examples, batch_size=2)
    assert_unchanged(supernet, before)
    assert supernet.fingerprint == fingerprint


def test_an_extracted_network_shares_no_memory(supernet, genotypes):
    owned = {tensor.untyped_storage().data_ptr() for tensor in supernet.shared.state_dict().values()}
    for genotype in genotypes[:3]:
        first, second = (supernet.extract(genotype).state_dict().values() for _ in range(2))
        places = [tensor.untyped_storage().data_ptr() for tensor in (*first, *second)]
        assert owned.isdisjoint(places) and len(set(places)) == len(places)


def test_results_do_not_depend_on_the_calls_before(supernet, genotypes, supernet_of):
    def outputs(net, genotype, training):
        with torch.no_grad():
            return run(net.train(training), batch(supernet, genotype), genotype)

    calls = [(genotype, training) for genotype in genotypes[:4] for training in (True, False)]
    forwards = [outputs(supernet, *call) for call in calls]
    other = supernet_of(supernet.family)
    backwards = [outputs(other, *call) for call in reversed(calls)][::-1]
    again = [outputs(supernet, *call) for call in calls]
    for one, two, three in zip(forwards, backwards, again, strict=True):
        assert torch.equal(one, two) and torch.equal(one, three)


def test_many_random_subnetworks(supernet):
    """The same inside and extracted, in both modes; gradients stay in their slices; the shared weights stay as they are."""
    before = copy_of_weights(supernet)
    space = at_lowest_resolution(supernet.family.space)
    for number, genotype in enumerate(space.sample(40, np.random.default_rng(1))):
        supernet.train(number % 2 == 0)
        supernet.zero_grad()
        x = batch(supernet, genotype)
        outputs = run(supernet, x, genotype)
        torch.testing.assert_close(run(supernet.extract(genotype), x), outputs, rtol=1e-5, atol=1e-5)
        outputs.square().sum().backward()
        assert_gradients(supernet, genotype, everywhere=False)
    assert_unchanged(supernet, before)


def test_threads_run_different_subnetworks_at_once(supernet, genotypes):
    supernet.eval()
    x = batch(supernet, genotypes[0])
    with torch.no_grad(), ThreadPoolExecutor(4) as threads:
        alone = [supernet(x, genotype) for genotype in genotypes[:4]]
        with_grad_off = torch.no_grad()(supernet.forward)
        for _ in range(3):
            together = list(threads.map(lambda genotype: with_grad_off(x, genotype), genotypes[:4]))
            assert all(torch.equal(one, other) for one, other in zip(alone, together, strict=True))

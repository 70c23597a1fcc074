from itertools import product

import numpy as np
import pytest
import torch

from nastoolkit.blocks import Conv
from nastoolkit.checkpoints import CheckpointError
from nastoolkit.families import FAMILIES
from nastoolkit.families.bits import SCHEMES, Quantised
from nastoolkit.families.fake_quantisation import InputQuantiser, affine_grid, quantised_weight
from nastoolkit.families.one import OneNetwork
from nastoolkit.measurements import Accuracy
from nastoolkit.objectives import Objective
from nastoolkit.studies import optimize
from nastoolkit.supernets import (
    FakeQuantise,
    KernelTransform,
    Mixture,
    Slice,
    Supernet,
    Supernets,
    calibrate_ranges,
    chain,
    load_supernet,
    save_supernet,
    with_bits,
)
from nastoolkit.supernets.sharing import rule_identity
from nastoolkit.tasks.digits import Digits
from nastoolkit.training import Recipe, Uniform, fit, in_place_distillation


def of_bits(family, genotype, bits, inputs=None):
    """The genotype whose blocks all have these bits."""
    pair = {"weight_bits": bits, "activation_bits": bits if inputs is None else inputs}
    options = family.unquantised.space.decode(genotype)
    return family.space.encode(
        options | {name: pair[name.rpartition(".")[2]] for name in family.space.names if name.endswith("_bits")}
    )


@pytest.fixture
def supernet(tiny, supernet_of):
    """In double precision, where no rounding depends on the order of a sum."""
    return with_bits(supernet_of(tiny).double().eval(), (2, 3, 4, 6, 8, 32)).double()


def inputs_for(family, n=6):
    return family.example_inputs(family.space.smallest, n).double()


def test_at_32_bits_outputs_are_those_of_the_plain_network_bit_for_bit(tiny, supernet_of):
    plain = supernet_of(tiny).eval()
    quantised = with_bits(plain, (4, 32))
    for training in (False, True):
        for genotype in tiny.space.sample(3, np.random.default_rng(0)):
            x, same = tiny.example_inputs(genotype, 4), of_bits(quantised.family, genotype, 32)
            assert torch.equal(quantised.train(training)(x, same), plain.train(training)(x, genotype))


def test_errors_fall_as_bits_rise(supernet, tiny):
    x, genotype = inputs_for(tiny), tiny.space.largest
    exact = supernet(x, of_bits(supernet.family, genotype, 32))
    for few in ("weights", "inputs"):
        pairs = [(bits, 32) if few == "weights" else (32, bits) for bits in (2, 4, 6, 8)]
        outputs = [supernet(x, of_bits(supernet.family, genotype, *pair)) for pair in pairs]
        errors = [float((output - exact).detach().square().mean()) for output in outputs]
        assert errors == sorted(errors, reverse=True) and errors[-1] < 1e-3 * errors[0]


def test_a_block_is_a_dense_formula():
    spec = Quantised(Conv(2, 3, 1, 1, 4, "none", norm=False), 3, 4)
    shared = {"conv.weight": torch.randn(5, 4, 3, 3, dtype=torch.double, generator=torch.Generator().manual_seed(0))}
    weights, x = FakeQuantise()(shared, spec, "stem", np.zeros(1)), torch.randn(7, 2, 4, 4, dtype=torch.double)
    weight = shared["conv.weight"].numpy()[:3, :2, 1, 1]
    steps = np.abs(weight).max(1, keepdims=True) / 3
    step = float(x.max() - x.min()) / 15
    zero = np.rint(-float(x.min()) / step)
    images = (np.rint(x.numpy() / step + zero).clip(0, 15) - zero) * step
    expected = np.einsum("oi,nihw->nohw", np.rint(weight / steps) * steps, images)
    block = spec.build().double()
    np.testing.assert_allclose(torch.func.functional_call(block, dict(weights), (x,)).detach(), expected, atol=1e-12)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_a_chain_gives_the_same_inside_and_extracted(tiny, supernet_of, training, symmetric):
    rule = chain(KernelTransform(), Slice(), FakeQuantise(symmetric))
    supernet = Supernet(tiny.quantised((2, 4, 32)), rule).double().train(training)
    supernet.shared.load_state_dict(supernet_of(tiny).shared.state_dict(), strict=False)  # so that ties are rare
    x, space = inputs_for(tiny), supernet.family.space
    for genotype in space.sample(6, np.random.default_rng(0)):
        network = supernet.extract(genotype)
        torch.testing.assert_close(network(x), supernet(x, genotype), rtol=1e-12, atol=1e-12)
    (weight_bits,) = {bits for name, bits in space.decode(genotype).items() if name == "classifier.weight_bits"}
    n_different = [len(row.unique()) for row in network.classifier.linear.weight]
    assert weight_bits == 32 or max(n_different) <= 2**weight_bits - symmetric


def test_a_block_that_says_how_it_is_rounded_is_rounded_so():
    shared = {"conv.weight": torch.randn(3, 2, 1, 1, generator=torch.Generator().manual_seed(0))}
    conv, found = Conv(2, 3, 1, 1, 4, "none", norm=False), {}
    for scheme, rule in product((None, *SCHEMES), (True, False)):
        spec = Quantised(conv, 3, 8, scheme)
        found[scheme, rule] = FakeQuantise(rule)(shared, spec, "stem", np.zeros(1))["conv.weight"]
        symmetric = rule if scheme is None else scheme == "symmetric"
        assert torch.equal(found[scheme, rule], quantised_weight(shared["conv.weight"], 3, symmetric))
    assert not torch.equal(found["symmetric", True], found["asymmetric", True])


def test_learnt_kernels_are_rounded_last(tiny):
    both = chain(KernelTransform(), Slice()), chain(KernelTransform(), Slice(), FakeQuantise())
    genotype, family = tiny.space.smallest, tiny.quantised((3,))
    learnt, rounded = Supernet(tiny, both[0]), Supernet(family, both[1])
    with torch.no_grad():
        for name, weight in learnt.shared.named_parameters():
            if "matrix" in name:
                weight.normal_()
    rounded.shared.load_state_dict(learnt.shared.state_dict())
    exact, few = (net.weights(one) for net, one in ((learnt, genotype), (rounded, family.space.smallest)))
    name = "stage1.block1.depthwise.conv.weight"
    step = exact[name].abs().amax((1, 2, 3), keepdim=True) / 3
    torch.testing.assert_close(few[name], (exact[name] / step).round() * step)


def test_gradients_pass_as_if_nothing_were_rounded(tiny):
    supernet, x = Supernet(tiny.quantised((4,))).double().train(), inputs_for(tiny)
    genotype = supernet.family.space.smallest
    weights = supernet.weights(genotype)
    weights["stem.conv.weight"].backward(upstream := torch.randn_like(weights["stem.conv.weight"]))
    assert torch.equal(supernet.shared.stem.conv.weight.grad, upstream)
    supernet.zero_grad()
    supernet(x, genotype).square().sum().backward()
    used = {name for name in supernet.extract(genotype).state_dict()}
    for name, weight in supernet.shared.named_parameters():
        assert (weight.grad is not None and bool(weight.grad.any())) == (name in used), name


def test_ranges_are_those_of_all_batches_and_then_inputs_stand_alone(supernet, tiny):
    genotype = of_bits(supernet.family, tiny.space.largest, 4)
    network, batches = supernet.extract(genotype), [inputs_for(tiny), 3 * inputs_for(tiny, 2)]
    alone = network(batches[0])[:1], network(batches[0][:1])
    assert not torch.allclose(*alone)
    assert calibrate_ranges(network, iter(batches)) is network and not network.training
    everything = torch.cat(batches)
    np.testing.assert_allclose(network.stem.conv.inputs.observed, (everything.min(), everything.max()))
    torch.testing.assert_close(network(batches[0])[:1], network(batches[0][:1]), rtol=1e-12, atol=1e-12)
    x = torch.linspace(-100, 100, 5001).double()
    assert len(network.stem.conv.inputs(x).unique()) == 16
    ranges = [module.observed for module in network.modules() if isinstance(module, InputQuantiser)]
    assert all(low <= high for low, high in ranges) and len(set(ranges)) > 5
    again = calibrate_ranges(supernet.extract(genotype), batches)
    assert ranges == [module.observed for module in again.modules() if isinstance(module, InputQuantiser)]
    assert not any(module.observed for module in supernet.modules() if isinstance(module, InputQuantiser))


def test_ranges_need_inputs_but_only_where_there_are_bits(supernet, tiny):
    with pytest.raises(ValueError, match="needs at least one batch"):
        calibrate_ranges(supernet.extract(of_bits(supernet.family, tiny.space.largest, 4)), [])
    calibrate_ranges(supernet.extract(of_bits(supernet.family, tiny.space.largest, 32)), [])


def test_measuring_calibrates_and_leaves_the_shared_weights_alone():
    plain, task = load_supernet("digits-mbv3"), Digits()
    supernet = with_bits(plain, (2, 8))
    before, few = supernet.fingerprint, {"n_calibration": 100, "n_images": 300, "progress": False}
    accuracy = Accuracy(supernet, task, **few)
    low, high = (of_bits(supernet.family, plain.family.space.largest, bits) for bits in (2, 8))
    (of_two,), (of_eight,) = accuracy(np.stack([low, high]))
    (exact,) = Accuracy(plain, task, **few)(plain.family.space.largest)[0]
    assert of_two < 30 < 80 < of_eight and abs(of_eight - exact) < 2
    assert supernet.fingerprint == before == plain.fingerprint


def test_every_setting_changes_what_a_store_knows(tiny, supernet_of):
    task, plain = Digits(), supernet_of(tiny)
    ways = [
        Accuracy(plain, task),
        Accuracy(with_bits(plain, (4, 8)), task),
        Accuracy(with_bits(plain, (4, 6)), task),
        Accuracy(with_bits(plain, (4, 8), symmetric=False), task),
        Accuracy(with_bits(plain, (4, 8)), task, n_observed=65),
    ]
    assert len({str(way.settings) for way in ways}) == len(ways)
    assert "n_observed" not in ways[0].settings and len({way.supernet.fingerprint for way in ways}) == 1
    assert len({str(rule_identity(FakeQuantise(symmetric))) for symmetric in (True, False)}) == 2


def test_a_supernet_with_bits_is_saved_and_loaded(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(FAMILIES, "tiny", lambda: tiny)
    plain = Supernet(tiny, chain(KernelTransform(), Slice()))
    supernet = with_bits(plain, (3, 8), symmetric=False, schemes=SCHEMES, tied=True).eval()
    loaded = load_supernet("tiny", path := save_supernet(supernet, tmp_path / "net.safetensors"))
    assert loaded.identity == supernet.identity and loaded.family.bit_choices == supernet.family.bit_choices
    genotype = supernet.family.space.sample(1, np.random.default_rng(0))[0]
    x = tiny.example_inputs(tiny.space.largest, 2)
    assert torch.equal(loaded(x, genotype), supernet(x, genotype))
    for bits in ([1], [], 8, "8", [None], {"a": 1}):
        with pytest.raises(CheckpointError, match="has bits that no block can have"):
            load_supernet("tiny", save_supernet(supernet, path, {"bits": bits}))
    with pytest.raises(CheckpointError, match="rounds no weights"):
        load_supernet("tiny", save_supernet(supernet, path, {"sharing": "slice", "sharing_settings": {}}))


def test_bits_without_a_rule_that_rounds_are_refused_and_by_default_there_is_one(tiny):
    family = tiny.quantised((4, 8))
    for rule in (Slice(), chain(KernelTransform(), Slice())):
        with pytest.raises(ValueError, match="rounds no weights: chain it with FakeQuantise"):
            Supernet(family, rule)
    with pytest.raises(ValueError, match=r"^sub-networks have bits already: \(4, 8\)$"):
        with_bits(Supernet(family), (4,))
    genotype = family.space.smallest
    alone = Supernet(OneNetwork(family, genotype), seed=3)
    assert all(len(row.unique()) <= 15 for row in alone.extract(np.zeros(0, dtype=int)).classifier.linear.weight)


def test_copies_of_weights_may_have_bits(tiny):
    several = Supernets(tiny)
    several.split(0, "stage1.depth", [2])
    quantised, x = with_bits(several.eval(), (4, 8)), tiny.example_inputs(tiny.space.largest, 2)
    assert isinstance(quantised, Supernets) and quantised.parts == several.parts
    for genotype in quantised.family.space.sample(3, np.random.default_rng(0)):
        torch.testing.assert_close(quantised.extract(genotype)(x), quantised(x, genotype), rtol=1e-5, atol=1e-5)


def test_bits_are_trained_searched_and_mixed(tiny):
    family, task = tiny.quantised((2, 8)), Digits()
    supernet = Supernet(family)
    before, genotype = supernet.fingerprint, family.space.largest
    losses = fit(supernet, task, Uniform(family.space), in_place_distillation, Recipe(n_steps=3, batch_size=8), progress=False)
    assert np.isfinite(losses).all() and supernet.fingerprint != before
    accuracy = Accuracy(supernet, task, n_calibration=50, n_images=50, progress=False)
    objectives = [Objective("accuracy_top1", "max", "%"), Objective("bops", "min", exact=family.bops)]
    history = optimize(family.space, accuracy, objectives, algorithm="random", budget=4, population=2)
    np.testing.assert_array_equal(history.values[:, 1], family.bops(history.genotypes))
    mixture, x = Mixture(supernet.eval()), tiny.example_inputs(tiny.space.largest, 2)
    shares = mixture.path(genotype, ["stem.weight_bits", "classifier.activation_bits"])
    torch.testing.assert_close(mixture(x, shares, genotype), supernet(x, genotype), rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor, torch.quantize_per_channel:UserWarning")
def test_real_integers_answer_within_a_step():
    """PyTorch's own INT8 convolution; weights of 7 bits, so that no processor's sums of 16 bits overflow."""
    generator = torch.Generator().manual_seed(0)
    spec = Quantised(Conv(6, 8, 3, 1, 9, "none", norm=False), 7, 8)
    shared = {"conv.weight": torch.randn(8, 6, 3, 3, generator=generator)}
    weight = FakeQuantise()(shared, spec, "stem", np.zeros(1))["conv.weight"]
    x = torch.randn(5, 6, 9, 9, generator=generator)
    block = spec.build().eval()
    block.conv.weight = torch.nn.Parameter(weight)
    with torch.no_grad():
        fake = calibrate_ranges(block, [x])(x)
    grid, steps = affine_grid(x.min(), x.max(), 8), shared["conv.weight"].abs().amax((1, 2, 3)) / 63
    images = torch.quantize_per_tensor(x, float(grid.step), int((-grid.lowest / grid.step).round()), torch.quint8)
    weights = torch.quantize_per_channel(weight, steps, torch.zeros(8, dtype=torch.int64), 0, torch.qint8)
    packed = torch.ops.quantized.conv2d_prepack(weights, None, [1, 1], [1, 1], [1, 1], 1)
    of_outputs = affine_grid(fake.min(), fake.max(), 8)
    zero = int((-of_outputs.lowest / of_outputs.step).round())
    real = torch.ops.quantized.conv2d.new(images, packed, float(of_outputs.step), zero).dequantize()
    assert (real - fake).abs().max() <= 0.5001 * of_outputs.step

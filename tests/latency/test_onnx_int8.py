"""ONNX Runtime's INT8 networks, held against fake quantisation."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from nastoolkit.blocks import Classifier, Conv
from nastoolkit.families.bits import Quantised
from nastoolkit.families.fake_quantisation import affine_grid, input_bits, without_input_quantisers
from nastoolkit.latency import BACKENDS
from nastoolkit.latency.backends.onnx_int8 import int8_model
from nastoolkit.supernets import FakeQuantise, calibrate_batchnorm, calibrate_ranges, with_bits

BLOCKS = {
    "convolution": (Conv(6, 8, 3, 1, 9, "none"), (6, 9, 9)),
    "linear": (Classifier(12, 10), (12,)),
}


def rounded(spec, generator):
    """A block with weights of 8 bits, and statistics of batch normalisation that are not those of the beginning."""
    block = Quantised(spec, 8, 8).build().eval()
    for tensor in block.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.5 if tensor.dim() == 1 else -1.0, 1.0, generator=generator)
    block.load_state_dict(FakeQuantise()(dict(block.state_dict()), Quantised(spec, 8, 8), "", np.zeros(1)), strict=False)
    return block


def run(model, inputs):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {session.get_inputs()[0].name: inputs.numpy()})[0])


@pytest.mark.parametrize("kind", BLOCKS)
def test_real_integers_answer_within_a_step(kind):
    """Inputs fill half of their range: else sums of 16 bits would overflow in processors that have them."""
    spec, shape = BLOCKS[kind]
    generator = torch.Generator().manual_seed(0)
    block, x = rounded(spec, generator), torch.rand(5, *shape, generator=generator)
    observed = torch.cat([x, torch.full((1, *shape), 2.0)])
    with torch.no_grad():
        fake, seen = calibrate_ranges(block, [observed])(x), without_input_quantisers(block)(observed)
    step = affine_grid(seen.min(), seen.max(), 8).step
    real = run(int8_model(block, x, observed), x)
    assert (real - fake).abs().max() <= 0.51 * step
    assert not torch.equal(real, fake)


def test_a_real_network_is_about_as_near_to_the_fake_one_as_that_is_to_floats(tiny, supernet_of):
    """It rounds the outputs of layers, too."""
    plain = supernet_of(tiny).eval()
    supernet, x = with_bits(plain, (8,), tied=True), tiny.example_inputs(tiny.space.largest, 20)
    floats, network = (calibrate_batchnorm(net.extract(net.family.space.smallest), [x]) for net in (plain, supernet))
    with torch.no_grad():
        exact, fake = floats(x), calibrate_ranges(network, [x])(x)
    real = run(int8_model(network, x, x), x)
    assert 0 < (real - fake).square().mean() < 6 * (fake - exact).square().mean() < 0.02 * exact.var()


def test_blocks_of_floats_stay_floats_and_the_network_is_left_alone(tiny, supernet_of):
    supernet = with_bits(supernet_of(tiny).eval(), (8, 32), tied=True)
    space = supernet.family.space
    options = space.decode(space.restrict({name: [32] for name in space.names if name.endswith("bits")}).largest)
    network = supernet.extract(space.encode(options | {"classifier.bits": 8, "stem.bits": 8}))
    x = tiny.example_inputs(tiny.space.largest, 2)
    before, bits = network(x).detach(), input_bits(network)
    model = onnx.load_from_string(int8_model(network, x, x))
    integers = [tensor for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.INT8 and tensor.dims]
    n_weights = sum(network.get_submodule(name).weight.numel() for name in bits)
    assert set(bits) == {"stem.conv", "classifier.linear"}
    assert sum(int(np.prod(tensor.dims)) for tensor in integers if len(tensor.dims) > 1) == n_weights
    assert torch.equal(network(x), before) and input_bits(network) == bits


def test_other_bits_are_refused(tiny, supernet_of):
    network = with_bits(supernet_of(tiny).eval(), (4, 8), tied=True).extract(tiny.quantised((4, 8), tied=True).space.smallest)
    with pytest.raises(ValueError, match=r"8 bits or with floats, and this network has layers of \[4\] bits"):
        BACKENDS["onnxruntime-int8"](network, tiny.example_inputs(tiny.space.largest, 2), 1)

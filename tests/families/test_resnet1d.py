"""Streams of a skeleton: fused by the product of their probabilities, transposed, as differences, and with attention."""

from dataclasses import replace

import pytest
import torch

from nastoolkit.families.resnet1d import ATTENTION, TWO_STREAMS, ResNet1dFamily, Table
from nastoolkit.families.resnet1d_blocks import DIFFERENCES, JOINTS, TRANSPOSED, Attention, View
from nastoolkit.supernets import Supernet

SMALL = {"channels": 6, "length": 10, "widths": (2, 4), "n_classes": 3, "dropout": 0.0}
PARTS = ((JOINTS, (0, 1)), (JOINTS, (2, 3)), (JOINTS, (4, 5)))


def network_of(table, largest=True):
    supernet = Supernet(ResNet1dFamily("small", table), seed=1).eval()
    space = supernet.family.space
    return supernet.extract(space.largest if largest else space.smallest)


def inputs_of(table, n=4):
    return torch.randn(n, table.channels, 1, table.length, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("streams", [((JOINTS, tuple(range(6))), (TRANSPOSED, tuple(range(6)))), PARTS])
def test_probabilities_are_the_normalised_product_of_those_of_the_streams(streams, largest):
    table = Table(**SMALL, streams=streams)
    network, x = network_of(table, largest), inputs_of(table)
    *parts, classifier = network.children()
    weight, bias = classifier.linear.weight, classifier.linear.bias / len(streams)
    product = torch.ones(4, 3)
    for place, part in enumerate(parts):
        logits = part(x).flatten(1) @ weight[:, place :: len(streams)].T + bias
        product = product * logits.softmax(1)
    torch.testing.assert_close(network(x).softmax(1), product / product.sum(1, keepdim=True))


def test_a_smaller_network_takes_the_first_features_of_every_stream():
    family = ResNet1dFamily("small", Table(**SMALL, streams=PARTS))
    supernet = Supernet(family, seed=1)
    small = supernet.extract(family.space.smallest).classifier.linear.weight
    large = supernet.extract(family.space.largest).classifier.linear.weight
    torch.testing.assert_close(small.unflatten(1, (-1, 3)), large.unflatten(1, (-1, 3))[:, : small.shape[1] // 3])


def test_the_transposed_stream_convolves_over_joints_and_has_frames_as_channels():
    view = View(TRANSPOSED, (0, 2, 5), 6, 10)
    x = inputs_of(Table(**SMALL, streams=PARTS))
    seen = view.build()(x)
    assert view.output == (10, 3) == (seen.shape[1], seen.shape[3])
    assert torch.equal(seen[:, 7, 0, 1], x[:, 2, 0, 7])
    first = next(network_of(Table(**SMALL, streams=((TRANSPOSED, tuple(range(6))),))).children())
    assert first.stem.conv.weight.shape[1] == 10


def test_differences_are_those_of_frames_and_the_first_is_zero():
    x = inputs_of(Table(**SMALL, streams=PARTS))
    seen = View(DIFFERENCES, (1, 3), 6, 10).build()(x)
    assert torch.equal(seen[..., 1:], x[:, [1, 3], :, 1:] - x[:, [1, 3], :, :-1]) and not seen[..., 0].any()
    assert torch.equal(View(JOINTS, (4, 5), 6, 10).build()(x), x[:, 4:])


def test_attention_to_frames_sums_to_one_over_time_and_keeps_the_scale():
    x = inputs_of(Table(**SMALL, streams=PARTS))
    attention = Attention(6, 1, axis=3, bias=False)
    weights = attention.weights(x)
    assert weights.shape == (4, 1, 1, 10) and weights.std(3).min() > 1e-4
    torch.testing.assert_close(weights.sum(3), torch.ones(4, 1, 1))
    torch.testing.assert_close(attention(x), 10 * weights * x)
    torch.testing.assert_close(Attention(6, 6, axis=1, bias=True).weights(x).sum(1), torch.ones(4, 1, 10))


def test_a_softmax_over_one_weight_does_nothing():
    x = inputs_of(Table(**SMALL, streams=PARTS))
    assert torch.equal(Attention(6, 1, axis=1, bias=False)(x), x)


def test_networks_that_attend_weight_channels_and_frames():
    names = [name for name, _ in ResNet1dFamily("a", ATTENTION).plan(ResNet1dFamily("a", ATTENTION).space.largest)]
    assert "stream1.gate" in names and "stream1.gate" not in [slot.name for slot in ResNet1dFamily("t", TWO_STREAMS).slots]
    with_, without = (ResNet1dFamily("a", replace(ATTENTION, attends=attends)) for attends in (True, False))
    assert with_.params(with_.space.largest) > without.params(without.space.largest)

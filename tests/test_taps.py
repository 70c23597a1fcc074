import pytest
import torch
from torch import nn

from nastoolkit.supernets import Supernet
from nastoolkit.taps import parts_of, taps

NETWORK = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.ReLU(), nn.Linear(4, 2)))


def hooks(network):
    return [hook for part in network.modules() for hook in (*part._forward_hooks, *part._forward_pre_hooks)]


def test_named_parts_are_seen_in_the_order_in_which_they_run_and_only_inside():
    x, told = torch.ones(2, 3), []
    with taps(parts_of(NETWORK, ["1.1", "0"]), lambda name, outputs: told.append((name, outputs)), before=told.append):
        outputs = NETWORK(x)
    assert [one if isinstance(one, str) else one[0] for one in told] == ["0", "0", "1.1", "1.1"]
    assert torch.equal(told[1][1], NETWORK[0](x)) and told[3][1] is outputs
    assert not hooks(NETWORK) and torch.equal(NETWORK(x), outputs) and len(told) == 4


def test_taps_are_gone_after_an_error():
    with pytest.raises(RuntimeError), taps(parts_of(NETWORK, ["0"]), print):
        NETWORK(torch.ones(2, 9))
    assert not hooks(NETWORK)


def test_a_part_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"no part '2', '1\.x'; its parts are 0, 1, 1\.0, 1\.1"):
        parts_of(NETWORK, ["2", "1.x", "0"])


@pytest.mark.parametrize("training", [True, False])
def test_a_supernets_blocks_show_the_features_of_a_path(tiny, training):
    supernet, genotype, seen = Supernet(tiny).train(training), tiny.space.smallest, {}
    inputs = tiny.example_inputs(genotype, 2)
    with taps(supernet.blocks(genotype), seen.__setitem__):
        outputs = supernet(inputs, genotype)
    assert list(seen) == [name for name, _ in tiny.plan(genotype)] and seen["classifier"] is outputs
    assert seen["stem"].requires_grad and not any(map(hooks, supernet.blocks(genotype).values()))

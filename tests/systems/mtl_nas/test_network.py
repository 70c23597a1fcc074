"""Edges are those of the paper, towers that see nothing are single networks to the bit, and gates scale what is seen."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from nastoolkit.systems.mtl_nas.network import Fusion, Gated, Shape, Tower, Towers

SHAPE = Shape((2, 2), (4, 6))


def towers_of(seed=0, shape=SHAPE, trained=True):
    """Towers, with random weights in the fusions and statistics everywhere, as training leaves them."""
    torch.manual_seed(seed)
    towers = Towers(shape, (4, 3))
    if trained:
        for name, tensor in towers.state_dict().items():
            if name.endswith("running_mean"):
                tensor.uniform_(-0.3, 0.3)
            elif tensor.is_floating_point() and tensor.dim() == 4:
                tensor.normal_(std=0.3)
            elif tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5)
    return towers.eval()


def images(n=3):
    return torch.randn(n, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def test_edges_are_those_of_the_same_stage_within_reach():
    for depths, n in (((2, 2, 2), 9), ((2, 2, 3, 3, 3), 24)):  # VGG-16 has 24 in each direction
        shape = Shape(depths, [4] * len(depths))
        stages = shape.stages
        brute = {
            (tower, i, j)
            for tower in range(2)
            for i in range(len(stages))
            for j in range(len(stages))
            if j <= i and i - j < 3 and stages[i] == stages[j]
        }
        assert set(shape.edges) == brute and len(shape.edges) == len(brute) == 2 * n
    assert Shape([3], [4], reach=1).sources == [[0], [1], [2]]


@pytest.mark.parametrize("seed", [0, 1])
def test_with_all_gates_off_pretrained_towers_are_the_single_networks_to_the_bit(seed):
    towers, x = towers_of(seed, trained=False), images()
    for bn in (part for tower in towers.pair for part in tower.modules() if isinstance(part, nn.BatchNorm2d)):
        nn.init.uniform_(bn.running_mean, -0.3, 0.3)
    off = towers(x, torch.zeros(len(SHAPE.edges)))
    assert torch.equal(off, torch.cat([tower(x) for tower in towers.pair], 1)) and torch.equal(off, towers(x))
    assert torch.equal(towers(x, torch.ones(len(SHAPE.edges))), off)  # fusions begin with nothing of the others


def test_with_all_gates_off_no_task_depends_on_a_bit_of_the_other_however_fusions_were_trained():
    towers, x, off = towers_of(), images(), torch.zeros(len(SHAPE.edges))
    first, second = towers(x, off)[:, :4], towers(x, off)[:, 4:]
    with torch.no_grad():
        for parameter in (*towers.pair[1].parameters(), *nn.ModuleList(towers.fused[1]).parameters()):
            parameter.normal_()
    assert torch.equal(towers(x, off)[:, :4], first) and not torch.equal(towers(x, off)[:, 4:], second)
    towers(x, off)[:, :4].sum().backward()
    assert all(not parameter.grad.any() for parameter in towers.pair[1].parameters() if parameter.grad is not None)


def test_a_fusion_is_the_formula():
    fusion, x = Fusion(3, 2).eval(), torch.randn(5, 9, 4, 4)
    nn.init.normal_(fusion.conv.weight)
    nn.init.uniform_(fusion.bn.running_mean)
    mixed = torch.einsum("oc,nchw->nohw", fusion.conv.weight[:, :, 0, 0], x)
    scaled = (mixed - fusion.bn.running_mean[:, None, None]) / (fusion.bn.running_var[:, None, None] + 1e-3).sqrt()
    assert torch.allclose(fusion(x[:, :3], [x[:, 3:6], x[:, 6:]]), scaled.relu(), atol=1e-5)


def test_a_gate_scales_the_weights_of_its_edge():
    towers, x, edge = towers_of(), images(), SHAPE.edges.index((1, 1, 0))
    gates = torch.full((len(SHAPE.edges),), 0.7)
    gates[edge] = 0.25
    scaled = towers(x, gates)
    with torch.no_grad():  # layer 1 of the second tower sees layers 1 and 0: channels 4 to 8 and 8 to 12 of its fusion
        towers.fused[1][1].conv.weight[:, 8:12] *= 0.25 / 0.7
    assert torch.allclose(towers(x, torch.full_like(gates, 0.7)), scaled, atol=1e-5)


@pytest.mark.parametrize("edge", range(len(SHAPE.edges)))
def test_every_gate_leads_from_the_other_tower_to_its_own(edge):
    towers, x, gates = towers_of(), images(), torch.zeros(len(SHAPE.edges))
    gates[edge] = 1
    changed = (towers(x, gates) != towers(x, torch.zeros_like(gates))).flatten(2).any(2).any(0)
    assert changed.tolist() == [SHAPE.edges[edge][0] == 0] * 4 + [SHAPE.edges[edge][0] == 1] * 3


def test_outputs_have_the_size_of_the_image():
    assert Tower(SHAPE, 7)(images()).shape == (3, 7, 16, 16)
    assert Gated(towers_of(), torch.ones(len(SHAPE.edges)))(torch.randn(2, 3, 12, 20)).shape == (2, 7, 12, 20)


def test_bad_shapes_are_told():
    with pytest.raises(ValueError, match="^reach must be at least 1, got 0$"):
        Shape([2], [4], reach=0)
    with pytest.raises(ValueError, match="^each stage must have a layer and a width, got depths .2, 2. and widths .4."):
        Shape([2, 2], [4])
    with pytest.raises(ValueError, match="^each stage must have a layer"):
        Shape([2, 0], [4, 4])


def test_a_copy_is_a_network_of_its_own():
    towers = towers_of()
    copy, x, gates = deepcopy(towers), images(), torch.full((len(SHAPE.edges),), 0.5)
    with torch.no_grad():
        for parameter in copy.parameters():
            parameter.mul_(2)
    assert torch.equal(towers(x, gates), towers_of()(x, gates)) and not torch.equal(copy(x, gates), towers(x, gates))

"""A generator that learns to hit a cost, and gradients that go straight through."""

from dataclasses import replace

import numpy as np
import torch

from nastoolkit.families.mobilenet_v3 import DIGITS, MobileNetV3Family
from nastoolkit.systems.shiftnas import Generator, equal_ratios, expected_mmacs
from nastoolkit.systems.shiftnas.generator import genotypes_of, straight_through

FAMILY = MobileNetV3Family(
    "small", replace(DIGITS, resolutions=(16,), stages=DIGITS.stages[:1], final_expand=16, feature_mix=16)
)


def test_straight_through_is_one_hot_and_has_the_gradients_of_the_shares():
    soft = torch.tensor([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]], requires_grad=True)
    hard = straight_through(soft)
    assert hard.tolist() == [[0, 1, 0], [1, 0, 0]]
    weights = torch.arange(6.0).reshape(2, 3)
    (hard * weights).sum().backward()
    assert torch.equal(soft.grad, weights)


def test_a_generator_learns_to_hit_its_cost():
    bins, cost = equal_ratios(FAMILY, 4), expected_mmacs(FAMILY)
    generator, draws = Generator(FAMILY, 16), torch.Generator().manual_seed(0)
    optimizer, targets = torch.optim.Adam(generator.parameters(), 0.01), np.tile(bins.targets, 8)
    for step in range(150):
        shares = generator(targets, 1 - step / 200, draws)
        (cost(shares) / torch.from_numpy(targets) - 1).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    found = [FAMILY.mmacs(generator.network(target)) for target in bins.targets]
    assert np.median(np.abs(found / bins.targets - 1)) < 0.15
    paths = genotypes_of(FAMILY.space, shares)
    assert len(paths) == 32 and np.array_equal(FAMILY.space.canonical(paths), paths)
    assert all(
        torch.equal(share.sum(1), torch.ones(32)) and set(share.unique().tolist()) <= {0.0, 1.0} for share in shares.values()
    )


def test_a_seed_says_the_weights_and_the_draws():
    first, again, other = (Generator(FAMILY, 8, seed=seed) for seed in (0, 0, 1))
    assert all(torch.equal(one, two) for one, two in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(next(first.parameters()), next(other.parameters()))
    drawn = [first([0.3, 0.5], draws=torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert all(torch.equal(drawn[0][name], drawn[1][name]) for name in drawn[0])
    assert any(not torch.equal(drawn[0][name], drawn[2][name]) for name in drawn[0])


def test_choices_of_one_role_have_logits_in_common():
    generator = Generator(FAMILY, 8)
    assert set(generator.heads) == {"stage_depth", "stage_block_kernel", "stage_block_expand"}
    assert generator.roles["stage1.block3.kernel"] == generator.roles["stage1.block1.kernel"]

from dataclasses import replace

import numpy as np
import pytest
import torch

from nastoolkit.families.cells import DIGITS, CellsFamily
from nastoolkit.supernets import Logits, Mixture, Supernet
from nastoolkit.supernets.mixtures import gumbel_softmax, relaxed_bernoulli, softmax, without
from nastoolkit.tasks.digits import Digits
from nastoolkit.training import Optimizer, Recipe, Run


@pytest.fixture(scope="module")
def family():
    return CellsFamily("small", replace(DIGITS, channels=4, image_size=8))


@pytest.fixture(scope="module")
def mixture(family, supernet_of):
    return Mixture(supernet_of(family))


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_one_hot_shares_are_a_path(mixture, family, training):
    mixture.train(training)
    for genotype in family.space.sample(3, np.random.default_rng(0)):
        x = family.example_inputs(genotype, 3)
        shares = mixture.path(genotype, family.space.names)
        torch.testing.assert_close(mixture(x, shares), mixture.supernet(x, genotype), rtol=1e-6, atol=1e-6)
        assert (mixture.strongest(shares) == genotype).all()


def test_ordered_choices_are_mixed_too_and_the_others_are_a_genotypes(tiny, supernet_of):
    mixture, genotype = Mixture(supernet_of(tiny).eval()), tiny.space.largest
    names = [name for name in tiny.space.names if "kernel" in name or "expand" in name]
    x, shares = tiny.example_inputs(genotype, 2), mixture.path(genotype, names)
    torch.testing.assert_close(mixture(x, shares, genotype), mixture.supernet(x, genotype), rtol=1e-6, atol=1e-6)
    assert (mixture.strongest(shares, genotype) == genotype).all()
    with pytest.raises(ValueError, match=r"leave out block 'stage1.block2'"):
        mixture(x, {"stage1.depth": torch.ones(2)}, genotype)
    with pytest.raises(ValueError, match="a genotype says which options"):
        mixture(x, shares)


def test_a_mixture_is_the_sum_of_its_operations(family, mixture):
    mixture.eval()
    logits, x = Logits(family.space), family.example_inputs(family.largest, 2)
    (edge, *others), seen = family.space.names, {}
    shares = {name: torch.tensor([0.0, 1.0, 0.0, 0.0, 0.0]) for name in others} | {edge: logits(softmax)[edge]}
    x = mixture.supernet.extract(family.largest).stem(x)
    for genotype in np.eye(1, 6, dtype=int) * np.arange(5)[:, None]:
        block = mixture.supernet.extract(genotype).get_submodule(f"stage1.cell1.{edge}")
        seen[int(genotype[0])] = block(x)
    slot = next(slot for slot in family.slots if slot.name == f"stage1.cell1.{edge}")
    block, weights = mixture._slot(slot, shares, np.zeros(6, dtype=int))
    expected = sum(0.2 * outputs for outputs in seen.values())
    torch.testing.assert_close(torch.func.functional_call(block, weights, (x,)), expected)
    masked, _ = mixture._slot(slot, without(shares, edge, 4), np.zeros(6, dtype=int))
    torch.testing.assert_close(torch.func.functional_call(masked, weights, (x,)), expected - 0.2 * seen[4])


@pytest.mark.parametrize("how", [softmax, gumbel_softmax, relaxed_bernoulli])
def test_gradients_reach_the_weights_and_the_shares(family, mixture, how):
    mixture.train().zero_grad()
    logits = Logits(family.space)
    mixture(family.example_inputs(family.largest, 4), logits(how)).square().sum().backward()
    assert all(value.grad.abs().sum() > 0 for value in logits.parameters())
    assert all(weight.grad is not None for weight in mixture.supernet.parameters())


def test_random_shares_are_the_generators_and_sharp_at_low_temperatures():
    logits = torch.tensor([0.0, 1.0, -1.0]).repeat(500)
    for how in (gumbel_softmax, relaxed_bernoulli):
        one, same, other = (how(logits, 1.0, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
        assert torch.equal(one, same) and not torch.equal(one, other)
    assert one.shape == logits.shape and ((one > 0) & (one < 1)).all()
    sharp = relaxed_bernoulli(logits, 1e-3, torch.Generator().manual_seed(0)).view(-1, 3)
    np.testing.assert_allclose(sharp.mean(0), torch.sigmoid(logits[:3]), atol=0.06)
    picks = [gumbel_softmax(logits[:3], 1e-3, torch.Generator().manual_seed(seed)).numpy() for seed in range(500)]
    np.testing.assert_allclose(np.mean(picks, 0), logits[:3].softmax(0), atol=0.06)


def test_shares_of_nothing_and_of_other_options_are_told(family, mixture):
    x, shares = family.example_inputs(family.largest), Logits(family.space)(softmax)
    with pytest.raises(ValueError, match="'node9.input0' has no options"):
        mixture(x, {**shares, "node9.input0": torch.ones(2)})
    with pytest.raises(ValueError, match=r"'node1.input0' has 5 options, and shares \(2,\)"):
        mixture(x, {**shares, "node1.input0": torch.ones(2)})


def darts(family, n_steps, file):
    """[Liu2019], first order: shares learn from one half of the training images, weights from the other."""
    supernet, logits, task = Supernet(family), Logits(family.space), Digits()
    mixture, recipe = Mixture(supernet.train()), Recipe(n_steps=8, batch_size=16)
    of_weights = Optimizer(supernet.parameters(), recipe)
    of_shares = torch.optim.Adam(logits.parameters(), 0.1, betas=(0.5, 0.999), weight_decay=1e-3)
    kept = {"weights": supernet, "logits": logits, "of weights": of_weights, "of shares": of_shares}
    run, halves = Run(kept, resume=file, progress=False), np.array_split(np.arange(task.n_rows), 2)
    for step in run.steps(n_steps):
        for rows, optimizer in zip(halves, (of_shares, of_weights), strict=True):
            batch = task.batch(step, 16, rows=np.random.default_rng(step).choice(rows, 16)).at((1, 8, 8))
            task.loss(mixture(batch.inputs, logits(softmax)), batch.targets).backward()
            optimizer.step()
            supernet.zero_grad()
            logits.zero_grad()
    return supernet, logits, mixture.strongest(logits(softmax))


def test_darts_learns_weights_and_shares_and_goes_on_after_a_stop(family, tmp_path):
    darts(family, 2, tmp_path / "run.pt")
    stopped, whole = (darts(family, 5, tmp_path / name) for name in ("run.pt", "other.pt"))
    assert stopped[0].fingerprint == whole[0].fingerprint != Supernet(family).fingerprint
    assert all(torch.equal(one, other) for one, other in zip(stopped[1].values, whole[1].values, strict=True))
    assert all(value.abs().max() > 0 for value in whole[1].values)
    assert (stopped[2] == whole[2]).all() and family.space.canonical(whole[2]).shape == (6,)

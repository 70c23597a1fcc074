from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import torch

from nastoolkit.families.hat import NUMBER_WORDS, HATFamily
from nastoolkit.supernets import Supernet
from nastoolkit.tasks.digits import Digits
from nastoolkit.tasks.number_words import NumberWords
from nastoolkit.training import Fixed, Recipe, Sandwich, fit, in_place_distillation


class TwoBatches(Digits):
    """Real digits, but so few of them that they are soon learnt by heart."""

    def batch(self, step, size, seed=0):
        return super().batch(step % 2, size, seed)


TASK = Digits()
BRIEF = Recipe(n_steps=3, batch_size=16)


def train(family, sampler, recipe):
    supernet = Supernet(family)
    losses = fit(supernet, TASK, sampler, in_place_distillation, recipe, progress=False)
    return supernet, losses


def test_training_reduces_the_loss_of_every_path(tiny):
    task, recipe = TwoBatches(), Recipe(n_steps=40, batch_size=16, learning_rate=0.02)
    supernet, sampler = Supernet(tiny), Sandwich(tiny.space, n_random=1)
    losses = fit(supernet, task, sampler, in_place_distillation, recipe, progress=False)
    assert not supernet.training
    assert losses.shape == (40,) and losses[:4].mean() > 1.8 and losses[-4:].mean() < 0.5
    batch = task.batch(step=0, size=16)
    for genotype in (tiny.space.smallest, tiny.space.largest, tiny.space.sample(1, np.random.default_rng(9))[0]):
        with torch.no_grad():
            assert task.loss(supernet.train()(batch.inputs, genotype), batch.targets) < 1.0


def test_the_same_seed_gives_the_same_bits(tiny):
    torch.manual_seed(1)
    first, losses = train(tiny, Sandwich(tiny.space), BRIEF)
    torch.manual_seed(2)
    second, again = train(tiny, Sandwich(tiny.space), BRIEF)
    other, _ = train(tiny, Sandwich(tiny.space), Recipe(n_steps=3, batch_size=16, seed=1))
    np.testing.assert_array_equal(losses, again)
    assert first.fingerprint == second.fingerprint != other.fingerprint


def test_dropout_is_the_seeds_in_any_thread():
    family = HATFamily("dropping", replace(NUMBER_WORDS, dropout=0.3))
    task, recipe = NumberWords(), Recipe(n_steps=3, batch_size=8)

    def trained(_):
        supernet = Supernet(family)
        fit(supernet, task, Fixed(family.space.smallest), in_place_distillation, recipe, progress=False)
        return supernet.fingerprint

    with ThreadPoolExecutor(3) as threads:
        assert set(threads.map(trained, range(3))) == {trained(0)}


def test_a_fixed_path_is_plain_training_of_the_extracted_network(tiny):
    genotype, recipe = tiny.space.largest, Recipe(n_steps=12, batch_size=16, clip_norm=0.5)
    network = Supernet(tiny).train().extract(genotype)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=recipe.weight_decay)
    losses = []
    for step in range(recipe.n_steps):
        batch = TASK.batch(step, recipe.batch_size, recipe.seed)
        loss = torch.nn.functional.cross_entropy(network(batch.inputs), batch.targets)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip_norm)
        optimizer.param_groups[0]["lr"] = recipe.learning_rate * recipe.learning_rate_at(step)
        optimizer.step()
        losses.append(loss.item())
    supernet, found = train(tiny, Fixed(genotype), recipe)
    np.testing.assert_allclose(found, losses, rtol=1e-4)
    trained = dict(supernet.extract(genotype).named_parameters())
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(trained[name], parameter, rtol=1e-3, atol=1e-4)


def test_a_fixed_path_trains_its_own_slice_only(tiny):
    genotype = tiny.space.smallest
    recipe = Recipe(n_steps=3, batch_size=16, weight_decay=0.0)
    before, (supernet, _) = Supernet(tiny).shared.state_dict(), train(tiny, Fixed(genotype), recipe)
    shapes = {name: parameter.shape for name, parameter in tiny.build(genotype).named_parameters()}
    after = supernet.shared.state_dict()
    assert shapes.keys() < after.keys()
    for name, tensor in after.items():
        changed = tensor != before[name]
        if name in shapes:
            margins = [0 if dim < 2 else (tensor.shape[dim] - want) // 2 for dim, want in enumerate(shapes[name])]
            inside = tuple(slice(margin, margin + want) for margin, want in zip(margins, shapes[name], strict=True))
            assert changed[inside].float().mean() > 0.5, name
            changed[inside] = False
        assert not changed.any(), name


def test_the_first_path_learns_from_targets_the_others_from_the_first(tiny):
    seen = []
    genotypes = [tiny.space.largest, tiny.space.smallest, tiny.space.sample(1, np.random.default_rng(0))[0]]

    class Paths:
        def draw(self, step):
            return [(genotype, 1.0) for genotype in genotypes]

    def criterion(step):
        seen.append(step)
        return TASK.loss(step.outputs, step.targets)

    fit(Supernet(tiny), TASK, Paths(), lambda _: criterion, Recipe(n_steps=2, batch_size=8), progress=False)
    for number in range(2):
        first, *others = steps = seen[3 * number : 3 * number + 3]
        batch = TASK.batch(number, 8, 0)
        assert first.first is None and torch.equal(first.targets, batch.targets) and torch.equal(first.rows, batch.rows)
        assert all(torch.equal(step.first, first.outputs) and not step.first.requires_grad for step in others)
        assert all(not torch.equal(step.outputs, first.outputs) for step in others)
        assert [step.path for step in steps] == [0, 1, 2] and {step.number for step in steps} == {number}
        for step, genotype in zip(steps, genotypes, strict=True):
            assert step.genotype is genotype and step.inputs.shape[1:] == tiny.input_shape(genotype) and not step.features
    assert len(seen) == 6


def test_weights_of_paths_scale_their_gradients(tiny):
    genotype = tiny.space.largest

    class Twice:
        def __init__(self, *weights):
            self.weights = weights

        def draw(self, step):
            return [(genotype, weight) for weight in self.weights]

    def gradients(*weights):
        supernet, captured = Supernet(tiny), []

        def criterion(step):
            step.outputs.register_hook(captured.append)
            return TASK.loss(step.outputs, step.targets)

        fit(supernet, TASK, Twice(*weights), lambda _: criterion, Recipe(n_steps=1, batch_size=8), progress=False)
        return captured

    one, half = gradients(1.0, 0.5)
    torch.testing.assert_close(half, 0.5 * one)

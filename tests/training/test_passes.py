import sys

import numpy as np
import pytest
import torch
from learners import ByNorm
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from nastoolkit.randomness import drawn_from
from nastoolkit.supernets import Supernet
from nastoolkit.tasks.digits import Digits
from nastoolkit.training import Recipe, Sandwich, fit, in_place_distillation
from nastoolkit.training.passes import Passes, _seed
from nastoolkit.training.probes import gradients

TASK, RECIPE = Digits(), Recipe(n_steps=3, batch_size=8)


class Paths:
    """These paths in every step."""

    shares_rows = False

    def __init__(self, *genotypes, weights=None):
        self.paths = list(zip(genotypes, weights or [1.0] * len(genotypes), strict=True))

    def draw(self, step):
        return self.paths


def from_labels(task_loss):
    return lambda step: task_loss(step.outputs, step.targets)


def test_fit_is_the_plain_loop_to_the_last_bit(tiny):
    recipe, sampler = Recipe(n_steps=4, batch_size=8, average=0.5, label_smoothing=0.1), Sandwich(tiny.space, n_random=1)
    supernet = Supernet(tiny).train()
    optimizer = torch.optim.AdamW(supernet.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    average, losses = AveragedModel(supernet, multi_avg_fn=get_ema_multi_avg_fn(recipe.average)), []
    for step in range(recipe.n_steps):
        batch, teacher = TASK.batch(step, recipe.batch_size, recipe.seed), None
        with drawn_from(_seed(recipe.seed, step)):
            for genotype, weight in sampler.draw(step):
                images = batch.at(tiny.input_shape(genotype))
                outputs = supernet(images.inputs, genotype)
                if teacher is None:
                    loss = TASK.loss(outputs, images.targets, label_smoothing=0.1)
                    losses.append(loss.item())
                else:
                    loss = torch.nn.functional.cross_entropy(outputs.flatten(0, -2), teacher.flatten(0, -2).softmax(-1))
                (weight * loss).backward()
                teacher = outputs.detach() if teacher is None else teacher
        optimizer.param_groups[0]["lr"] = recipe.learning_rate * recipe.learning_rate_at(step)
        torch.nn.utils.clip_grad_norm_(supernet.parameters(), recipe.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        average.update_parameters(supernet)
    fitted = Supernet(tiny)
    assert fit(fitted, TASK, sampler, in_place_distillation, recipe, progress=False).tolist() == losses
    assert fitted.fingerprint == average.module.fingerprint


class Matching:
    """Outputs, and what two blocks give out, as a method of distillation would compare them."""

    def __init__(self, *features):
        self.features, self.seen = features, []

    def __call__(self, task_loss):
        def path_loss(step):
            self.seen.append({name: feature.detach() for name, feature in step.features.items()})
            return task_loss(step.outputs, step.targets) + sum(feature.square().mean() for feature in step.features.values())

        return path_loss


def stem(supernet):
    return supernet.shared.get_submodule("stem").state_dict(keep_vars=True)


def test_a_loss_sees_the_features_that_it_names_and_gradients_reach_them(tiny):
    deep, shallow, batch = tiny.space.largest, tiny.space.smallest, TASK.batch(0, 8)
    matching, matched, plain = Matching("stem", "stage1.block2"), Supernet(tiny).train(), Supernet(tiny).train()
    for supernet, criterion in ((matched, matching), (plain, from_labels)):
        Passes(supernet, TASK, Paths(deep, shallow), criterion, RECIPE)(0, batch)
    assert [set(seen) for seen in matching.seen] == [{"stem", "stage1.block2"}, {"stem"}]
    alone = plain.extract(deep).get_submodule("stem")(batch.at(tiny.input_shape(deep)).inputs)
    torch.testing.assert_close(matching.seen[0]["stem"], alone.detach())
    assert not torch.equal(stem(matched)["conv.weight"].grad, stem(plain)["conv.weight"].grad)


def test_a_loss_sees_parts_of_blocks_in_the_order_in_which_they_run(tiny):
    deep, shallow, batch = tiny.space.largest, tiny.space.smallest, TASK.batch(0, 8)
    supernet, inner = Supernet(tiny).train(), "stage1.block2.expand"
    matching = Matching("stage1.block2", "stem.conv", inner)
    Passes(supernet, TASK, Paths(deep, shallow), matching, RECIPE)(0, batch)
    assert [list(seen) for seen in matching.seen] == [["stem.conv", inner, "stage1.block2"], ["stem.conv"]]
    with pytest.raises(ValueError, match="^the network has no part 'nowhere'; its parts are "):
        Passes(supernet, TASK, Paths(deep), Matching("stem.nowhere"), RECIPE)(0, batch)


def test_what_nobody_uses_is_not_even_called(tiny, monkeypatch):
    supernet = Supernet(tiny)
    for module, name in (
        ("passes", "taps"),
        ("passes", "named_weights"),
        ("passes", "gradients_in"),
        ("fit", "mean_over_processes"),
    ):
        monkeypatch.setattr(sys.modules[f"nastoolkit.training.{module}"], name, None)
    monkeypatch.setattr("nastoolkit.randomness.drawn_from", None)
    fit(supernet, TASK, Sandwich(tiny.space), in_place_distillation, RECIPE, progress=False)


def test_a_block_that_no_network_has_is_told_before_the_first_step(tiny):
    with pytest.raises(ValueError, match="no network of 'tiny' has a block 'stage9'; there are stem, .*classifier"):
        fit(Supernet(tiny), TASK, Sandwich(tiny.space), Matching("stage9"), RECIPE, progress=False)


def test_paths_may_share_the_rows_of_a_batch(tiny):
    seen, sampler, batch = [], Paths(tiny.space.largest, tiny.space.smallest, tiny.space.largest), TASK.batch(0, 8)
    sampler.shares_rows = True

    def criterion(task_loss):
        return lambda step: seen.append(step) or task_loss(step.outputs, step.targets)

    losses, _ = Passes(Supernet(tiny).train(), TASK, sampler, criterion, RECIPE)(0, batch)
    assert sorted(torch.cat([step.rows for step in seen]).tolist()) == sorted(batch.rows.tolist())
    assert [len(step.targets) for step in seen] == [3, 3, 2] and all(step.first is None for step in seen) and len(losses) == 3
    with pytest.raises(ValueError, match="^3 paths cannot share a batch of 2 rows$"):
        fit(Supernet(tiny), TASK, sampler, from_labels, Recipe(n_steps=1, batch_size=2), progress=False)
    with pytest.raises(ValueError, match="^in-place distillation needs the outputs of the first path, and paths that share"):
        fit(Supernet(tiny), TASK, sampler, in_place_distillation, RECIPE, progress=False)


def test_a_sampler_may_draw_the_rows_of_a_batch_or_leave_them_to_the_task(tiny, monkeypatch):
    seen, sampler, rows = [], Paths(tiny.space.smallest), [np.array([7, 7, 3, 0]), None]
    sampler.rows = lambda step, size: rows[step]

    def criterion(task_loss):
        return lambda step: seen.append(step.rows.tolist()) or task_loss(step.outputs, step.targets)

    fit(Supernet(tiny), TASK, sampler, criterion, Recipe(n_steps=2, batch_size=4), progress=False)
    assert seen == [[7, 7, 3, 0], TASK.batch(1, 4).rows.tolist()]
    monkeypatch.setattr("nastoolkit.training.passes.n_processes", lambda: 2)
    with pytest.raises(ValueError, match="^a sampler that draws training examples works in one process, and there are 2$"):
        Passes(Supernet(tiny), TASK, sampler, from_labels, RECIPE).step(0)


def test_a_probe_sees_the_gradients_of_its_path_alone_and_changes_nothing(tiny):
    batch, paths = TASK.batch(0, 8), Paths(tiny.space.largest, tiny.space.smallest, weights=[1.0, 0.5])
    plain, probed = Supernet(tiny).train(), Supernet(tiny).train()
    assert Passes(plain, TASK, paths, from_labels, RECIPE)(0, batch)[1] == [None, None]
    paths.probe = lambda step, found: (step.genotype, {name: gradient.clone() for name, gradient in found.items()})
    _, probes = Passes(probed, TASK, paths, from_labels, RECIPE)(0, batch)
    for one, other in zip(plain.parameters(), probed.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)
    for (genotype, weight), (told, found) in zip(paths.paths, probes, strict=True):
        images = batch.at(tiny.input_shape(genotype))
        alone = gradients(weight * TASK.loss(plain(images.inputs, genotype), images.targets), plain)
        assert told is genotype and found.keys() <= alone.keys()
        assert all(torch.equal(found.get(name, torch.zeros_like(alone[name])), alone[name]) for name in alone)


def test_a_sampler_learns_from_losses_and_probes(tiny):
    class Told(ByNorm):
        calls = ()

        def feedback(self, step, losses, probes):
            self.calls += ((step, losses, probes),)
            super().feedback(step, losses, probes)

    sampler = Told(tiny, n_paths=2)
    losses = fit(Supernet(tiny), TASK, sampler, in_place_distillation, RECIPE, progress=False)
    assert [step for step, _, _ in sampler.calls] == [0, 1, 2]
    assert [first for _, (first, _), _ in sampler.calls] == losses.tolist()
    assert all({choice for choice, _ in found} <= set(tiny.space.names) for _, _, probes in sampler.calls for found in probes)
    assert sampler.norms != ByNorm(tiny).norms and min(sampler.norms.values()) > 0


def test_a_sampler_that_learns_but_has_no_state_cannot_be_kept(tiny, tmp_path):
    class Forgetful(Sandwich):
        def feedback(self, step, losses, probes):
            pass

    fit(Supernet(tiny), TASK, Forgetful(tiny.space), in_place_distillation, RECIPE, progress=False)
    with pytest.raises(TypeError, match="sampler lacks state_dict or load_state_dict"):
        fit(Supernet(tiny), TASK, Forgetful(tiny.space), in_place_distillation, RECIPE, False, tmp_path / "run.pt")

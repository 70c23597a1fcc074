import numpy as np
import pytest
import torch

from nastoolkit.families import FAMILIES
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.supernets import Supernet
from nastoolkit.tasks.digits import Digits
from nastoolkit.training import (
    Fixed,
    Optimizer,
    Recipe,
    Sandwich,
    Stage,
    fit,
    fit_stages,
    in_place_distillation,
    progressive_shrinking,
    sort_channels,
)


def options_by_stage(name, suffix):
    """How many options the choices of one kind have in each stage, by sampling."""
    family = FAMILIES[name]()
    found = []
    for stage in progressive_shrinking(family.space):
        decoded = [family.space.decode(g) for g in stage.space.sample(300, np.random.default_rng(0))]
        found.append(len({value for options in decoded for key, value in options.items() if key.endswith(suffix)}))
    return found


def test_kernels_then_depths_then_widths_open():
    name = "ofa-mbv3-w1.0"
    assert [stage.name for stage in progressive_shrinking(FAMILIES[name]().space)] == ["largest", "kernel", "depth", "expand"]
    assert options_by_stage(name, ".kernel") == [1, 3, 3, 3]
    assert options_by_stage(name, ".depth") == [1, 1, 3, 3]
    assert options_by_stage(name, ".expand") == [1, 1, 1, 3]
    assert options_by_stage(name, "resolution") == [25, 25, 25, 25]


def test_a_space_without_kernels_has_no_such_stage():
    stages = progressive_shrinking(FAMILIES["ofa-resnet50"]().space)
    assert [(stage.name, stage.sort_channels) for stage in stages] == [("largest", False), ("depth", False), ("expand", True)]


@pytest.mark.parametrize("name", FAMILIES)
def test_the_last_stage_is_the_whole_space(name):
    space = FAMILIES[name]().space
    assert progressive_shrinking(space)[-1].space.size == space.size


@pytest.fixture(params=["digits-mbv3", "ofa-resnet50", "vit-b16", "hat-iwslt"])
def supernet(request, supernet_of):
    return supernet_of(FAMILIES[request.param]()).eval()


@torch.inference_mode()
def test_sorting_channels_leaves_the_largest_network_as_it_was(supernet):
    family = supernet.family
    x = family.example_inputs(family.space.largest, n=2)
    before, small = supernet(x, family.space.largest), supernet(x, family.space.smallest)
    sort_channels(supernet)
    after = supernet(x, family.space.largest)
    torch.testing.assert_close(after, before, rtol=0, atol=2e-5 * float(before.abs().max()))
    assert not torch.allclose(supernet(x, family.space.smallest), small, rtol=1e-2)


def test_the_most_important_channels_come_first(supernet):
    sort_channels(supernet)
    sorted_groups = 0
    for name, spec in supernet.family.plan(supernet.family.space.largest):
        for channels in getattr(spec, "hidden_channels", ())[:1]:
            tensor, dim = channels.ranked_by
            weight = supernet.shared.get_submodule(name).state_dict()[tensor]
            importance = weight.abs().sum([d for d in range(weight.dim()) if d != dim])
            assert (importance.diff() <= 0).all()
            sorted_groups += 1
    assert sorted_groups >= 5


def test_sorting_helps_the_smallest_network_of_a_trained_largest_one(tiny):
    """After training the largest network alone, slices of sorted channels are nearer to it than those of unsorted ones."""
    task, family = Digits(), tiny
    supernet = Supernet(family)
    stages = progressive_shrinking(family.space)[:1]
    recipe = Recipe(n_steps=60, batch_size=32, learning_rate=0.01)
    fit_stages(supernet, task, stages, Sandwich, in_place_distillation, [recipe], progress=False)
    narrow = family.space.largest
    expands = [gene for gene, choice in enumerate(family.space.choices) if choice.name.endswith(".expand")]
    narrow[expands] = 0
    batch = task.batch(step=0, size=200)

    def distance():
        with torch.no_grad():
            supernet.train()
            outputs = [supernet(batch.inputs, genotype) for genotype in (family.space.largest, narrow)]
        return float((outputs[0] - outputs[1]).abs().mean())

    unsorted = distance()
    sort_channels(supernet)
    assert distance() < unsorted


def test_stages_are_trained_one_after_the_other_and_resume(tiny, tmp_path, monkeypatch):
    task, recipe = Digits(), Recipe(n_steps=2, batch_size=8)
    stages = progressive_shrinking(tiny.space)

    def train(folder):
        supernet = Supernet(tiny)
        criterion = in_place_distillation
        losses = fit_stages(supernet, task, stages, Sandwich, criterion, [recipe] * len(stages), folder, progress=False)
        return supernet.fingerprint, losses

    fingerprint, losses = train(tmp_path)
    assert losses.shape == (2 * len(stages),) and np.isfinite(losses).all()
    assert {file.name for file in tmp_path.iterdir()} == {f"{stage.name}.pt" for stage in stages}
    (tmp_path / f"{stages[-1].name}.pt").unlink()
    again, same_losses = train(tmp_path)
    assert again == fingerprint == train(None)[0]
    np.testing.assert_array_equal(losses, same_losses)


def test_one_optimizer_may_go_through_all_stages(tiny, tmp_path, monkeypatch):
    recipes, stages, rates = [Recipe(n_steps=n, batch_size=8) for n in (2, 3)], progressive_shrinking(tiny.space)[-2:], []
    step = torch.optim.AdamW.step
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda self: rates.append(self.param_groups[0]["lr"]) or step(self))

    def train(supernet, folder=None):
        options = {"progress": False, "folder": folder, "one_optimizer": True}
        fit_stages(supernet, Digits(), stages, Sandwich, in_place_distillation, recipes, **options)
        return supernet.fingerprint

    whole = train(Supernet(tiny))
    schedule = Recipe(n_steps=5)
    assert rates == [schedule.learning_rate * schedule.learning_rate_at(step) for step in range(5)]
    assert train(Supernet(tiny), tmp_path) == whole
    (tmp_path / f"{stages[1].name}.pt").unlink()
    assert train(Supernet(tiny), tmp_path) == whole
    recipes[1] = Recipe(n_steps=3, batch_size=8, learning_rate=0.1)
    with pytest.raises(ValueError, match="^recipes of stages with one optimiser differ in n_steps alone$"):
        train(Supernet(tiny))


def test_an_optimizer_that_goes_on_is_sorted_with_its_channels(tiny):
    """The largest network trains on as if nothing had been renumbered."""
    outputs, inputs = [], Digits().batch(9, 8).inputs
    for sorts in (False, True):
        supernet = Supernet(tiny)
        optimizer = Optimizer(supernet.parameters(), Recipe(n_steps=4, learning_rate=0.01))
        for _ in range(2):
            fit(supernet, Digits(), Fixed(tiny.largest), in_place_distillation, Recipe(2, 8), False, None, optimizer)
            if sorts:
                sort_channels(supernet, optimizer)
        outputs.append(supernet.train()(inputs, tiny.largest).detach())
    torch.testing.assert_close(*outputs, rtol=1e-3, atol=1e-3)


def test_every_stage_needs_its_recipe(tiny):
    with pytest.raises(ValueError, match="argument"):
        fit_stages(Supernet(tiny), Digits(), [Stage("all", tiny.space)], Sandwich, None, [], progress=False)


def test_kinds_that_nobody_opens_are_named():
    space = SearchSpace([Choice("depth", (1, 2)), Choice("block.rank", (1, 2)), Choice("block.op", ("a", "b"))])
    with pytest.raises(ValueError, match=r"not \['rank'\]"):
        progressive_shrinking(space)
    *_, before, last = progressive_shrinking(space, [("depth",), ("rank",)])
    assert before.space.size == 4 and last.space.size == space.size == 8

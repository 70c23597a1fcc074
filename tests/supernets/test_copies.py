import numpy as np
import pytest
import torch

from nastoolkit.checkpoints import CheckpointError
from nastoolkit.families import FAMILIES
from nastoolkit.measurements import Accuracy
from nastoolkit.objectives import Objective
from nastoolkit.studies import optimize
from nastoolkit.supernets import (
    KernelTransform,
    Slice,
    Supernet,
    Supernets,
    chain,
    load_supernet,
    save_supernet,
    with_new_head,
)
from nastoolkit.tasks.digits import Digits
from nastoolkit.training import Optimizer, Recipe, Uniform, fit, in_place_distillation, sort_channels


def randomly_split(supernets, n, rng):
    """Split random copies at random halves of the options of random choices."""
    for _ in range(n):
        number = int(rng.integers(len(supernets.shared)))
        space = supernets.family.space.restrict(supernets.parts[number])
        gene = rng.choice([gene for gene, kept in enumerate(space.allowed) if len(kept) > 1])
        options = [space.choices[gene].options[index] for index in rng.permutation(space.allowed[gene])]
        supernets.split(number, space.names[gene], options[: len(options) // 2])


@pytest.mark.parametrize("name", ["tiny", "digits-cells"])
def test_after_random_splits_everything_is_owned_once_and_answers_as_before(name, tiny):
    family = tiny if name == "tiny" else FAMILIES[name]()
    one, several = Supernet(family).eval(), Supernets(family).eval()
    randomly_split(several, 4, np.random.default_rng(0))
    genotypes = family.space.sample(200, np.random.default_rng(1))
    owners = [several.owner(genotype) for genotype in genotypes]
    assert len(several.shared) == 5 and len(set(owners)) > 2
    for genotype, owner in zip(genotypes, owners, strict=True):
        holders = [number for number, part in enumerate(several.parts) if in_part(family.space, part, genotype)]
        assert holders == [owner]
    for genotype in genotypes[:4]:
        x = family.example_inputs(genotype, 2)
        assert torch.equal(several(x, genotype), one(x, genotype))
    with torch.no_grad():
        next(several.shared[owners[0]].parameters()).add_(1.0)
    x = family.example_inputs(genotypes[0], 2)
    assert not torch.equal(several(x, genotypes[0]), one(x, genotypes[0]))


def in_part(space, part, genotype):
    return all(
        space.choices[gene].options[genotype[gene]] in part.get(name, space.choices[gene].options)
        for gene, name in enumerate(space.names)
    )


def test_a_split_copies_weights_and_the_optimisers_state(tiny):
    several, recipe = Supernets(tiny), Recipe(n_steps=6, batch_size=8)
    optimizer = Optimizer(several.parameters(), recipe)

    def step(genotype):
        several(tiny.example_inputs(genotype, 4), genotype).square().sum().backward()
        optimizer.step()

    step(tiny.space.largest)
    twins = several.split(0, "stage1.depth", [2])
    optimizer.also_train(twins)
    state = optimizer.torch_optimizer.state
    assert len(optimizer.parameters) == 2 * len(twins) and all(torch.equal(*pair) for pair in twins.items())
    assert all(torch.equal(state[one]["exp_avg"], state[two]["exp_avg"]) for one, two in twins.items() if one in state)
    step(tiny.space.smallest)  # the second copy's
    assert any(not torch.equal(*pair) for pair in twins.items())
    restored = Optimizer(several.parameters(), recipe)
    restored.load_state_dict(optimizer.state_dict())
    assert restored.n_taken == 2 and len(restored.torch_optimizer.state) == len(state)


def test_a_copy_without_sub_networks_is_told(tiny):
    several = Supernets(tiny)
    several.split(0, "stage1.depth", [2])
    before = several.fingerprint
    for number, options in ((0, [2]), (0, [1]), (1, [2, 1])):
        with pytest.raises(ValueError, match=f"copy {number} by 'stage1.depth' .* leaves a copy without sub-networks: it has"):
            several.split(number, "stage1.depth", options)
    with pytest.raises(ValueError, match="'stage1.depth' has no option 7"):
        several.split(0, "stage1.depth", [7])
    assert several.fingerprint == before and len(several.shared) == 2


def test_they_are_saved_and_loaded(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(FAMILIES, "tiny", lambda: tiny)
    several = Supernets(tiny, chain(KernelTransform(), Slice()))
    whole = several.fingerprint
    several.split(0, "stage1.depth", [2])
    with torch.no_grad():
        next(several.shared[1].parameters()).add_(1.0)
    loaded = load_supernet("tiny", path := save_supernet(several, tmp_path / "net.safetensors"))
    assert isinstance(loaded, Supernets) and loaded.parts == several.parts
    assert loaded.identity == several.identity and loaded.fingerprint != whole
    for copies in ([{}, {"depth": [1]}], 3, [{}]):
        with pytest.raises(CheckpointError):
            load_supernet("tiny", save_supernet(several, path, {"copies": copies}))


def test_a_new_head_is_drawn_for_every_copy_and_all_else_is_kept(tiny):
    several = Supernets(tiny)
    several.split(0, "stage1.depth", [2])
    with torch.no_grad():
        next(several.shared[1].parameters()).add_(1.0)
    twin = with_new_head(several.eval(), 7)
    assert isinstance(twin, Supernets) and twin.parts == several.parts and not twin.training
    before, after = several.shared.state_dict(), twin.shared.state_dict()
    assert {name for name in before if not torch.equal(before[name], after[name])} == {
        f"{number}.classifier.linear.{name}" for number in (0, 1) for name in ("weight", "bias")
    }
    for genotype in (tiny.space.smallest, tiny.space.largest):
        assert twin(tiny.example_inputs(genotype, 2), genotype).shape == (2, 7)


def test_the_channels_of_every_copy_are_sorted_for_themselves(tiny):
    several, widest = Supernets(tiny).eval(), tiny.space.decode(tiny.space.largest)
    genotypes = [tiny.space.encode(widest | {"stage1.depth": depth}) for depth in (1, 2)]
    several.split(0, "stage1.depth", [2])
    with torch.no_grad():
        for weight in several.shared[1].parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)))
    x = tiny.example_inputs(genotypes[0], 2)
    before, fingerprint = [several(x, genotype) for genotype in genotypes], several.fingerprint
    sort_channels(several)
    assert several.fingerprint != fingerprint
    for genotype, outputs in zip(genotypes, before, strict=True):
        torch.testing.assert_close(several(x, genotype), outputs, rtol=1e-4, atol=1e-6)
    for copy in several.shared:
        importance = copy.stage1.block1.project.conv.weight.abs().sum((0, 2, 3))
        assert (importance.diff() <= 0).all()


def test_they_are_trained_measured_and_searched(tiny):
    several, task = Supernets(tiny), Digits()
    several.split(0, "stage1.depth", [2])
    fit(several, task, Uniform(tiny.space), in_place_distillation, Recipe(n_steps=4, batch_size=8), progress=False)
    accuracy = Accuracy(several, task, n_calibration=50, n_images=50, progress=False)
    objectives = [Objective("accuracy_top1", "max", "%"), Objective("mmacs", "min", exact=tiny.mmacs)]
    history = optimize(tiny.space, accuracy, objectives, algorithm="random", budget=4, population=2)
    assert len(history.genotypes) == 4 and accuracy.settings["weights"] == several.fingerprint

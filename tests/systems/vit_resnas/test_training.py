"""How options open, what a pass of many draws, and that all arms make as many passes."""

import numpy as np
import pytest
import torch

from nastoolkit.families import FAMILIES
from nastoolkit.systems.vit_resnas import ARMS, MANY, ONE, SANDWICH, ManyInOnePass, RowMasked, opened, stretches, train
from nastoolkit.systems.vit_resnas.training import paths_of, training_macs
from nastoolkit.tasks.digits import Digits
from nastoolkit.training import Recipe, Uniform, sort_channels

FAMILY = FAMILIES["digits-multi-stage-vit"]()
SPACE = FAMILY.space
TINY = FAMILIES["vit-resnas-tiny"]().space


def open_options(space, name):
    index = space.names.index(name)
    return {space.choices[index].options[place] for place in space.allowed[index]}


def test_options_open_from_the_largest_on():
    widths = [open_options(opened(TINY, epoch / 30), "stage1.layer1.ffn") for epoch in range(31)]
    assert [len(width) for width in widths] == [1 + epoch * 6 // 30 for epoch in range(31)]
    assert widths[0] == {768} and widths[12] == {768, 704, 640} and len(widths[30]) == 7
    assert open_options(opened(TINY, 0.99), "stage1.layer2.depth") == {1}


def test_a_training_has_stretches_of_ever_larger_spaces():
    parts = stretches(SPACE, 80, 0.25)
    assert [n for _, n in parts] == [10, 10, 60] and parts[0][0].size == 1 and parts[-1][0].size == SPACE.size
    assert open_options(parts[1][0], "stage1.dim") == {32, 24}
    with pytest.raises(ValueError, match="^a warm-up of 1 steps is too short to open 2 options, one after the other$"):
        stretches(SPACE, 10, 0.1)


def test_a_pass_has_all_options_as_evenly_as_can_be():
    sampler = ManyInOnePass(SPACE, 8, seed=3)
    ((first, weight),), ((again, _),), ((other, _),) = (sampler.draw(step) for step in (5, 5, 6))
    assert first.shape == (8, SPACE.n_genes) and weight == 1 and (first == again).all() and (first != other).any()
    np.testing.assert_array_equal(first, SPACE.canonical(first))
    always = [gene for gene, choice in enumerate(SPACE.choices) if choice.when is None]
    for gene in always:
        counts = np.bincount(first[:, gene], minlength=len(SPACE.choices[gene].options))
        assert counts.max() - counts.min() <= 1
    with pytest.raises(ValueError, match="n_paths"):
        ManyInOnePass(SPACE, 0)


@pytest.mark.parametrize("arm", ARMS)
def test_arms_make_as_many_passes_and_change_all_weights(arm):
    supernet = RowMasked(FAMILY)
    before = {name: weight.clone() for name, weight in supernet.named_parameters()}
    done = list(train(supernet, Digits(), arm, Recipe(16, 8), 0.5, 4))
    assert sum(len(losses) * len(sampler.draw(0)) for sampler, losses in done) == 16
    assert all(np.isfinite(losses).all() for _, losses in done)
    assert all((weight != before[name]).any() for name, weight in supernet.named_parameters())


def test_arms_differ_only_where_there_is_something_to_choose():
    first = {}
    for arm in (ONE, MANY, SANDWICH):
        supernet = RowMasked(FAMILY)
        (_, losses), (_, later), _ = train(supernet, Digits(), arm, Recipe(16, 8), 0.5, 4)
        first[arm] = (losses.tolist()[:1], later.tolist()[:1])
    assert first[ONE][0] == first[MANY][0] == first[SANDWICH][0]
    assert first[ONE][1] != first[MANY][1]


def test_many_in_one_pass_are_one_a_pass_on_their_own_rows():
    """A pass of the largest network alone, drawn many times, has the same loss."""
    supernet, batch = RowMasked(FAMILY), Digits().batch(0, 8)
    paths = np.stack([SPACE.largest] * 4)
    torch.testing.assert_close(supernet(batch.inputs, paths), supernet(batch.inputs, SPACE.largest), rtol=0, atol=1e-5)


def test_a_batch_smaller_than_the_paths_that_share_it_is_refused():
    with pytest.raises(ValueError, match="^9 sub-networks cannot share a batch of 8 rows$"):
        next(train(RowMasked(FAMILY), Digits(), MANY, Recipe(16, 8), 0.5, 9))
    with pytest.raises(ValueError, match="^unknown arm 'few'; known: one a pass; many in one pass; sandwich, equal passes$"):
        next(train(RowMasked(FAMILY), Digits(), "few", Recipe(16, 8), 0.5, 4))


@torch.no_grad()
def test_sorting_keeps_the_largest_network_and_puts_the_most_important_heads_first():
    supernet = RowMasked(FAMILY, seed=1).eval()
    x = FAMILY.example_inputs(SPACE.largest, 2)
    before = supernet(x, SPACE.largest)
    sort_channels(supernet)
    torch.testing.assert_close(supernet(x, SPACE.largest), before, rtol=0, atol=1e-5)
    for name, spec in FAMILY.plan(SPACE.largest):
        if ".layer" in name:
            output = supernet.shared.get_submodule(name).attention.output.weight
            of_heads = output.abs().sum(0).view(spec.n_heads, -1).sum(1)
            assert (of_heads.diff() <= 0).all() and len(of_heads) == 4


def test_arms_draw_as_their_names_say():
    assert isinstance(paths_of(ONE, SPACE, 4, 0), Uniform) and isinstance(paths_of(MANY, SPACE, 4, 0), ManyInOnePass)
    drawn = [path for path, _ in paths_of(SANDWICH, SPACE, 4, 0).draw(0)]
    assert len(drawn) == 4 and (drawn[0] == SPACE.largest).all() and (drawn[1] == SPACE.smallest).all()
    (path, _), *others = paths_of(MANY, opened(SPACE, 0), 4, 0).draw(0)
    assert (path == SPACE.largest).all() and not others


def test_a_pass_of_many_costs_as_much_as_the_largest():
    supernet = RowMasked(FAMILY)
    assert training_macs(supernet, ManyInOnePass(SPACE, 4), 3, 10) == 30 * FAMILY.macs(SPACE.largest)
    one = Uniform(SPACE)
    assert training_macs(supernet, one, 3, 10) == 10 * sum(FAMILY.macs(one.draw(step)[0][0]) for step in range(3))

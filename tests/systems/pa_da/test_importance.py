"""Probabilities by the norms of gradients: by hand, through a training that is killed, and where there are none."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nastoolkit import FAMILIES
from nastoolkit.families.cells import DIGITS, CellsFamily
from nastoolkit.supernets import Supernet
from nastoolkit.systems.pa_da.importance import ImportanceSampler, logit_norms, merge, mixed, norms_of_options
from nastoolkit.tasks.digits import Digits
from nastoolkit.training import Recipe, Step, fit
from nastoolkit.training.probes import gradients, held_gradients

CELLS = CellsFamily("cells", replace(DIGITS, channels=2, image_size=8, n_stages=1))
TASK = Digits()


def from_targets(task_loss):
    return lambda step: task_loss(step.outputs, step.targets)


def sampler(**how):
    return ImportanceSampler(CELLS, TASK.n_rows, **{"n_steps": 8, "n_epoch": 2, **how})


def told(own, path, rows=(), norms=(), options=None):
    own.feedback(own.n_taken, [1.0], [(options or {}, list(rows), list(norms))])


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=9).filter(any), st.floats(0, 1))
def test_probabilities_stay_a_distribution_between_the_weights_and_all_alike(weights, share):
    found = mixed(np.array(weights), share)
    assert found.sum() == pytest.approx(1) and (found >= (1 - share) / len(weights) - 1e-12).all()
    np.testing.assert_allclose(mixed(np.array(weights), 1.0), np.array(weights) / sum(weights))
    np.testing.assert_allclose(mixed(np.array(weights), 0.0), 1 / len(weights))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            [0.0, 0.0],
            "^importance weights are all zero: nothing that was drawn in the epoch had a gradient; make epochs longer$",
        ),
        ([1.0, np.nan], "^importance weights must be at least 0, and some are negative or NaN"),
        ([1.0, -1.0], "^importance weights must be at least 0, and some are negative or NaN"),
    ],
)
def test_weights_that_say_nothing_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        mixed(np.array(weights), 0.5)


def test_an_epoch_without_weights_is_told_in_one_sentence():
    own = sampler(n_epoch=1, examples=False)
    with pytest.raises(ValueError, match="^importance weights are all zero"):
        told(own, None)


def test_repeats_are_averaged_pair_by_pair_and_zeros_say_nothing():
    known = np.zeros(3)
    merge(known, [0, 1, 0, 2, 0], [4.0, 1.0, 2.0, 0.0, 1.0])
    assert known.tolist() == [(((4 + 2) / 2) + 1) / 2, 1, 0]


def test_norms_of_options_are_sums_over_blocks_divided_by_edges():
    family = CellsFamily("two", replace(DIGITS, channels=2, image_size=8, n_stages=1, n_cells=2, n_nodes=3))
    supernet = Supernet(family).train()
    edges = {"node1.input0": "nor_conv_3x3", "node2.input0": "nor_conv_1x1", "node2.input1": "nor_conv_3x3"}
    path = family.space.encode(edges)
    found = gradients(supernet(family.example_inputs(path, 4), path).square().mean(), supernet)
    wanted = {"nor_conv_1x1": 0.0, "nor_conv_3x3": 0.0}
    for cell in ("stage1.cell1", "stage1.cell2"):
        for edge, option in edges.items():
            own = [g.square().sum() for name, g in found.items() if name.startswith(f"{cell}.{edge}.") and option in name]
            assert own
            wanted[option] += float(sum(own).sqrt()) / list(edges.values()).count(option)
    assert norms_of_options(family, path, found) == pytest.approx(wanted, rel=1e-4)
    free = family.space.encode(dict.fromkeys(edges, "skip_connect"))
    supernet(family.example_inputs(free, 4), free).sum().backward()
    assert norms_of_options(family, free, held_gradients(supernet)) == {}


def test_the_bound_is_the_norm_of_the_gradient_of_the_logits():
    logits, targets = torch.randn(5, 4, generator=torch.Generator().manual_seed(0), requires_grad=True), torch.arange(5) % 4
    torch.nn.functional.cross_entropy(logits, targets, reduction="sum").backward()
    torch.testing.assert_close(logit_norms(logits.detach(), targets), logits.grad.norm(dim=1))


def test_the_share_of_norms_grows_from_epoch_to_epoch():
    own = sampler()
    assert own.rows(0, 4) is None and len(set(own.of_options)) == 1
    for step in range(8):
        options = {"nor_conv_3x3": 3.0, "nor_conv_1x1": 1.0}
        told(own, None, rows=[5, 6], norms=[1.0, 3.0], options=options)
        share = min(2 * ((step + 1) // 2), 6) / 8
        np.testing.assert_allclose(own.of_options, [(1 - share) / 5] * 3 + [(1 - share) / 5 + share * p for p in (0.25, 0.75)])
        assert own.of_rows[6] == pytest.approx((1 - share) / TASK.n_rows + 0.75 * share)
    drawn = np.stack([own.draw(step)[0][0] for step in range(500)])
    counts = np.bincount(drawn.ravel(), minlength=5) / drawn.size
    np.testing.assert_allclose(counts, own.of_options, atol=0.04)
    rows = own.rows(0, 2000)
    assert abs((rows == 6).mean() - own.of_rows[6]) < 0.04 and len(own.rows(3, 7)) == 7
    np.testing.assert_allclose(own.probability(drawn[:9]), (likely := own.of_options[drawn[:9]].prod(axis=1)) / likely.sum())


def test_one_of_both_may_be_left_alone():
    for how in ({"paths": False}, {"examples": False}):
        own = sampler(n_epoch=1, **how)
        step = Step(torch.zeros(2, 10), torch.tensor([0, 1]), genotype=CELLS.space.largest, rows=torch.tensor([3, 4]))
        weights = {f"stage1.cell1.{edge}.nor_conv_3x3.conv.weight": torch.ones(1) for edge in CELLS.space.names}
        own.feedback(0, [1.0], [own.probe(step, weights)])
        assert (len(set(own.of_options)) == 1) == (own.rows(1, 3) is not None) == ("paths" in how)


def test_a_killed_training_goes_on_to_the_same_bits(tmp_path):
    def train(own, file=None):
        supernet = Supernet(CELLS)
        fit(supernet, TASK, own, from_targets, Recipe(n_steps=8, batch_size=16, learning_rate=0.01), False, resume=file)
        return supernet.fingerprint

    class KilledError(Exception):
        pass

    class Mortal(ImportanceSampler):
        def feedback(self, step, losses, probes):
            super().feedback(step, losses, probes)
            if step == 4 and not self.died:
                type(self).died = True
                raise KilledError

    Mortal.__name__, Mortal.died = "ImportanceSampler", True
    whole = sampler(n_epoch=3)
    wanted = train(whole)
    assert (whole.of_options[3:] > 0.2).all() and len(set(whole.of_rows)) > 20
    Mortal.died = False
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nastoolkit.training.run.SAVE_SECONDS", -1.0)
        with pytest.raises(KilledError):
            train(Mortal(CELLS, TASK.n_rows, 8, 3), tmp_path / "run.pt")
    again = sampler(n_epoch=3)
    assert train(again, tmp_path / "run.pt") == wanted
    assert all(np.array_equal(getattr(again, name), getattr(whole, name)) for name in whole._arrays)


def test_choices_with_different_options_cannot_share_probabilities():
    with pytest.raises(ValueError, match="^all choices share one probability for each option, and 'stage1.depth' has other"):
        ImportanceSampler(FAMILIES["digits-mbv3"](), 10, 8, 2)

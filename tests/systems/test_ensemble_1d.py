"""Views of a skeleton, the members that they train, and the rows of a job."""

import numpy as np
import pandas as pd
import pytest

from nastoolkit.systems import ensemble_1d
from nastoolkit.systems.ensemble_1d import (
    ATTENTION,
    BODY_PARTS,
    FOUR_SEEDS,
    FOUR_VIEWS,
    FRONT,
    ONE_SIZE,
    SEARCHED,
    SUMMED,
    VIEWS,
    skeletons_of,
    streams_of,
    trained,
    view_family,
    views_and_seeds,
)
from nastoolkit.tasks import TASKS
from nastoolkit.tasks.made_up_skeletons import MadeUpSkeletons
from nastoolkit.training import Recipe

SIZES = {"widths": [2, 4], "depths": [1], "kernels": [3]}


class FewSkeletons(MadeUpSkeletons):
    """A few clips of each split."""

    def read(self):
        return {name: split[:60] for name, split in super().read().items()}


@pytest.fixture(scope="module")
def rows():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TASKS, "made-up-skeletons", FewSkeletons)
        how = {"sizes": SIZES, "n_steps": 3, "batch_size": 8, "learning_rate": 0.01, "device": "cpu"}
        return [pd.DataFrame(views_and_seeds("made-up-skeletons", 1, **how)) for _ in range(2)]


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_has_its_streams_and_sees_the_task(view):
    task = skeletons_of("made-up-skeletons")
    family = view_family(view, task, SIZES)
    assert len(family.table.streams) == {"two streams": 2, BODY_PARTS: 5}.get(view, 1)
    assert family.table.attends == (view == ATTENTION) and family.n_outputs == 12
    assert family.input_shape(family.space.largest) == (45, 1, 48) and family.space.size == 2


def test_parts_share_no_channel_and_leave_none_out():
    seen = [channel for _, channels in streams_of(BODY_PARTS, skeletons_of("made-up-skeletons")) for channel in channels]
    assert sorted(seen) == list(range(45))


def test_an_unknown_view_or_a_task_without_skeletons_is_told():
    with pytest.raises(ValueError, match="unknown view 'hands'; known: two streams, body parts, attention, differences"):
        streams_of("hands", skeletons_of("made-up-skeletons"))
    with pytest.raises(ValueError, match="views are of skeletons, and task 'digits' has none"):
        skeletons_of("digits")


def test_a_member_answers_in_all_sizes_and_the_last_one_is_the_largest():
    task = FewSkeletons()
    member = trained(VIEWS[0], task, SIZES, Recipe(2, 8))
    assert member.validation.probabilities.shape == (2, 60, 12) and len(member.test) == 2
    np.testing.assert_allclose(member.test.probabilities.sum(axis=2), 1, rtol=1e-5)
    assert member.test.costs[1] > member.test.costs[0] and len(member.largest.test) == 1
    assert np.array_equal(member.largest.test.probabilities[0], member.test.probabilities[1])


def test_a_job_has_a_row_for_every_arm_and_repeats(rows):
    one, two = (found.drop(columns="per_second") for found in rows)
    pd.testing.assert_frame_equal(one, two)
    arms = one[one.arm.notna() & (one.arm != FRONT)].set_index("arm")
    assert list(arms.index) == [*VIEWS, FOUR_VIEWS, SUMMED, FOUR_SEEDS, SEARCHED, ONE_SIZE]
    assert one.best.nunique() == 1 and one.best[0] in VIEWS and (one.arm == FRONT).any()


def test_smaller_ensembles_need_at_most_half_the_macs(rows):
    arms = rows[0][rows[0].arm.notna()].set_index("arm").mmacs
    whole = arms[[*VIEWS]].sum()
    assert arms[FOUR_VIEWS] == arms[SUMMED] == pytest.approx(whole)
    assert arms[FOUR_SEEDS] == pytest.approx(4 * arms[rows[0].best[0]])
    assert 0 < arms[SEARCHED] <= whole / 2 and 0 < arms[ONE_SIZE] <= whole / 2


def test_all_pairs_of_views_and_the_seeds_of_the_best_one_are_compared(rows):
    pairs = rows[0][rows[0].one.notna()]
    assert len(pairs) == 7 and len(pairs[pairs.one != pairs.other].drop_duplicates(["one", "other"])) == 6
    assert set(pairs[pairs.one == pairs.other].one) == {rows[0].best[0]}
    assert pairs.disagreement.between(0, 100).all()


def test_other_seeds_are_other_networks(monkeypatch):
    seeds = []

    def record(view, task, sizes, recipe, device):
        seeds.append((view, recipe.seed))
        return trained(view, task, sizes, recipe, device)

    monkeypatch.setitem(TASKS, "made-up-skeletons", FewSkeletons)
    monkeypatch.setattr(ensemble_1d, "trained", record)
    for seed in (0, 1):
        views_and_seeds("made-up-skeletons", seed, SIZES, n_steps=1, batch_size=4, learning_rate=0.01, device="cpu")
    assert len(set(seeds)) == len(seeds) == 14
    assert [seed for _, seed in seeds] == [0, 0, 0, 0, 1, 2, 3, 4, 4, 4, 4, 5, 6, 7]

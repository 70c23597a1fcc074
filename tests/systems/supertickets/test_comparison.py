"""Jobs: as many steps for every arm, the same search for all sparsities, and what is moved between tasks."""

import pytest

from nastoolkit.systems.supertickets import comparison, move_tickets, search_and_prune, search_then_prune
from nastoolkit.systems.supertickets.comparison import JOINT, MAGNITUDE, MOVED, OWN, RANDOM, SHUFFLED, SUPER, family_for
from nastoolkit.systems.supertickets.training import Trainer

NETWORK = {"image_size": 8, "blocks": [[3, 2], [4, 1]], "kernels": [1, 3], "expansion": 2}
COMMON = {"network": NETWORK, "seed": 0, "recipe": {"n_steps": 29, "batch_size": 4}, "how": {"rho": 0.01, "threshold": 0.2}}
TASK = {"task_name": "digits-0to4"}


@pytest.fixture
def steps(monkeypatch):
    """Numbers of the steps that are taken."""
    taken, step = [], Trainer.step
    monkeypatch.setattr(Trainer, "step", lambda self, number, rho: (taken.append(number), step(self, number, rho)))
    return taken


@pytest.mark.parametrize("is_retrained", [True, False])
def test_every_arm_has_as_many_steps(steps, is_retrained):
    for arm in JOINT:
        (row,) = search_and_prune(arm, 0.6, is_retrained, **TASK, **COMMON)
        assert row["arm"] == arm and row["masked"] == 60 and row["sparsity"] == pytest.approx(0.6, abs=0.01)
        assert len(steps) == 29 and max(steps) == (14 if is_retrained else 28)
        steps.clear()
    rows = search_then_prune([0.5, 0.9], is_retrained, **TASK, **COMMON)
    assert len(steps) == (15 + 5 * 14 if is_retrained else 29)
    assert [(row["arm"], row["masked"]) for row in rows] == [
        (MAGNITUDE, 0),
        *[(a, m) for a in (MAGNITUDE, RANDOM) for m in (50, 90)],
    ]


def test_all_prunings_after_a_search_have_its_units_and_exact_sparsities():
    rows = search_then_prune([0.5, 0.9], False, **TASK, **COMMON)
    assert [round(row["sparsity"], 1) for row in rows] == [0, 0.5, 0.9, 0.5, 0.9]
    assert rows[1]["params"] == rows[3]["params"] < rows[0]["params"] and rows[1]["macs"] != rows[3]["macs"]


def test_a_job_gives_the_same_again_and_another_with_another_seed():
    first, again = (search_and_prune(SUPER, 0.5, False, **TASK, **COMMON) for _ in range(2))
    assert first == again != search_and_prune(SUPER, 0.5, False, **TASK, **{**COMMON, "seed": 1})


def test_moved_and_shuffled_masks_have_the_same_costs_in_weights():
    rows = move_tickets(0.5, "digits-0to4", "digits-5to9", **COMMON)
    assert [(row["arm"], row["is_kept"]) for row in rows] == [
        (MOVED, True), (SHUFFLED, True), (MOVED, False), (SHUFFLED, False), (OWN, False),
    ]  # fmt: skip
    assert len({row["params"] for row in rows[:4]}) == len({row["macs"] for row in rows[:4]}) == 1


def test_a_task_with_other_classes_gets_a_last_layer_of_its_own():
    rows = move_tickets(0.5, "digits-0to4", "digits-upright", **COMMON)
    assert all(0 <= row["accuracy"] <= 100 for row in rows)


def test_what_makes_no_sense_is_refused_in_one_sentence():
    assert family_for(NETWORK, "digits-0to4", [0.5]).n_outputs == 5
    for sparsities, task, message in (
        ([0.5, 1.0], "digits-0to4", "^a sparsity is the share of weights that are masked, above 0 and below 1; got 1.0$"),
        ([0.5], "digist", "^there is no task 'digist'"),
        ([0.5], "number-words", "^the networks need a task with classes of images, and 'number-words' has none$"),
    ):
        with pytest.raises(ValueError, match=message):
            comparison.family_for(NETWORK, task, sparsities)

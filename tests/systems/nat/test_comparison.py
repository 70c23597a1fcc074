"""Ways to spend images on a new task, on a tiny family and few images."""

import numpy as np
import pandas as pd
import pytest
import torch

from nastoolkit import TASKS
from nastoolkit.benchmarks import SupernetProblem
from nastoolkit.systems.nat import comparison
from nastoolkit.systems.nat.comparison import ALONE, NAT, WAYS, compare, judged

SPENT = {
    "warm_up_steps": 3,
    "training": {"n_steps": 2, "batch_size": 8, "learning_rate": 0.003},
    "search": {"n_iterations": 2, "n_first": 4, "n_archive": 4, "population": 2, "generations": 2},
    "n_validation": 40,
}


def test_every_way_has_its_front_and_as_many_images(problem, tiny):
    found = compare(problem, 1, **SPENT)
    assert list(found.way.unique()) == [*WAYS, ALONE] and set(found.task) == {"few"} and set(found.n_classes) == {4}
    for part, n in (("validation", 40), ("test", 50)):
        n_right = found[part] * n / 100
        assert n_right.between(0, n).all() and (n_right - n_right.round()).abs().max() < 1e-9
    for _, front in found.groupby("way"):
        assert (np.diff(front.sort_values("mmacs").validation) > 0).all()
    assert set(found.most_mmacs) == {tiny.with_classes(4).mmacs(tiny.space.largest)}
    (alone,) = found[found.way == ALONE].genotype
    assert alone == found[found.way == NAT].sort_values("validation").genotype.iloc[-1]
    assert len(TASKS["few"].trained) == 3 + (len(WAYS) + 1) * 2 * 3  # one warm-up serves all
    assert not set(TASKS["few"].trained[:3]) & set(TASKS["few"].trained[3:])


def test_of_a_supernet_with_only_its_head_tuned_the_rest_is_as_it_was(problem, monkeypatch):
    ended = []
    search = comparison.tuned_then_searched

    def noted(start, only_head=False):
        history = search(start, only_head)
        ended.append((only_head, start.supernet.shared.state_dict()))
        return history

    monkeypatch.setitem(WAYS, "fine-tuned, then searched", noted)
    monkeypatch.setitem(WAYS, "only head tuned, then searched", lambda start: noted(start, only_head=True))
    compare(problem, 0, **SPENT)
    before = SupernetProblem(**problem).supernet.shared.state_dict()
    for only_head, after in ended:
        changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
        assert changed == {"classifier"} if only_head else len(changed) > 4
    assert [only_head for only_head, _ in ended] == [False, True]


def test_a_killed_comparison_goes_on_and_a_finished_one_leaves_no_files(problem, monkeypatch, tmp_path):
    whole = compare(problem, 0, **SPENT)
    n_trained = len(TASKS["few"].trained)
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(comparison, "tuned_alone", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        compare(problem, 0, **SPENT)
    assert list((tmp_path / "kept").iterdir())
    pd.testing.assert_frame_equal(compare(problem, 0, **SPENT), whole)
    assert len(TASKS["few"].trained) == 2 * n_trained
    assert not list((tmp_path / "kept").iterdir())


def test_fronts_are_judged_by_the_share_of_the_box_between_chance_and_the_largest():
    ways = [(NAT, 5.0, 70.0, 80.0), (NAT, 2.5, 60.0, 62.5), *((way, 5.0, 0.0, 25.0) for way in list(WAYS)[1:])]
    found = pd.DataFrame([*ways, (ALONE, 5.0, 75.0, 75.0)], columns=["way", "mmacs", "validation", "test"])
    (row,) = judged(found.assign(task="a", seed=0, n_classes=4, most_mmacs=10.0)).reset_index().to_dict("records")
    assert row[NAT] == pytest.approx(100 * (5 * 55 + 2.5 * 37.5) / 10 / 75)
    assert {row[way] for way in list(WAYS)[1:]} == {0.0}
    assert (row["best"], row["alone"], row["share of MACs"]) == (80.0, 75.0, 0.5)

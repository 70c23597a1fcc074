"""What a job tells, and gains by bin."""

import numpy as np
import pandas as pd
import pytest

from nastoolkit import FAMILIES
from nastoolkit.systems.shiftnas import ARMS, OPERATIONS, SHIFT, ends_drawn, family_of, gains, judge_bins, network_of
from nastoolkit.systems.shiftnas.comparison import NARROW

pytestmark = pytest.mark.usefixtures("few_digits")
SIZES = {"family": NARROW, "task": "few", "n_bins": 3, "n_judged": 2, "n_images": 20, "n_calibration": 20, "device": "cpu"}
HOW = {"seed": 100, "n_steps": 12, "batch_size": 4, "learning_rate": 0.01, "shift_rate": 0.5, "cost_weight": 10.0, "every": 3}


@pytest.mark.parametrize("arm", ARMS)
def test_a_job_tells_of_all_bins_and_the_same_networks(arm):
    rows = pd.DataFrame(judge_bins(arm=arm, **SIZES, **HOW))
    judged, drawn = rows.dropna(subset="accuracy"), rows.dropna(subset="drawn")
    assert judged.bin.tolist() == [0, 0, 1, 1, 2, 2] and judged.accuracy.between(0, 100).all()
    assert drawn.bin.tolist() == [0, 1, 2] and drawn.drawn.sum() == pytest.approx(100)
    if arm == OPERATIONS:
        return
    family = family_of(NARROW)
    for row in drawn.itertuples():
        assert row.error == pytest.approx(100 * abs(family.mmacs(network_of(row.pick)) / row.target - 1))
    if ARMS[arm]:
        moves = rows.dropna(subset="update")
        assert sorted(moves["update"].unique()) == [1, 2, 3]
        np.testing.assert_allclose(moves.groupby("update").probability.sum(), 1)


def test_an_unknown_arm_is_refused():
    with pytest.raises(
        ValueError, match="^unknown arm 'bins'; known: uniform operations; uniform bins; shift; shift, Gumbel$"
    ):
        judge_bins(arm="bins", **SIZES, **HOW)


def test_names_of_families():
    assert family_of(NARROW).space.n_genes == 15 and family_of("digits-mbv3").name == FAMILIES["digits-mbv3"]().name


def test_gains_are_means_over_bins_of_paired_seeds():
    rows = [
        {"arm": arm, "seed": seed, "bin": number, "accuracy": accuracy + seed * 10}
        for arm, accuracies in {"one": [[5, 7], [2], [3], [9]], "other": [[1, 1], [1], [1], [1]]}.items()
        for seed in (0, 1)
        for number, each in enumerate(accuracies)
        for accuracy in each
    ]
    found = gains(pd.DataFrame(rows), "one", "other")
    assert found.loc[1].to_dict() == {0: 5, 1: 1, 2: 2, 3: 8, "all": 4, "ends": 6.5, "middle": 1.5}
    assert len(found) == 2


def test_both_ends_count_as_drawn():
    shares = {"arm": SHIFT, "seed": [0] * 3 + [1] * 3, "bin": [0, 1, 2] * 2, "drawn": [10.0, 70, 20, 5, 90, 5]}
    assert ends_drawn(pd.DataFrame(shares), SHIFT).tolist() == [30, 10]

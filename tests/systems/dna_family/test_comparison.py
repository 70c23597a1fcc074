"""What a job of the study tells, and how rankings are scored."""

import numpy as np
import pandas as pd
import pytest

from nastoolkit.systems.dna_family.comparison import (
    ARMS,
    DNA,
    DNA_SELF,
    MACS,
    SPOS,
    family_of,
    judged,
    rank_correlations,
    rate_all_ways,
    under,
)

HOW = {
    "teacher_operation": "mb3_k3",
    "teacher_steps": 2,
    "n_steps": 8,
    "batch_size": 8,
    "learning_rate": 0.01,
    "device": "cpu",
}


def test_a_job_rates_in_all_ways_and_picks_under_each_limit(few_digits, sizes):
    rows = pd.DataFrame(
        rate_all_ways("few", sizes, seed=100, n_judged=4, limits=[0.4, 1.0], n_candidates=3, n_images=20, **HOW)
    )
    rated, costs = rows.dropna(subset="network"), rows.dropna(subset="seconds").set_index("arm")
    assert rated.groupby("arm").size().to_dict() == dict.fromkeys(ARMS, 4) and rated.rating.notna().all()
    assert set(costs.index) == {"teacher", *ARMS} and (costs.seconds > 0).all()
    assert costs.steps[[DNA, SPOS, DNA_SELF]].tolist() == [8, 8, 8]
    family, picks = family_of("few", sizes), rows.dropna(subset="pick")
    found = np.array([[int(digit) for digit in pick] for pick in picks["pick"]])
    assert (family.macs(found) <= picks.limit).all() and picks.limit.nunique() == 2 and {DNA, SPOS, MACS} <= set(picks.arm)
    (largest,) = picks[(picks.arm == MACS) & (picks.limit == picks.limit.max())]["pick"]
    assert largest in {"".join(map(str, one)) for one in family.space.sample(150, np.random.default_rng([0, 1]))}


def test_candidates_keep_the_limit_and_the_smallest_network_is_the_last_resort(few_digits, sizes):
    family = family_of("few", sizes)
    low, high = family.macs(np.stack([family.space.smallest, family.space.largest]))
    some = under(family, (low + high) / 2, 5, 100)
    assert len(some) == 5 and (family.macs(some) <= (low + high) / 2).all()
    assert under(family, low - 1, 5, 100).tolist() == [family.space.smallest.tolist()]


def test_rankings_are_scored_with_and_without_macs(few_digits, sizes):
    family = family_of("few", sizes)
    networks = judged(family, 12)
    macs, truth = family.macs(networks), np.random.default_rng(0).normal(size=12)
    arms = {"by truth": -truth, "by chance": np.random.default_rng(1).normal(size=12), "by MACs": -macs}
    rows = [{"seed": 100, "arm": arm, "network": n, "rating": r} for arm, rs in arms.items() for n, r in enumerate(rs)]
    taus = rank_correlations(pd.DataFrame(rows), truth, macs).set_index("arm")
    assert taus.tau["by truth"] == pytest.approx(1) and taus["beyond MACs"]["by truth"] == pytest.approx(1)
    assert taus.tau["by MACs"] == taus.tau[MACS] and taus["beyond MACs"]["by MACs"] == 0 and abs(taus.tau["by chance"]) < 0.7

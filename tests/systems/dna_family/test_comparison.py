"""What a job of the study tells, and how rankings are scored."""

import numpy as np
import pandas as pd
import pytest

from nastoolkit.benchmarks.members import members
from nastoolkit.systems.dna_family.blocks import cut
from nastoolkit.systems.dna_family.comparison import (
    ARMS,
    DNA,
    DNA_SELF,
    MACS,
    SPOS,
    Problem,
    family_of,
    rank_correlations,
    rate_all_ways,
)
from nastoolkit.systems.dna_family.traversal import RatedPaths, rating_of

HOW = {"teacher_operation": "mb3_k3", "teacher_steps": 2, "n_steps": 8, "batch_size": 8, "learning_rate": 0.01}
SOME = {"task_name": "few", "n_judged": 4, "limits": [0.4, 1.0], "n_candidates": 3, "n_images": 20, **HOW}


def test_a_job_rates_in_all_ways_and_picks_under_each_limit(few_digits, sizes):
    rows, problem = pd.DataFrame(rate_all_ways({**SOME, "sizes": sizes}, seed=100)), Problem(sizes=sizes, **SOME)
    rated, costs = rows.dropna(subset="network"), rows.dropna(subset="seconds").set_index("arm")
    assert rated.groupby("arm").size().to_dict() == dict.fromkeys(ARMS, 4) and rated.rating.notna().all()
    assert set(costs.index) == {"teacher", *ARMS} and (costs.seconds > 0).all()
    assert costs.steps[[DNA, SPOS, DNA_SELF]].tolist() == [8, 8, 8]
    picks = rows.dropna(subset="pick")
    found = np.array([[int(digit) for digit in pick] for pick in picks["pick"]])
    assert (problem.family.macs(found) <= picks.limit).all() and picks.limit.unique().tolist() == problem.bounds
    assert picks.groupby("arm").size().to_dict() == {DNA: 2, SPOS: 2, MACS: 2}
    (largest,) = found[(picks.arm == MACS) & (picks.limit == picks.limit.max())]
    assert problem.family.macs(largest) == problem.family.macs(problem.under(problem.bounds[-1], 0)).max()


def test_dna_picks_the_best_sum_of_all_networks_under_a_limit(few_digits, sizes):
    problem = Problem(sizes=sizes, **SOME)
    rng, blocks = np.random.default_rng(0), cut(problem.family, problem.ends)
    paths = [members(block.space) for block in blocks]
    found = [RatedPaths(own, rng.normal(size=len(own)), block.macs(own)) for own, block in zip(paths, blocks, strict=True)]
    networks = members(problem.family.space)
    ratings, macs = rating_of(found, networks), problem.family.macs(networks)
    for row, bound in zip(problem.exact_picks(DNA, found), problem.bounds, strict=True):
        best = networks[macs <= bound][ratings[macs <= bound].argmin()]
        assert row["pick"] == "".join(map(str, best)) and row["limit"] == bound


def test_candidates_keep_the_limit_and_the_smallest_network_is_the_last_resort(few_digits, sizes):
    problem = Problem(sizes=sizes, **SOME)
    (low, high), middle = problem.family.macs(np.array([[0, 0, 0], [2, 2, 2]])), problem.bounds[0]
    some = problem.under(middle, 100)
    assert len(some) == 3 and (problem.family.macs(some) <= middle).all() and low < middle < high == problem.bounds[1]
    assert problem.under(low - 1, 100).tolist() == [[0, 0, 0]]


def test_rankings_are_scored_with_and_without_macs(few_digits, sizes):
    family = family_of("few", sizes)
    networks = family.space.sample(12, np.random.default_rng(0))
    macs, truth = family.macs(networks), np.random.default_rng(0).normal(size=12)
    arms = {"by truth": -truth, "by chance": np.random.default_rng(1).normal(size=12), "by MACs": -macs}
    rows = [{"seed": 100, "arm": arm, "network": n, "rating": r} for arm, rs in arms.items() for n, r in enumerate(rs)]
    taus = rank_correlations(pd.DataFrame(rows), truth, macs).set_index("arm")
    assert taus.tau["by truth"] == pytest.approx(1) and taus["beyond MACs"]["by truth"] == pytest.approx(1)
    assert taus.tau["by MACs"] == taus.tau[MACS] and taus["beyond MACs"]["by MACs"] == 0 and abs(taus.tau["by chance"]) < 0.7

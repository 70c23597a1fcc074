from dataclasses import dataclass

import numpy as np
import pytest

from nastoolkit.latency.regression import block_times
from nastoolkit.predictors import mape


@dataclass(frozen=True)
class Priced:
    macs: int
    params: int


SPECS = [Priced(macs, params) for macs in (10, 20, 40, 80) for params in (1, 5, 9)]


def networks(n, seed):
    rng = np.random.default_rng(seed)
    return [[SPECS[i] for i in rng.integers(len(SPECS), size=8)] for _ in range(n)]


def test_times_that_follow_macs_and_params_are_found_exactly():
    true = {spec: 0.1 * spec.macs + 0.3 * spec.params + 2 for spec in SPECS}
    plans = networks(6, seed=0)
    times, spread = block_times(SPECS, plans, np.array([sum(true[spec] for spec in plan) for plan in plans]))
    assert times == pytest.approx([true[spec] for spec in SPECS], rel=1e-6) and spread < 1e-6


def test_times_that_do_not_are_learnt_from_few_networks():
    rng = np.random.default_rng(1)
    true = {spec: (0.1 * spec.macs + 2) * rng.uniform(0.4, 1.6) for spec in SPECS}
    total = lambda plans: np.array([sum(true[spec] for spec in plan) for plan in plans])  # noqa: E731
    errors, unseen = [], networks(100, seed=2)
    for n in (4, 12, 60):
        plans = networks(n, seed=3)
        times, _ = block_times(SPECS, plans, total(plans) * rng.normal(1, 0.005, n))
        by_spec = dict(zip(SPECS, times, strict=True))
        errors.append(mape(total(unseen), np.array([sum(by_spec[spec] for spec in plan) for plan in unseen])))
    assert errors[0] > errors[1] > errors[2] and errors[2] < 1.0

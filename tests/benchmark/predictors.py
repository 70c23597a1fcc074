"""How well predictors predict: `python tests/benchmark/predictors.py`; needs the published data in NASTOOLKIT_DATA.

For each of HAT's 8 latency data sets: predictors fitted to 1,500 of 2,000 rows and tested on the other 500, means over 10
random splits that are the same for all; then the default predictor against plain ridge and plain gradient boosting, split by
split (mean and standard error of the gain). Then Intel's ImageNet accuracies, after as few measurements as LINAS has, and
latencies by published tables with noise of 6 % of few of Once-for-All's networks, as features and one-hot.
"""

import argparse
import time

import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingRegressor

from nastoolkit.predictors import DEFAULT_PREDICTOR, PREDICTORS, kendall_tau, mape
from nastoolkit.published import DEVICES, hat_latency, i7_8700k, search_logs

PLAIN = {"gradient boosting": lambda: GradientBoostingRegressor(random_state=0)}
COMPARED = {**PREDICTORS, **PLAIN}


def errors(features: np.ndarray, values: np.ndarray, n_train: int, n_test: int, n_splits: int) -> pd.DataFrame:
    """MAPE, Kendall tau and seconds of each predictor on each split."""
    rows = []
    for split in range(n_splits):
        train, test = np.split(np.random.default_rng(split).permutation(len(values))[: n_train + n_test], [n_train])
        for name, make in COMPARED.items():
            started = time.perf_counter()
            predicted = make().fit(features[train], values[train]).predict(features[test])
            scores = {"mape": mape(values[test], predicted), "tau": kendall_tau(values[test], predicted)}
            rows.append({"split": split, "predictor": name, **scores, "seconds": time.perf_counter() - started})
    return pd.DataFrame(rows)


def show(title: str, found: pd.DataFrame) -> None:
    mean = found.groupby("predictor", sort=False)[["mape", "tau", "seconds"]].mean()
    print(f"\n{title}\n{mean.round(4).to_string()}")
    by_split = found.pivot(index="split", columns="predictor")
    for rival in ("ridge", *PLAIN):
        lower = by_split["mape"][rival] - by_split["mape"][DEFAULT_PREDICTOR]
        higher = by_split["tau"][DEFAULT_PREDICTOR] - by_split["tau"][rival]
        gains = (
            f"{what} {d.mean():+.4f} +- {d.sem():.4f}" for what, d in (("MAPE lower by", lower), ("tau higher by", higher))
        )
        print(f"  {DEFAULT_PREDICTOR} against {rival}: {', '.join(gains)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=10)
    n_splits = parser.parse_args().splits
    for device in DEVICES:
        data = hat_latency(device)
        show(device, errors(data.features, data.latency_ms, 1500, 500, n_splits))
    histories = search_logs().values()
    genotypes, first = np.unique(np.concatenate([h.genotypes for h in histories]), axis=0, return_index=True)
    accuracies = np.concatenate([h.values[:, 0] for h in histories])[first]
    features = next(iter(histories)).space.features(genotypes)
    for n_train in (50, 100, 250):
        show(f"ImageNet accuracy after {n_train}", errors(features, accuracies, n_train, 500, n_splits))
    table, rng = i7_8700k(), np.random.default_rng(0)
    genotypes = table.space.sample(1500, rng)
    noisy = table.latency_ms(genotypes) * np.exp(0.06 * rng.standard_normal(len(genotypes)))
    for n_train in (100, 1000):
        for what, encode in (("features", table.space.features), ("one-hot", table.space.one_hot)):
            show(f"latency after {n_train}, {what}", errors(encode(genotypes), noisy, n_train, 500, n_splits))


if __name__ == "__main__":
    main()

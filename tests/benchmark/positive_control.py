"""Every evolutionary search beside plain pymoo's, with the published settings, on `ofa-mbv3-note10`: mean and sd of seeds.

`python tests/benchmark/positive_control.py [N_SEEDS [MOST_EVALUATIONS]]`, of 5 and 10,000, takes about 8 minutes, with 1,000
evaluations one, and needs the published files. Hypervolumes at (100 ms, 25 %); of the two for one objective, points of error
below 25 % within 30 ms. No mean of ours is below plain pymoo's by two standard deviations; after 10,000 evaluations most are
above by more, as ours measure no network twice. MO-CMA-ES has no peer in pymoo. Plain pymoo's numbers, which tests hold the
searches against, are kept in `tests/search/plain_pymoo.json`.
"""

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "search"))
import plain_pymoo

from nastoolkit.benchmarks import BENCHMARKS


def main() -> None:
    n_seeds, most = (int(given) for given in (*sys.argv[1:], *("5", "10000")[len(sys.argv) - 1 :]))
    benchmark, counts, kept = BENCHMARKS["ofa-mbv3-note10"](), [n for n in (250, 1000, 10_000) if n <= most], {}
    print(" " * 10 + "".join(f"{f'ours {n}':>18}{'pymoo':>18}" for n in counts))
    for name in plain_pymoo.PLAIN:
        ours, plain = (
            np.array([plain_pymoo.scores(benchmark, name, search(benchmark, name, most, s), counts) for s in range(n_seeds)])
            for search in (plain_pymoo.our_search, plain_pymoo.plain_search)
        )
        cells = [f"{x[:, i].mean():.2f} ± {x[:, i].std(ddof=1):.2f}" for i in range(len(counts)) for x in (ours, plain)]
        print(f"{name:10}" + "".join(f"{cell:>18}" for cell in cells), flush=True)
        kept[name] = {str(n): plain[:, i].round(3).tolist() for i, n in enumerate(counts)}
    plain_pymoo.FILE.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()

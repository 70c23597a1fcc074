"""How fast the explorer answers: `python tests/benchmark/explorer.py [FAMILY ...]`; set OMP_NUM_THREADS=1 for one core.

Prints the kernel's part of slider to redraw: from the value of a control to the HTML of network, totals and front, with 200
measured sub-networks on the front; then the bytes that go to the browser. Latencies are made up, accuracies too: nothing is
measured but the page. The browser's part is what `tests/browser` measures.
"""

import sys
import time
from statistics import median

import numpy as np

from nastoolkit.explorer import Explorer, Model
from nastoolkit.families import FAMILIES
from nastoolkit.history import History
from nastoolkit.latency import LookupTable, Timing

N_POINTS, N_MOVES = 200, 60


def page_of(name: str) -> Explorer:
    """A page with a full front, of made-up values."""
    family, rng = FAMILIES[name](), np.random.default_rng(0)
    timings = {spec: Timing(float(rng.uniform(0.05, 0.5)), 0.001, 5) for spec in family.block_specs}
    model = Model(family, {"made up": LookupTable(family, timings, {})})
    genotypes = model.space.sample(N_POINTS, rng)
    values = np.stack([family.mmacs(genotypes), model.table.latency_ms(genotypes)], axis=1)
    model.add(History(model.space, model.objectives, genotypes, values))
    return Explorer(model)


def moves_ms(page: Explorer) -> list[float]:
    """Times of random moves of the controls that matter, in ms."""
    rng, times = np.random.default_rng(1), []
    while len(times) < N_MOVES:
        control = page.choices.controls[rng.integers(len(page.choices.controls))]
        options = [option for _, option in control.options if option != control.value]
        if control.disabled or not options:
            continue
        drawn, start = page.network.html, time.perf_counter()
        control.value = int(rng.choice(options))
        times.append(1e3 * (time.perf_counter() - start))
        assert page.network.html != drawn
    return times


def main() -> None:
    for name in sys.argv[1:] or ["digits-mbv3", "ofa-mbv3-w1.0"]:
        start = time.perf_counter()
        page = page_of(name)
        made = time.perf_counter() - start
        times = sorted(moves_ms(page))
        size = sum(len(picture.html) for picture in (page.network, page.totals, page.front)) / 1e3
        print(
            f"{name:26} {median(times):6.1f} ms from slider to HTML, at most {times[-1]:6.1f}; {size:5.1f} kB; "
            f"page made in {made:.2f} s"
        )
        page.close()


if __name__ == "__main__":
    main()

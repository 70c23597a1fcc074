"""Time of DNA's exact search over 4^9 networks under limits; ``python tests/benchmark/exact_search.py``."""

from time import perf_counter

import numpy as np

from nastoolkit.benchmarks.members import members
from nastoolkit.families import FAMILIES
from nastoolkit.families.part import Part
from nastoolkit.systems.dna_family import RatedPaths, best_under, merged


def main() -> None:
    """Print the seconds for random ratings of the blocks of ``digits-mbconv-layers``."""
    family, rng = FAMILIES["digits-mbconv-layers"](), np.random.default_rng(0)
    parts = [Part(family, *ends) for ends in ((0, 3), (4, 6), (7, 11))]
    paths = [members(part.space) for part in parts]
    blocks = [RatedPaths(own, rng.normal(size=len(own)), part.macs(own)) for part, own in zip(parts, paths, strict=True)]
    start = perf_counter()
    front = merged(blocks)
    found = [best_under(front, limit) for limit in np.quantile(front.costs, np.linspace(0, 1, 20))]
    seconds = perf_counter() - start
    print(f"{len(found)} limits, {family.space.size:,} networks, {len(front.genes)} of them worth picking: {seconds:.3f} s")


if __name__ == "__main__":
    main()

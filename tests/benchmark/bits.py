"""Speed of quantised evaluations: python tests/benchmark/bits.py

Prints, on one thread, the seconds of 200 evaluations of random sub-networks of ``digits-vit`` with few bits, each extracted,
its ranges calibrated on 64 images, and scored on 300 (goal: at most 90 on two cores), and how many times those of the same
sub-networks in floats they take, side by side.
"""

from time import perf_counter

import numpy as np
import torch

from nastoolkit import FAMILIES, Accuracy, Supernet
from nastoolkit.families.bits import SCHEMES
from nastoolkit.supernets import with_bits
from nastoolkit.tasks.digits import Digits

N_EVALUATIONS, N_IMAGES = 200, 300


def main() -> None:
    torch.set_num_threads(1)
    plain = Supernet(FAMILIES["digits-vit"]()).eval()
    quantised = with_bits(plain, (2, 3, 4, 8), schemes=SCHEMES, tied=True)
    measures = [Accuracy(supernet, Digits(), n_images=N_IMAGES, progress=False) for supernet in (quantised, plain)]
    genotypes = quantised.family.space.sample(N_EVALUATIONS, np.random.default_rng(0))
    pairs = [(genotype, genotype[: plain.family.space.n_genes]) for genotype in genotypes]
    for measure, genotype in zip(measures, pairs[0], strict=True):
        measure(genotype)  # warms up
    times = np.array([[_seconds(*one) for one in zip(measures, pair, strict=True)] for pair in pairs])
    ratio = np.median(times[:, 0] / times[:, 1])
    print(f"digits-vit: {N_EVALUATIONS} quantised evaluations {times[:, 0].sum():.1f} s, {ratio:.2f} times those of floats")


def _seconds(measure: Accuracy, genotype: np.ndarray) -> float:
    start = perf_counter()
    measure(genotype)
    return perf_counter() - start


if __name__ == "__main__":
    main()

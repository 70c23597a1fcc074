"""Speed of mixtures of experts: python tests/benchmark/experts.py

Prints, on one thread: the processor time of a training step of two experts, by the sandwich rule, over that of plain slicing
(goal: at most 1.25), for number words and, at the sizes of everyday sentences, for random tokens.
"""

import torch

from nastoolkit import FAMILIES, TASKS
from nastoolkit.systems.mixture_of_supernets import FIXED_INPUT, HAT, step_ratios
from nastoolkit.tasks import Split
from nastoolkit.tasks.number_words import NumberWords

MIXTURE = {"n_experts": 2, "router_width": 128}  # as in the paper


class RandomTokens(NumberWords):
    """Sentences of the lengths and the vocabulary of a family, which mean nothing."""

    def __init__(self, family):
        self.family, self.n_tokens = family, family.table.vocabulary

    def batch(self, step, size, seed=0, rows=None):
        source, target = self.family.example_inputs(self.family.space.largest, size, step)
        return Split((source, target), target)


def main() -> None:
    torch.set_num_threads(1)
    for name in ("number-words-transformer", "tatoeba-transformer"):
        family = FAMILIES[name]()
        task = TASKS["number-words"]() if name.startswith("number") else RandomTokens(family)
        ratios = step_ratios(family, task, MIXTURE, batch_size=32, n_pairs=15).drop([HAT, FIXED_INPUT])
        print(
            f"{name}, batch 32:", ", ".join(f"{arm} {ratio:.3f}" for arm, ratio in ratios.items()), "of the plain rule's step"
        )


if __name__ == "__main__":
    main()

"""A sampler that learns, for tests: options are drawn in proportion to the norms that their gradients have had."""

import numpy as np

from nastoolkit.training.probes import norms_by_option


class ByNorm:
    def __init__(self, family, n_paths=1, seed=0):
        self.family, self.space, self.n_paths, self.seed = family, family.space, n_paths, seed
        self.norms = {(choice.name, option): 1.0 for choice in self.space.choices for option in choice.options}

    def draw(self, step):
        rng = np.random.default_rng([self.seed, step])
        return [(self.space.canonical(self.one(rng)), 1.0 / self.n_paths) for _ in range(self.n_paths)]

    def probe(self, step, found):
        return norms_by_option(self.family, step.genotype, found)

    def one(self, rng):
        norms = [np.array([self.norms[choice.name, option] for option in choice.options]) for choice in self.space.choices]
        return np.array([rng.choice(len(part), p=part / part.sum()) for part in norms])

    def feedback(self, step, losses, probes):
        for loss, found in zip(losses, probes, strict=True):
            self.norms |= {key: (self.norms[key] + loss * norm) / 2 for key, norm in found.items()}

    def state_dict(self):
        return {"norms": list(self.norms.values())}

    def load_state_dict(self, state):
        self.norms = dict(zip(self.norms, state["norms"], strict=True))

"""Training supernets: one fit loop, path samplers, losses."""

from nastoolkit.training.fit import Recipe, fit
from nastoolkit.training.losses import in_place_distillation
from nastoolkit.training.samplers import Fixed, PathSampler, Sandwich, Uniform

__all__ = ["Fixed", "PathSampler", "Recipe", "Sandwich", "Uniform", "fit", "in_place_distillation"]

"""Training supernets: one fit loop, path samplers, losses, schedules."""

from nastoolkit.training.fit import fit
from nastoolkit.training.losses import in_place_distillation
from nastoolkit.training.run import Recipe
from nastoolkit.training.samplers import ArchiveFrequencies, Fixed, PathSampler, Sandwich, Uniform
from nastoolkit.training.shrinking import Stage, fit_stages, progressive_shrinking, sort_channels

__all__ = [
    "ArchiveFrequencies",
    "Fixed",
    "PathSampler",
    "Recipe",
    "Sandwich",
    "Stage",
    "Uniform",
    "fit",
    "fit_stages",
    "in_place_distillation",
    "progressive_shrinking",
    "sort_channels",
]

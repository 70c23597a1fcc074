"""Training supernets: one fit loop, path samplers, losses, schedules."""

from nastoolkit.training.fit import fit
from nastoolkit.training.inner_loop import adapt
from nastoolkit.training.losses import AngularMargin, Step, distillation, in_place_distillation, targets_only
from nastoolkit.training.recipe import Optimizer, Recipe
from nastoolkit.training.run import Run
from nastoolkit.training.samplers import ArchiveFrequencies, Fair, Fixed, PathSampler, Sandwich, Uniform
from nastoolkit.training.shrinking import Stage, fit_stages, progressive_shrinking, sort_channels

__all__ = [
    "AngularMargin",
    "ArchiveFrequencies",
    "Fair",
    "Fixed",
    "Optimizer",
    "PathSampler",
    "Recipe",
    "Run",
    "Sandwich",
    "Stage",
    "Step",
    "Uniform",
    "adapt",
    "distillation",
    "fit",
    "fit_stages",
    "in_place_distillation",
    "progressive_shrinking",
    "sort_channels",
    "targets_only",
]

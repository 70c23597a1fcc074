"""``nastoolkit train``: trains a supernet in this process, or in several by ``torchrun -m nastoolkit.cli train``."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import torch
import typer

from nastoolkit.cli.options import FamilyName
from nastoolkit.cli.terminal import Seed, known
from nastoolkit.families import family_named
from nastoolkit.supernets import Supernet, save_supernet
from nastoolkit.supernets.sharing import SHARING_RULES
from nastoolkit.support.files import beside, check_output
from nastoolkit.tasks import TASKS
from nastoolkit.tasks.fitting import check_inputs
from nastoolkit.training.distributed import processes, rank
from nastoolkit.training.losses import in_place_distillation
from nastoolkit.training.recipe import PRECISIONS, Recipe
from nastoolkit.training.samplers import Sandwich
from nastoolkit.training.shrinking import Stage, fit_stages, progressive_shrinking

RULES = {name: SHARING_RULES[name] for name in ("slice", "kernel-transform", "expert-mixture")}  # others need masks or bits


def train(
    output: Annotated[Path, typer.Option(help="File to write the supernet to (.safetensors); its run is kept beside it.")],
    family: FamilyName = "digits-mbv3",
    sharing: Annotated[str, typer.Option(help=f"Sharing rule: {', '.join(RULES)}.")] = "slice",
    task: Annotated[str, typer.Option(help=f"Data set: {', '.join(TASKS)}.")] = "digits",
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps per stage.")] = 1000,
    batch_size: Annotated[int, typer.Option(min=1, help="Batch size, over all processes.")] = 64,
    learning_rate: Annotated[float, typer.Option(help="Peak learning rate.")] = 3e-3,
    n_random: Annotated[int, typer.Option(min=0, help="Random networks per step, besides the largest and the smallest.")] = 2,
    shrinking: Annotated[bool, typer.Option(help="Progressive shrinking: kernels, then depths, then widths.")] = False,
    label_smoothing: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of a target spread over all classes.")] = 0.0,
    average: Annotated[float, typer.Option(min=0.0, max=1.0, help="Decay of the weights' moving average; 0 for none.")] = 0.0,
    precision: Annotated[str, typer.Option(help=f"Precision: {', '.join(PRECISIONS)}.")] = "float32",
    device: Annotated[str, typer.Option(help="cpu or cuda. Default: cuda if there is a GPU.")] = "",
    seed: Seed = 0,
) -> None:
    """Train a supernet; run the same command again to resume.

    Every step trains the largest, the smallest and some random networks, which learn from the largest (sandwich rule, in-place
    distillation).
    """
    with processes(device or ("cuda" if torch.cuda.is_available() else "cpu")) as place:
        data = known("task", task, TASKS)()
        check_output(output)
        supernet = Supernet(family_named(family), known("sharing", sharing, RULES)(), seed).to(place)
        check_inputs(supernet.family, data, next(data.split("train").batches(1)).inputs)
        space = supernet.family.space
        stages = progressive_shrinking(space) if shrinking else [Stage("all", space)]
        recipe = Recipe(
            n_steps=steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            seed=seed,
            label_smoothing=label_smoothing,
            average=average,
            precision=precision,
        )
        losses = fit_stages(
            supernet,
            data,
            stages,
            partial(Sandwich, n_random=n_random, seed=seed),
            in_place_distillation,
            [recipe] * len(stages),
            folder=beside(output, ".runs"),
            progress=rank() == 0,
        )
        if rank() == 0:
            card = {"task": data.name, "stages": [stage.name for stage in stages], "recipe": asdict(recipe)}
            typer.echo(
                f"{save_supernet(supernet, output, card)}: loss {losses[0]:.3f} at the start, {losses[-1]:.3f} at the end"
            )

"""Trainings of all kinds, each killed at random moments and gone on with: ``python killed.py FOLDER N_KILLS``.

Prints for each kind the steps at which it was killed, and whether it came to the bits of a training that was not.
"""

import os
import random
import signal
import sys
from dataclasses import replace
from pathlib import Path

import torch
from learners import ByNorm
from torch import nn

from nastoolkit.families.mobilenet_v3 import DIGITS, MobileNetV3Family
from nastoolkit.randomness import drawn_from
from nastoolkit.supernets import Supernet
from nastoolkit.tasks.digits import Digits
from nastoolkit.training import Optimizer, Recipe, Run, Sandwich, fit, in_place_distillation, run

N_STEPS = 2 + 3 * int(sys.argv[2])
TASK = Digits()
TINY = MobileNetV3Family("tiny", replace(DIGITS, resolutions=(16,), kernels=(3,), expands=(1, 2), stages=DIGITS.stages[:1]))


class Killer:
    """Kills the process the n-th time that a training passes one of its points."""

    def __init__(self, n=0):
        self.n = n

    def __call__(self):
        self.n -= 1
        if self.n == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Deadly(Digits):
    point = Killer()

    def batch(self, *how):
        self.point()
        return super().batch(*how)


def trained(file, point, sampler):
    supernet, task = Supernet(TINY), Deadly()
    task.point = point
    recipe = Recipe(N_STEPS, 8, average=0.5, optimizer="sgd", schedule="one-cycle")
    return fit(supernet, task, sampler, in_place_distillation, recipe, False, file).tolist(), supernet.state_dict()


def plain(file, point):
    return trained(file, point, Sandwich(TINY.space))


def learning(file, point):
    sampler = ByNorm(TINY)
    return *trained(file, point, sampler), sampler.state_dict()


def images(step):
    batch = TASK.batch(step, 16)
    return batch.inputs.flatten(1)[:, ::16], batch.targets


def bilevel(file, point):
    """A mixture of two layers, its shares and its weights trained in turns, with dropout."""
    with drawn_from(0):
        layers, shares = (
            nn.ModuleList([nn.Linear(64, 10), nn.Linear(64, 10)]),
            nn.ParameterList([nn.Parameter(torch.zeros(2))]),
        )
    weights = Optimizer(layers.parameters(), Recipe(N_STEPS, optimizer="sgd", learning_rate=0.1))
    outer = torch.optim.Adam(shares.parameters(), 0.1)

    def loss(number):
        x, targets = images(number)
        x = nn.functional.dropout(x, 0.2)
        mixed = sum(share * layer(x) for share, layer in zip(shares[0].softmax(0), layers, strict=True))
        return TASK.loss(mixed, targets)

    run = Run({"layers": layers, "shares": shares, "weights": weights, "outer": outer}, {}, file, progress=False)
    for step in run.steps(N_STEPS):
        with drawn_from(step):
            outer.zero_grad()
            loss(2 * step).backward()
            outer.step()
            point()
            layers.zero_grad()
            last = loss(2 * step + 1)
            last.backward()
            weights.step()
            point()
        run.record(loss=last.item(), share=shares[0][0].item())
    return run.recorded, layers.state_dict(), shares.state_dict()


def in_stages(file, point):
    """Two layers, each with an optimiser; after half of the steps one of them is pruned, and only the other one is trained."""
    with drawn_from(1):
        layers = nn.ModuleList([nn.Linear(64, 32), nn.Linear(32, 10)])
    optimizers = [torch.optim.AdamW(layers[0].parameters(), 0.01), torch.optim.SGD(layers[1].parameters(), 0.1, 0.9)]
    run = Run({"layers": layers, "first": optimizers[0], "second": optimizers[1]}, {}, file, progress=False)
    for stretch in (N_STEPS // 2, N_STEPS):
        if run.step == N_STEPS // 2:
            layers[0].weight.data[layers[0].weight.abs() < 0.05] = 0.0
        for step in run.steps(stretch):
            layers.zero_grad()
            x, targets = images(step)
            TASK.loss(layers[1](layers[0](x).relu()), targets).backward()
            for optimizer in optimizers[0 if step < N_STEPS // 2 else 1 :]:
                optimizer.step()
                point()
    return (layers.state_dict(),)


def same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def go_on_until_killed(train, file, n):
    """Returns the step that was saved; a step passes one or two points."""
    before, child = saved_step(file), os.fork()
    if child == 0:
        train(file, Killer(n))
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert saved_step(file) >= before + (n - 1) // 2, "more than the step in flight was lost"
    return saved_step(file)


def saved_step(file):
    return torch.load(file, weights_only=True)["step"] if file.exists() else 0


if __name__ == "__main__":
    torch.set_num_threads(1)
    run.SAVE_SECONDS = 0.0
    folder, n_kills = Path(sys.argv[1]), int(sys.argv[2])
    for train in (plain, learning, bilevel, in_stages):
        file, whole = folder / f"{train.__name__}.pt", train(None, Killer())
        steps = [go_on_until_killed(train, file, random.randint(1, 3)) for _ in range(n_kills)]
        print(train.__name__, *steps, "same" if same(train(file, Killer()), whole) else "DIFFERENT")

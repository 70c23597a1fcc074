"""Inner loops: a few steps of gradient descent on separate weights, through which gradients reach the shared ones.

[Finn2017] C. Finn, P. Abbeel and S. Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks", ICML 2017,
Section 2.2, and Section 5.2 for its first-order approximation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch.func import functional_call
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from nastoolkit.blocks import Inputs
from nastoolkit.supernets import Supernet
from nastoolkit.support.counts import whole
from nastoolkit.tasks import Split

Network = Callable[[Inputs], torch.Tensor]
Weights = dict[str, torch.Tensor]


def adapt(
    supernet: Supernet,
    genotype: np.ndarray,
    task_loss: Callable[[Any, Any], torch.Tensor],
    support: Split,
    n_steps: int = 5,
    learning_rate: float = 0.1,
    first_order: bool = False,
) -> Network:
    """A sub-network after a few steps of gradient descent; the shared weights stay as they are.

    Gradients of its outputs reach the shared weights, also through the steps ([Finn2017]).

    Args:
        supernet: Gives the weights before the first step, and the mode.
        genotype: Sub-network ``(d,)``; only the weights that it uses are adapted.
        task_loss: Function of outputs and targets, such as a task's ``loss``.
        support: Examples for every step, at the size of the sub-network's inputs.
        n_steps: Number of steps.
        learning_rate: Learning rate of each step.
        first_order: Whether the steps' own gradients count as constants, which is cheaper and nearly as good.

    Returns:
        A function from inputs to outputs.
    """
    network, weights = supernet.functional(genotype)
    with nullcontext() if first_order else twice_derivable():
        for _ in range(whole("n_steps", n_steps, 0)):
            loss = task_loss(functional_call(network, weights, (support.inputs,)), support.targets)
            weights = _descended(weights, loss, learning_rate, first_order)
    return lambda inputs: functional_call(network, weights, (inputs,))


def _descended(weights: Weights, loss: torch.Tensor, learning_rate: float, first_order: bool) -> Weights:
    """Weights after a step down the gradient; statistics, and weights that the loss does not depend on, stay as they were."""
    names = [name for name, tensor in weights.items() if tensor.requires_grad]
    found = torch.autograd.grad(loss, [weights[name] for name in names], create_graph=not first_order, allow_unused=True)
    gradients = {name: gradient for name, gradient in zip(names, found, strict=True) if gradient is not None}
    return {**weights, **{name: weights[name] - learning_rate * gradient for name, gradient in gradients.items()}}


@contextmanager
def twice_derivable() -> Iterator[None]:
    """Inside this context, networks use operations that have second derivatives, which PyTorch's fastest ones do not have."""
    with sdpa_kernel(SDPBackend.MATH), _PlainSigmoid():
        yield


class _PlainSigmoid(TorchFunctionMode):
    """Computes the hard sigmoid from parts."""

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        if func is functional.hardsigmoid:
            return functional.relu6(args[0] + 3) / 6
        return func(*args, **(kwargs or {}))

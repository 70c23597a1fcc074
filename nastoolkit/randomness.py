"""Initial weights and dropout from our own generators, because all threads of a process share PyTorch's."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from nastoolkit.support.counts import whole

DRAWING = re.compile(  # parts of the names of functions that may draw
    "rand|normal|uniform|bernoulli|multinomial|exponential|geometric|cauchy|poisson|gumbel|dropout|rrelu|dot_product|rnn|lstm|gru|"
    "orthogonal|sparse_"
)


class drawn_from(TorchFunctionMode):  # noqa: N801  # reads as what it does
    """Inside this context, and only in this thread, PyTorch draws from a seed; no global generator is touched.

    The numbers are the same as after ``torch.manual_seed(seed)``.

    Args:
        seed: Random seed, 0 or more.

    Raises:
        TypeError: The seed is not a whole number.
        ValueError: The seed is below 0.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._draws = _WithGenerator(whole("seed", seed, 0))

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        """Inspect only functions that may draw: inspecting all would take a third of a training step."""
        if not _may_draw(getattr(func, "__name__", "")):
            return func(*args, **(kwargs or {}))
        with self._draws:
            return func(*args, **(kwargs or {}))


def repeatable(network: nn.Module) -> AbstractContextManager[Any]:
    """A context in which a network gives the same outputs every time; it costs nothing unless a module of it draws.

    Such modules say so by an attribute ``always_draws``.
    """
    draws = any(getattr(module, "always_draws", False) for module in network.modules())
    return drawn_from(0) if draws else nullcontext()


@cache
def _may_draw(name: str) -> bool:
    return DRAWING.search(name) is not None


class _WithGenerator(TorchDispatchMode):
    """Gives every operation that draws the generator of its device."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed
        self._generators: dict[torch.device, torch.Generator] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        kwargs, packet = dict(kwargs or {}), func.overloadpacket
        device = torch.device(kwargs.get("device") or next((a.device for a in args if isinstance(a, torch.Tensor)), "cpu"))
        if device.type == "meta" or kwargs.get("generator") is not None:
            return func(*args, **kwargs)
        if packet is torch.ops.aten.native_dropout and args[2] is not False:
            return self._dropout(*args[:2])
        if any(argument.name == "generator" for argument in func._schema.arguments):
            kwargs["generator"] = self._generator(device)
        elif "generator" in packet.overloads():
            func, kwargs["generator"] = packet.generator, self._generator(device)
        return func(*args, **kwargs)

    def _dropout(self, x: torch.Tensor, p: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Dropout, which on a GPU is a single operation that takes no generator."""
        kept = torch.empty_like(x, dtype=torch.bool).bernoulli_(1 - p, generator=self._generator(x.device))
        return x * kept * (1 / (1 - p) if p < 1 else 0.0), kept

    def _generator(self, device: torch.device) -> torch.Generator:
        if device not in self._generators:
            self._generators[device] = torch.Generator(device).manual_seed(self._seed)
        return self._generators[device]

"""Taps: outputs of named parts of a network while it runs. They do not change the network's results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import nn


@contextmanager
def taps(
    parts: Mapping[str, nn.Module], see: Callable[[str, Any], object], before: Callable[[str], object] | None = None
) -> Iterator[None]:
    """Show outputs of a network's parts when it runs in this context; ``features.__setitem__`` as ``see`` collects them.

    Args:
        parts: Parts by name, such as :func:`parts_of` or :meth:`nastoolkit.supernets.Supernet.blocks` give.
        see: Function called with the name and the outputs of a part after each run of it.
        before: Function called with the name of a part before each run of it.
    """
    handles = [part.register_forward_hook(partial(_show, see, name)) for name, part in parts.items()]
    if before is not None:
        handles += [part.register_forward_pre_hook(partial(_announce, before, name)) for name, part in parts.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _show(see: Callable[[str, Any], object], name: str, _part: nn.Module, _inputs: object, outputs: Any) -> None:
    see(name, outputs)


def _announce(before: Callable[[str], object], name: str, _part: nn.Module, _inputs: object) -> None:
    before(name)


def without_head(network: nn.Module) -> nn.Module:
    """A chain of blocks without its last one, the head; it shares their weights, and gives what the head sees."""
    return nn.Sequential(*list(network.children())[:-1])


def parts_of(network: nn.Module, names: Iterable[str]) -> dict[str, nn.Module]:
    """Parts of a network by their dotted names.

    Raises:
        ValueError: The network has no part with this name.
    """
    known = dict(network.named_modules())
    if unknown := [name for name in names if name not in known]:
        raise ValueError(
            f"the network has no part {', '.join(map(repr, unknown))}; its parts are {', '.join(filter(None, known))}"
        )
    return {name: known[name] for name in names}

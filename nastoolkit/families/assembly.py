"""Networks from named blocks: the dots in their names become nested containers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def chain(blocks: Mapping[str, nn.Module]) -> nn.Sequential:
    """Blocks in order; dots in their names become nested containers: ``stage1.block2`` is child ``block2`` of ``stage1``."""
    return nest(nn.Sequential(), blocks)


def nest(
    network: Network, blocks: Mapping[str, nn.Module], containers: Mapping[str, type[nn.Module]] | None = None
) -> Network:
    """A network after adding the blocks at their dotted paths, in order.

    Args:
        network: Network, which is changed in place and also returned.
        blocks: Blocks by their dotted paths.
        containers: Container of the blocks at a path; by default a chain.
    """
    for path, block in blocks.items():
        prefix, _, name = path.rpartition(".")
        _container(network, prefix, containers or {}).add_module(name, block)
    return network


def _container(network: nn.Module, path: str, containers: Mapping[str, type[nn.Module]]) -> nn.Module:
    if not path:
        return network
    prefix, _, name = path.rpartition(".")
    outer = _container(network, prefix, containers)
    if name not in outer._modules:
        outer.add_module(name, containers.get(path, nn.Sequential)())
    return outer.get_submodule(name)

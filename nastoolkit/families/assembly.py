"""Networks from named blocks: the dots in their names become nested containers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def chain(blocks: Mapping[str, nn.Module]) -> nn.Sequential:
    """Blocks in order; dots in their names become nested containers: ``stage1.block2`` is child ``block2`` of ``stage1``."""
    return nest(nn.Sequential(), blocks)


def nest(network: Network, blocks: Mapping[str, nn.Module]) -> Network:
    """A network after adding the blocks at their dotted paths, in order, in containers that are chains."""
    for path, block in blocks.items():
        prefix, _, name = path.rpartition(".")
        _container(network, prefix).add_module(name, block)
    return network


def _container(network: nn.Module, path: str) -> nn.Module:
    for name in filter(None, path.split(".")):
        if name not in network._modules:
            network.add_module(name, nn.Sequential())
        network = network.get_submodule(name)
    return network

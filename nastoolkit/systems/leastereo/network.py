"""Networks for stereo: cells on a path through a trellis of levels, or on all of its paths at once ([Cheng2020])."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from math import ceil
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

SKIP, CONV = OPTIONS = (0, 1)  # what an edge of a cell may be
Edge = tuple[int, int]  # node from 0, and its source: 0 and 1 are the cell's inputs, 2 is node 0
KINDS: dict[int, tuple[type[nn.Module], type[nn.Module], str]] = {
    2: (nn.Conv2d, nn.BatchNorm2d, "bilinear"),
    3: (nn.Conv3d, nn.BatchNorm3d, "trilinear"),
}


@dataclass(frozen=True)
class StereoShape:
    """Sizes of a network.

    Attributes:
        layers: Cells on a path of the feature network, and of the matching network.
        n_levels: Levels of both; each has half the resolution of the one before, and twice its channels.
        width: Channels of a node at level 0.
        n_nodes: Nodes of a cell.
        n_joined: Last nodes of a cell, whose channels together are its output.
        stride: Pixels of the image for one of level 0, in each direction.
        max_disparity: Disparities below this one are told apart, in pixels of the image.
        joins: Earlier and later cell of the matching network whose outputs are put together after the later one.

    Raises:
        ValueError: Disparities are no multiple of the stride, a path has no cell, or more nodes are joined than there are.
    """

    layers: tuple[int, int]
    n_levels: int
    width: int
    n_nodes: int
    n_joined: int
    stride: int
    max_disparity: int
    joins: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if self.max_disparity < self.stride or self.max_disparity % self.stride:
            raise ValueError(f"max_disparity must be a multiple of the stride {self.stride}, got {self.max_disparity}")
        if min(*self.layers, self.n_levels - 1) < 1:
            raise ValueError(f"a trellis needs layers and two levels, got layers {self.layers} and {self.n_levels} levels")
        if not 1 <= self.n_joined <= self.n_nodes + 1:
            raise ValueError(f"n_joined must be between 1 and {self.n_nodes + 1}, one more than n_nodes, got {self.n_joined}")


class Design(NamedTuple):
    """A feature or matching network that is decided: the level of each of its cells, and what its edges are."""

    path: tuple[int, ...]
    edges: tuple[tuple[int, int, int], ...]  # node, source and option


class Mix(NamedTuple):
    """Weights of a network that is not decided."""

    routes: torch.Tensor  # (n_layers, n_levels, n_levels), of an output on its way to a level from a level
    shares: torch.Tensor  # (n_edges, 2), of the options of all edges

    @property
    def ends(self) -> torch.Tensor:
        """Shares ``(n_levels,)`` of all paths, weighted, that end at each level."""
        reached = reduce(lambda now, ways: ways @ now, self.routes, torch.eye(len(self.routes[0]))[0].to(self.routes))
        return reached / reached.sum()


def all_edges(n_nodes: int) -> list[Edge]:
    """Every node sees both inputs of its cell and all nodes before it."""
    return [(node, source) for node in range(n_nodes) for source in range(node + 2)]


def conv(dims: int, before: int, after: int, kernel: int = 3, stride: int = 1, plain: bool = False) -> nn.Module:
    """Convolution over two or three dimensions, with batch normalisation and ReLU unless it is plain."""
    convolution, norm, _ = KINDS[dims]
    layer = convolution(before, after, kernel, stride, kernel // 2, bias=False)
    return layer if plain else nn.Sequential(layer, norm(after), nn.ReLU())


class StereoCell(nn.Module):
    """Nodes that are sums over their edges, of which each has options; its output has the channels of the last nodes."""

    def __init__(self, dims: int, channels: int, options: Mapping[Edge, Sequence[int]], n_joined: int) -> None:
        super().__init__()
        self.number, self.n_joined = {edge: number for number, edge in enumerate(options)}, n_joined
        made = ([conv(dims, channels, channels) if one else nn.Identity() for one in own] for own in options.values())
        self.edges = nn.ModuleList(map(nn.ModuleList, made))

    def forward(self, inputs: list[torch.Tensor], shares: torch.Tensor | None) -> torch.Tensor:
        """Both inputs ``(n, channels, ...)`` to ``(n, channels * n_joined, ...)``."""
        states = list(inputs)
        for node in sorted({node for node, _ in self.number}):
            terms = [self._term(edge, states[edge[1]], shares) for edge in self.number if edge[0] == node]
            states.append(reduce(torch.add, terms))
        return torch.cat(states[-self.n_joined :], 1)

    def _term(self, edge: Edge, x: torch.Tensor, shares: torch.Tensor | None) -> torch.Tensor:
        number = self.number[edge]
        found = [option(x) for option in self.edges[number].children()]
        return found[0] if shares is None else reduce(torch.add, map(torch.mul, shares[number], found))


class Trellis(nn.Module):
    """Cells in layers and levels; they see the cells of the two layers before, from at most a level away for each layer.

    Args:
        dims: 2 for features, 3 for matching.
        shape: Sizes of both networks.
        design: What is decided; None for a network that needs a :class:`Mix`.
        n_outputs: Channels of the output.
        kernel: Kernel of the last convolution.
    """

    def __init__(self, dims: int, shape: StereoShape, design: Design | None, n_outputs: int, kernel: int) -> None:
        super().__init__()
        self.dims, self.shape, n_layers = dims, shape, shape.layers[dims - 2]
        self.levels = [[level] for level in design.path] if design else reached(n_layers, shape.n_levels)
        mixed = dict.fromkeys(all_edges(shape.n_nodes), OPTIONS)
        options = {(node, source): (one,) for node, source, one in design.edges} if design else mixed
        self.width = shape.width * shape.n_joined
        self.joins = {late: early for early, late in shape.joins} if design and dims == 3 else {}
        self.cells, self.takes, self.lifts = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        before = [[0], [0], *self.levels]
        for layer, level in ((layer, level) for layer, levels in enumerate(self.levels) for level in levels):
            channels = shape.width << level
            self.cells[f"{layer}_{level}"] = StereoCell(dims, channels, options, shape.n_joined)
            pairs = product((1, 2), range(shape.n_levels))
            for back, source in (pair for pair in pairs if pair[1] in before[layer + 2 - pair[0]]):
                self.takes[f"{layer}_{level}_{back}_{source}"] = conv(dims, self.width << source, channels, 1)
        for level in range(1, max(self.levels[-1]) + 1):
            self.lifts[str(level)] = conv(dims, self.width << level, self.width << level - 1, 1)
        self.joined = nn.ModuleDict({str(late): self._join(late) for late in self.joins})
        self.last = conv(dims, self.width, n_outputs, kernel, plain=True)

    def _join(self, late: int) -> nn.Module:
        early, own = (self.width << self.levels[layer][0] for layer in (self.joins[late], late))
        return conv(self.dims, early + own, own)

    def forward(self, before: torch.Tensor, now: torch.Tensor, mix: Mix | None) -> torch.Tensor:
        """Outputs of both stems ``(n, width * n_joined, ...)`` to ``(n, n_outputs, ...)``."""
        outs, sizes = [{0: before}, {0: now}], [list(now.shape[2:])]
        for _ in range(1, self.shape.n_levels):
            sizes.append([ceil(side / 2) for side in sizes[-1]])
        for layer, levels in enumerate(self.levels):
            new = {}
            for level in levels:
                inputs = [self._taken(layer, level, back, outs[-back], sizes[level], mix) for back in (2, 1)]
                new[level] = self.cells[f"{layer}_{level}"](inputs, mix.shares if mix else None)
            if layer in self.joins:
                new = {level: self._joined(layer, x, outs[2 + self.joins[layer]]) for level, x in new.items()}
            outs.append(new)
        ends = [self._lifted(level, x, sizes) * (mix.ends[level] if mix else 1) for level, x in outs[-1].items()]
        return self.last(reduce(torch.add, ends))

    def _taken(
        self, layer: int, level: int, back: int, outs: dict[int, torch.Tensor], size: list[int], mix: Mix | None
    ) -> torch.Tensor:
        """One input of a cell: the sum over levels of a layer before, weighted by all ways that lead here from there."""
        ways = None
        if mix:
            ways = mix.routes[layer] @ mix.routes[layer - 1] if back == 2 and layer else mix.routes[layer]
        terms = []
        for source, x in outs.items():
            if (name := f"{layer}_{level}_{back}_{source}") in self.takes:
                taken = self.takes[name](self._resized(x, size))
                terms.append(taken if ways is None else ways[level, source] * taken)
        return reduce(torch.add, terms)

    def _joined(self, layer: int, x: torch.Tensor, earlier: dict[int, torch.Tensor]) -> torch.Tensor:
        sized = [self._resized(one, list(x.shape[2:])) for one in earlier.values()]
        return self.joined[str(layer)](torch.cat([*sized, x], 1))

    def _lifted(self, level: int, x: torch.Tensor, sizes: list[list[int]]) -> torch.Tensor:
        """An output at level 0: half the channels and twice the resolution, so many times."""
        for upper in range(level, 0, -1):
            x = self._resized(self.lifts[str(upper)](x), sizes[upper - 1])
        return x

    def _resized(self, x: torch.Tensor, size: list[int]) -> torch.Tensor:
        return x if list(x.shape[2:]) == size else functional.interpolate(x, size, mode=KINDS[self.dims][2])


def reached(n_layers: int, n_levels: int) -> list[list[int]]:
    """Levels of each layer that a path from level 0 can come to."""
    return [list(range(min(layer + 2, n_levels))) for layer in range(n_layers)]


def volume(left: torch.Tensor, right: torch.Tensor, n: int) -> torch.Tensor:
    """Concatenation volume ``(b, 2 * c, n, h, w)``: slice d has left features, and the right ones moved d to the right.

    Raises:
        ValueError: Some disparities are beyond the width of the features ``(b, c, h, w)``.
    """
    width = left.shape[-1]
    if n > width:
        raise ValueError(f"a volume of {n} disparities needs features at least as wide, got {width}")
    slices = [torch.cat([left[..., d:], right[..., : width - d]], 1) for d in range(n)]
    return torch.stack([functional.pad(one, (d, 0)) for d, one in enumerate(slices)], 2)


def soft_argmin(costs: torch.Tensor) -> torch.Tensor:
    """Mean disparity ``(b, h, w)`` under the softmax of minus the costs ``(b, n, h, w)``."""
    disparities = torch.arange(costs.shape[1], dtype=costs.dtype, device=costs.device)
    return torch.einsum("bnhw,n->bhw", (-costs).softmax(1), disparities)


class StereoNet(nn.Module):
    """Disparities of the left image of each pair, from shared features, a volume, and matching.

    Args:
        shape: Sizes.
        designs: Feature and matching network that are decided; None for the network that a search trains.
    """

    def __init__(self, shape: StereoShape, designs: tuple[Design, Design] | None = None) -> None:
        super().__init__()
        self.shape, width = shape, shape.width * shape.n_joined
        chains = [(3, width // 2, 1), (width // 2, width, shape.stride), (width, width, 1)]
        self.stem = nn.ModuleList(conv(2, before, after, 3, stride) for before, after, stride in chains)
        self.features = Trellis(2, shape, designs[0] if designs else None, width, 1)
        self.matching_stem = nn.ModuleList([conv(3, 2 * width, width), conv(3, width, width)])
        self.matching = Trellis(3, shape, designs[1] if designs else None, 1, 3)

    def forward(self, views: tuple[torch.Tensor, torch.Tensor], mixes: tuple[Mix, Mix] | None = None) -> torch.Tensor:
        """Left and right images ``(n, 3, h, w)`` to disparities ``(n, h, w)`` in pixels."""
        of_features, of_matching = mixes or (None, None)
        before = self.stem[1](self.stem[0](torch.cat(views)))
        left, right = self.features(before, self.stem[2](before), of_features).chunk(2)
        earlier = self.matching_stem[0](volume(left, right, self.shape.max_disparity // self.shape.stride))
        costs = self.matching(earlier, self.matching_stem[1](earlier), of_matching)
        size = [self.shape.max_disparity, *views[0].shape[2:]]
        return soft_argmin(functional.interpolate(costs, size, mode="trilinear")[:, 0])


def n_params(network: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters())

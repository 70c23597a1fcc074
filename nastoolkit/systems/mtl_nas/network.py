"""Two networks of one shape side by side, with gates on edges between their layers ([Gao2020])."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from nastoolkit.blocks import convolution

EPS, MOMENTUM = 1e-3, 0.05  # of the fusions' batch normalisation


@dataclass(frozen=True)
class Shape:
    """What both towers look like; convolutions are 3x3, and each later stage begins with a maximum over 2x2 pixels.

    Attributes:
        depths: Layers of each stage.
        widths: Channels of each stage.
        reach: A layer sees so many of the other tower's layers, from its own back, but only those of its stage.

    Raises:
        ValueError: Some stage has no layer or no width, or there are no edges.
    """

    depths: Sequence[int]
    widths: Sequence[int]
    reach: int = 3

    def __post_init__(self) -> None:
        if len(self.depths) != len(self.widths) or min(self.depths, default=0) < 1:
            raise ValueError(f"each stage must have a layer and a width, got depths {self.depths} and widths {self.widths}")
        if self.reach < 1:
            raise ValueError(f"reach must be at least 1, got {self.reach}")

    @property
    def stages(self) -> list[int]:
        """Stage of each layer."""
        return [stage for stage, depth in enumerate(self.depths) for _ in range(depth)]

    @property
    def sources(self) -> list[list[int]]:
        """Layers of the other tower that each layer sees, the one of its own depth first."""
        stages = self.stages
        places = (range(layer, max(-1, layer - self.reach), -1) for layer in range(len(stages)))
        return [[source for source in seen if stages[source] == stages[seen[0]]] for seen in places]

    @property
    def edges(self) -> list[tuple[int, int, int]]:
        """Tower, its layer, and the layer of the other tower that it sees, of each gate."""
        return [(tower, layer, source) for tower in range(2) for layer, seen in enumerate(self.sources) for source in seen]


class Tower(nn.Module):
    """A backbone and its last layer, whose outputs are enlarged to the size of the image."""

    def __init__(self, shape: Shape, n_outputs: int) -> None:
        super().__init__()
        channels, stages = [3, *(shape.widths[stage] for stage in shape.stages)], shape.stages
        self.begins = [number > 0 and stage != stages[number - 1] for number, stage in enumerate(stages)]
        pairs = zip(channels, channels[1:], strict=False)
        self.layers = nn.ModuleList(convolution(before, after, 3, 1, act="relu") for before, after in pairs)
        self.last = nn.Conv2d(channels[-1], n_outputs, 1)

    def layer(self, number: int, x: torch.Tensor) -> torch.Tensor:
        """Outputs of one layer."""
        return self.layers[number](functional.max_pool2d(x, 2) if self.begins[number] else x)

    def answers(self, x: torch.Tensor, size: torch.Size) -> torch.Tensor:
        """The last layer's outputs ``(n, n_outputs, *size)``."""
        return functional.interpolate(self.last(x), size, mode="bilinear")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The tower alone: images ``(n, 3, h, w)`` to ``(n, n_outputs, h, w)``."""
        x = images
        for number in range(len(self.layers)):
            x = self.layer(number, x)
        return self.answers(x, images.shape[2:])


class Fusion(nn.Module):
    """A layer's features and those that it sees, through a 1x1 convolution, batch normalisation and ReLU.

    In the beginning it passes its own layer's features on as they are, and nothing of the others.
    """

    def __init__(self, channels: int, n_seen: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels * (1 + n_seen), channels, 1, bias=False)
        self.bn = nn.BatchNorm2d(channels, EPS, MOMENTUM)
        with torch.no_grad():
            nn.init.zeros_(self.conv.weight)[:, :channels, 0, 0].fill_diagonal_(1)
            self.bn.state_dict()["running_var"].fill_(1 - EPS)

    def forward(self, own: torch.Tensor, seen: Sequence[torch.Tensor]) -> torch.Tensor:
        """``(n, channels, h, w)`` to the same shape."""
        return functional.relu(self.bn(self.conv(torch.cat([own, *seen], 1))))


class Towers(nn.Module):
    """A tower for each of two tasks, with fusions after all layers.

    Args:
        shape: Shape of both.
        n_outputs: Numbers of outputs of both.
    """

    def __init__(self, shape: Shape, n_outputs: tuple[int, int]) -> None:
        super().__init__()
        self.shape, self.pair = shape, [Tower(shape, n) for n in n_outputs]
        widths = [shape.widths[stage] for stage in shape.stages]
        self.fused = [[Fusion(n, len(seen)) for n, seen in zip(widths, shape.sources, strict=True)] for _ in n_outputs]
        self.kept = nn.ModuleList([*self.pair, *self.fused[0], *self.fused[1]])

    def forward(self, images: torch.Tensor, gates: torch.Tensor | None = None) -> torch.Tensor:
        """Outputs ``(n, sum of n_outputs, h, w)`` of both towers.

        Args:
            images: Images ``(n, 3, h, w)``.
            gates: Factor of each edge ``(n_edges,)``, in the order of ``shape.edges``; None leaves out all fusions.
        """
        if gates is None:
            return torch.cat([tower(images) for tower in self.pair], 1)
        factors = dict(zip(self.shape.edges, gates.unbind(), strict=True))
        now, features = [images, images], list[list[torch.Tensor]]()
        for layer, sources in enumerate(self.shape.sources):
            features.append([tower.layer(layer, x) for tower, x in zip(self.pair, now, strict=True)])
            for own in range(2):
                seen = [factors[own, layer, source] * features[source][1 - own] for source in sources]
                now[own] = self.fused[own][layer](features[layer][own], seen)
        return torch.cat([tower.answers(x, images.shape[2:]) for tower, x in zip(self.pair, now, strict=True)], 1)


class Gated(nn.Module):
    """Towers with gates ``(n_edges,)`` that stay as they are."""

    def __init__(self, towers: Towers, gates: torch.Tensor) -> None:
        super().__init__()
        self.towers, self.gates = towers, gates

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """See :class:`Towers`."""
        return self.towers(images, self.gates)

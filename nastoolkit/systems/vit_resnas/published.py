"""The three networks that the paper found for ImageNet ([Liao2021]; see the package), as sub-networks of our families.

Sizes of layers are those of the released scripts, https://github.com/yilunliao/vit-search, commit 303e7c3. The scripts
list the layers that are left; for the small network the released notes say, too, which ones are not. For the others this is
not known: here it is the last one that may go, which changes nothing but names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nastoolkit.families import FAMILIES, Family


@dataclass(frozen=True)
class PublishedStage:
    """Channels, heads and hidden units of the layers of a stage, and the numbers of those that are left out."""

    dim: int
    heads: Sequence[int]
    ffn: Sequence[int]
    without: Sequence[int] = ()

    def options(self, number: int) -> dict[str, Any]:
        """Options by name, as stage of this number."""
        n_layers = len(self.heads) + len(self.without)
        left = [layer for layer in range(1, n_layers + 1) if layer not in self.without]
        found: dict[str, Any] = {f"stage{number}.dim": self.dim}
        found |= {f"stage{number}.layer{layer}.depth": int(layer in left) for layer in range(2, n_layers + 1, 2)}
        for layer, heads, ffn in zip(left, self.heads, self.ffn, strict=True):
            found |= {f"stage{number}.layer{layer}.heads": heads, f"stage{number}.layer{layer}.ffn": ffn}
        return found


@dataclass(frozen=True)
class Published:
    """A network of the paper: key of its family in ``FAMILIES``, its MACs in 10^9 as printed, and its stages."""

    family_name: str
    gmacs: float
    stages: tuple[PublishedStage, ...]

    @property
    def family(self) -> Family:
        """Its family."""
        return FAMILIES[self.family_name]()

    @property
    def genotype(self) -> np.ndarray:
        """Its genotype ``(d,)``."""
        options = [stage.options(number) for number, stage in enumerate(self.stages, start=1)]
        return self.family.space.encode({name: option for own in options for name, option in own.items()})


PUBLISHED = {
    "tiny": Published(
        "vit-resnas-tiny",
        1.783,
        (
            PublishedStage(176, (3, 3, 3, 4, 4), (704, 576, 640, 576, 704), without=(6,)),
            PublishedStage(352, (10, 8, 8, 8, 10, 10), (1408, 1408, 1280, 1408, 1280, 1024)),
            PublishedStage(704, (10, 10, 10, 8, 8), (2560, 1792, 2816, 2816, 2560), without=(6,)),
        ),
    ),
    "small": Published(
        "vit-resnas-small",
        2.846,
        (
            PublishedStage(220, (5, 5, 7, 5, 5, 5), (880, 880, 800, 720, 720, 720), without=(4,)),
            PublishedStage(440, (10, 10, 10, 10, 12, 12), (1760, 1440, 1920, 1600, 1600, 1440), without=(6,)),
            PublishedStage(880, (16, 12, 16, 12, 14), (3200, 3200, 2880, 2240, 2560), without=(4, 6)),
        ),
    ),
    "medium": Published(
        "vit-resnas-small",
        4.513,
        (
            PublishedStage(240, (7, 6, 7, 8, 7, 8, 6), (960, 960, 800, 960, 880, 880, 800)),
            PublishedStage(640, (10, 14, 14, 16, 14, 16, 16), (1120, 1760, 1920, 1760, 1440, 1760, 1920)),
            PublishedStage(880, (16, 10, 16, 12, 16, 14), (3200, 3840, 3840, 3200, 3520, 3520), without=(6,)),
        ),
    ),
}

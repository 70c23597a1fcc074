"""Multi-stage Vision Transformers with elastic widths and depths: images shrink and channels grow between stages.

[Liao2021] Y.-L. Liao, S. Karaman and V. Sze, "Searching for Efficient Multi-Stage Vision Transformers", arXiv 2109.00642,
Section 3; sizes and options are those of its released search spaces, https://github.com/yilunliao/vit-search,
commit 303e7c3: ``sr_tiny_mh``, and ``sr_small_mh`` for its small and its medium network.
[Dosovitskiy2021] A. Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale",
ICLR 2021, Section 3.1.

Differs from the paper in: no dropout and no stochastic depth; logits are those of the class token alone, where the released
networks have a second layer, for mixing patches in training; MACs are the same, as theirs leave that layer out, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from nastoolkit.families.base import Family, Slot
from nastoolkit.families.multi_stage_blocks import PatchTokens, SpatialReduction, StageLayer
from nastoolkit.families.vit import NormedLogits
from nastoolkit.space import Choice, SearchSpace


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stretch of layers on images of one size.

    Attributes:
        dims: Options of the channels between layers.
        head_dim: Channels of queries, keys and values in a head.
        heads: Options of every layer.
        ffn: Hidden units of the feed-forward network, options of every layer.
        n_layers: Number of layers, of which every second one may be left out.
    """

    dims: tuple[int, ...]
    head_dim: int
    heads: tuple[int, ...]
    ffn: tuple[int, ...]
    n_layers: int


@dataclass(frozen=True, kw_only=True)
class Table:
    """One multi-stage ViT.

    Attributes:
        image_size: Height and width, in pixels.
        patch_size: Height and width of a patch.
        image_channels: 3 for colours.
        stages: Its stages; each halves height and width of the one before.
        n_classes: Outputs.
        stem: Channels of three convolutions before the patches; 0 for none.
        has_skip: Whether a spatial reduction adds what it gets, pooled, to what it computes.
        eps: Number that layer normalisation adds to variances.

    Raises:
        ValueError: Images do not divide into patches, or patches not in halves; or channels may shrink between stages.
    """

    image_size: int
    patch_size: int
    image_channels: int
    stages: tuple[Stage, ...]
    n_classes: int
    stem: int = 0
    has_skip: bool = True
    eps: float = 1e-6

    def __post_init__(self) -> None:
        side, rest = divmod(self.image_size, self.patch_size)
        if rest or side % 2 ** (len(self.stages) - 1):
            halvings = f"{len(self.stages) - 1} times in halves"
            raise ValueError(f"{self.image_size} pixels in patches of {self.patch_size} do not divide, and then {halvings}")
        for before, after in zip(self.stages, self.stages[1:], strict=False):
            if max(before.dims) > min(after.dims):
                raise ValueError(f"channels never shrink between stages, got {before.dims} and then {after.dims}")


def _stage(width: int, heads: tuple[int, ...], head_dim: int, ffn: int, n_layers: int) -> Stage:
    """A stage of [Liao2021]: five options of the channels and seven of the hidden units, as shares of the largest."""
    dims = tuple(width * share // 16 for share in (16, 14, 12, 11, 10))
    return Stage(
        dims=dims, head_dim=head_dim, heads=heads, ffn=tuple(ffn * n // 12 for n in range(12, 5, -1)), n_layers=n_layers
    )


TINY = Table(
    image_size=224,
    patch_size=14,
    image_channels=3,
    stages=(
        _stage(256, (6, 5, 4, 3), 32, 768, 6),
        _stage(512, (12, 10, 8, 6), 48, 1536, 6),
        _stage(1024, (12, 10, 8, 6), 64, 3072, 6),
    ),
    n_classes=1000,
    stem=24,
)

SMALL = Table(
    image_size=224,
    patch_size=14,
    image_channels=3,
    stages=(
        _stage(320, (8, 7, 6, 5), 32, 960, 7),
        _stage(640, (16, 14, 12, 10), 48, 1920, 7),
        _stage(1280, (16, 14, 12, 10), 64, 3840, 7),
    ),
    n_classes=1000,
    stem=24,
)

DIGITS = Table(
    image_size=32,
    patch_size=8,
    image_channels=1,
    stages=(
        Stage(dims=(32, 24, 16), head_dim=8, heads=(4, 3, 2), ffn=(64, 48, 32), n_layers=2),
        Stage(dims=(64, 48, 32), head_dim=16, heads=(4, 3, 2), ffn=(128, 96, 64), n_layers=2),
        Stage(dims=(96, 80, 64), head_dim=24, heads=(4, 3, 2), ffn=(192, 144, 96), n_layers=2),
    ),
    n_classes=10,
)


class MultiStageViTFamily(Family):
    """The multi-stage ViTs of a table: ``(n, channels, size, size)`` to logits ``(n, n_classes)``.

    Args:
        name: Key in ``FAMILIES``.
        table: Sizes and options.
    """

    def __init__(self, name: str, table: Table) -> None:
        self.table = table
        choices = [choice for number, stage in enumerate(table.stages, start=1) for choice in _choices(number, stage)]
        super().__init__(name, SearchSpace(choices), tuple(_slots(table)))

    def __reduce__(self) -> tuple[type, tuple[str, Table]]:
        return type(self), (self.name, self.table)


def _choices(number: int, stage: Stage) -> list[Choice]:
    """Channels, and for each layer whether it is there, its heads and its hidden units."""
    choices = [Choice(f"stage{number}.dim", stage.dims)]
    for layer in range(1, stage.n_layers + 1):
        name, may_go = f"stage{number}.layer{layer}", layer % 2 == 0
        when = (f"{name}.depth", (1,)) if may_go else None
        choices += [Choice(f"{name}.depth", (0, 1))] * may_go
        choices += [Choice(f"{name}.heads", stage.heads, when), Choice(f"{name}.ffn", stage.ffn, when)]
    return choices


def _slots(table: Table) -> list[Slot]:
    side, slots = table.image_size // table.patch_size, list[Slot]()
    for number, stage in enumerate(table.stages, start=1):
        dim = f"stage{number}.dim"
        if number == 1:
            slots.append(Slot("patches", (dim,), partial(_patches, table)))
        else:
            side //= 2
            make = partial(SpatialReduction, side=side, has_skip=table.has_skip, eps=table.eps)
            slots.append(Slot(f"stage{number}.reduction", (f"stage{number - 1}.dim", dim), make))
        for layer in range(1, stage.n_layers + 1):
            name = f"stage{number}.layer{layer}"
            depth = (f"{name}.depth",) if layer % 2 == 0 else ()
            make_layer = partial(_layer, stage.head_dim, side**2 + 1, table.eps)
            slots.append(Slot(name, (dim, f"{name}.heads", f"{name}.ffn", *depth), make_layer))
    last = partial(_logits, table, side**2 + 1)
    return [*slots, Slot("classifier", (f"stage{len(table.stages)}.dim",), last)]


def _patches(table: Table, dim: int) -> PatchTokens:
    return PatchTokens(table.image_channels, dim, table.patch_size, table.image_size, table.stem)


def _layer(head_dim: int, length: int, eps: float, dim: int, heads: int, ffn: int, depth: int = 1) -> StageLayer | None:
    if not depth:
        return None
    how: dict[str, Any] = {"act": "gelu", "norm_first": True, "eps": eps}
    return StageLayer(dim=dim, qkv_dim=heads * head_dim, n_heads=heads, ffn=ffn, length=length, **how)


def _logits(table: Table, length: int, dim: int) -> NormedLogits:
    return NormedLogits(dim, table.n_classes, length, table.eps)

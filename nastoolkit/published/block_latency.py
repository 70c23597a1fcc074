"""Published latency tables of Once-for-All's blocks: a Samsung Note10 and an Intel i7-8700K.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020, Section 3.4.
[Lu2020] Z. Lu et al., "NSGANetV2: Evolutionary Multi-Objective Surrogate-Assisted Neural Architecture Search", ECCV 2020.

Sources: the Note10's from https://github.com/gatech-sysml/CompOFA, commit 6b53946; the i7-8700K's from
https://github.com/mikelzc1990/nsganetv2, commit 04c495a. No file names its unit; judging by their size, the numbers are ms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import yaml

from nastoolkit.blocks import BlockSpec, Classifier, Conv, GlobalPool, output_size
from nastoolkit.families import FAMILIES, Family
from nastoolkit.families.mbconv_blocks import MBConv
from nastoolkit.published.sources import find
from nastoolkit.space import SearchSpace

try:
    from yaml import CSafeLoader as SafeLoader  # ten times faster
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]

Resolutions = tuple[int, ...]


class BlockLatency:
    """A published time for each block of a family; a network's latency is their sum.

    Args:
        family: Family that the blocks belong to.
        tables: Times in ms by the keys of the published file, for each group of resolutions with its own table.
        key: Function from a block spec to the file's key; None for a block that the file leaves out.
    """

    def __init__(
        self, family: Family, tables: Mapping[Resolutions, dict[str, float]], key: Callable[[BlockSpec], str | None]
    ) -> None:
        self.family = family
        self.resolutions = tuple(sorted(resolution for group in tables for resolution in group))
        self._gene = family.space.names.index("resolution")
        options = family.space.choices[self._gene].options
        self._is_measured = np.array([[option in group for group in tables] for option in options])
        self._sums = family.tabulate(lambda spec: [_block_ms(key, table, spec) for table in tables.values()])

    def latency_ms(self, genotypes: np.ndarray) -> np.ndarray:
        """Latency ``(n,)`` of one image, in ms, for genotypes ``(n, d)``; an exact objective.

        Raises:
            ValueError: A network's resolution was not measured; search in ``space``.
        """
        totals = self._sums(genotypes)
        measured = self._is_measured[np.asarray(genotypes)[..., self._gene]]
        total = np.where(measured, totals, 0).sum(axis=-1)
        if np.isnan(total).any() or not measured.any(axis=-1).all():
            raise ValueError(f"this table knows {self.family.name!r} at resolutions {self.resolutions} only")
        return total

    @property
    def space(self) -> SearchSpace:
        """The part of the family's space that was measured."""
        return self.family.space.restrict({"resolution": self.resolutions})


def _block_ms(key: Callable[[BlockSpec], str | None], table: Mapping[str, float], spec: BlockSpec) -> float:
    """Time of one block; NaN if it was not measured."""
    name = key(spec)
    return 0.0 if name is None else table.get(name, np.nan)


def note10(folder: str | Path | None = None) -> BlockLatency:
    """The Samsung Note10's tables, of ``ofa-mbv3-w1.2`` at 160, 176, 192, 208 and 224 pixels.

    Each resolution was measured separately, so a block that occurs at two resolutions has a time in both tables.

    Args:
        folder: See :func:`nastoolkit.published.find`.
    """
    files = find("ofa-note10-lut", folder)
    tables: dict[Resolutions, dict[str, float]] = {(int(name.partition("_")[0]),): _means_ms(files[name]) for name in files}
    return BlockLatency(FAMILIES["ofa-mbv3-w1.2"](), tables, _note10_key)


def i7_8700k(family: str = "ofa-mbv3-w1.0", folder: str | Path | None = None) -> BlockLatency:
    """The Intel i7-8700K's table, at all resolutions. It has no time for pooling, which is left out.

    Args:
        family: ``ofa-mbv3-w1.0`` or ``ofa-mbv3-w1.2``.
        folder: See :func:`nastoolkit.published.find`.
    """
    if family not in ("ofa-mbv3-w1.0", "ofa-mbv3-w1.2"):
        raise ValueError(f"the table knows 'ofa-mbv3-w1.0' and 'ofa-mbv3-w1.2', not {family!r}")
    (file,) = find("ofa-i7-8700k-lut", folder).values()
    network = FAMILIES[family]()
    resolutions = next(choice.options for choice in network.space.choices if choice.name == "resolution")
    return BlockLatency(network, {resolutions: _means_ms(file)}, _i7_8700k_key)


def _means_ms(file: Path) -> dict[str, float]:
    return {key: float(entry["mean"]) for key, entry in yaml.load(file.read_text(), SafeLoader).items()}


def _shapes(spec: MBConv | Conv) -> str:
    """Height, width and channels of a block's input and output."""
    size, out = spec.input_size, output_size(spec.input_size, spec.stride)
    return f"input:{size}x{size}x{spec.in_channels}-output:{out}x{out}x{spec.out_channels}"


def _note10_key(spec: BlockSpec) -> str | None:
    match spec:
        case MBConv():
            flags = f"idskip:{spec.residual:d}-se:{spec.squeeze_excite:d}-hs:{spec.act == 'h_swish':d}"
            middle = f"expand:{spec.mid_channels}-kernel:{spec.kernel}-stride:{spec.stride}"
            return f"expanded_conv-{_shapes(spec)}-{middle}-{flags}"
        case Conv():
            return f"{_role(spec, ('Conv', 'Conv_1', 'Conv_2'))}-{_shapes(spec)}"
        case GlobalPool(channels=channels, input_size=size):
            return f"AvgPool2D-input:{size}x{size}x{channels}-output:1x1x{channels}"
        case Classifier(features=features, n_classes=n_classes):
            return f"Logits-input:1x1x{features}-output:{n_classes}"
    raise ValueError(f"there is no {type(spec).__name__} in this table")


def _i7_8700k_key(spec: BlockSpec) -> str | None:
    match spec:
        case MBConv():
            ratio = round(spec.mid_channels / spec.in_channels)
            flags = f"idskip:{spec.residual:d}-se:{spec.squeeze_excite:d}"
            return f"MBConv-{_shapes(spec)}-expand:{ratio}-kernel:{spec.kernel}-stride:{spec.stride}-{flags}"
        case Conv():
            return f"{_role(spec, ('first_conv', 'final_expand_layer', 'feature_mix_layer'))}-{_shapes(spec)}"
        case GlobalPool():
            return None
        case Classifier(features=features, n_classes=n_classes):
            return f"classifier-input:{features}-output:{n_classes}"
    raise ValueError(f"there is no {type(spec).__name__} in this table")


def _role(spec: Conv, names: tuple[str, str, str]) -> str:
    """A table's name for a convolution: the first one, the one before pooling, or the one after it."""
    return names[0 if spec.kernel > 1 else 1 if spec.norm else 2]

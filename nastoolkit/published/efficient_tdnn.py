"""What EfficientTDNN's search needs without audio: the latency table of a V100 and the predictor of the equal error rate.

[Wang2021] R. Wang et al., "EfficientTDNN: Efficient Architecture Search for Speaker Recognition", arXiv 2103.13581.

Source: https://github.com/mechanicalsea/sugar, commit 11bee4e, ``tutorials/EfficientTDNN``. Times are those of 64 inputs of 80
mel bands and 300 frames, in ms. Two parts of a network that take little time are not in the table: joining the blocks'
outputs, and batch normalisation of the pooled outputs and of embeddings. A block's dilation does not count either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from nastoolkit.blocks import BlockSpec
from nastoolkit.families import FAMILIES, Family
from nastoolkit.families.tdnn_blocks import Aggregation, AttentivePool, Embedding, SERes2, TimeConv
from nastoolkit.published.sources import find
from nastoolkit.space import SearchSpace

FAMILY, DATA = "efficient-tdnn", "efficienttdnn"
TABLE, PREDICTOR = "tdnn8m2g_latency_v100_80_300.yml", "EER.48.Coarse.pth.tar"
ENTRY = re.compile(r"  (\(\w+=\d+(?:, \w+=\d+)*\)): (\d+\.\d+(?:e-\d+)?)")
PLACES = ("layer1", "block1", "block2", "block3", "block4")
Numbers = tuple[Mapping[str, float], Callable[[np.ndarray], np.ndarray]]
EPS = 1e-5  # of the predictor's batch normalisations


class SpeakerLatency:
    """A time for each part of a network of ``efficient-tdnn``; a network's latency is their sum.

    Args:
        folder: See :func:`nastoolkit.published.find`.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self.family = FAMILIES[FAMILY]()
        self._sums = tabulated(self.family, read_times(find(DATA, folder)[TABLE]))

    def latency_ms(self, genotypes: np.ndarray) -> np.ndarray:
        """Latency ``(n,)`` of a batch of 64, in ms, for genotypes ``(n, d)``; an exact objective."""
        return np.asarray(self._sums(genotypes))


def tabulated(family: Family, times: Mapping[str, float]) -> Callable[[np.ndarray], np.ndarray]:
    """Latencies as a function of genotypes.

    Args:
        family: Family of time-delay networks.
        times: Times in ms, by ``section (name=number, ...)`` as in the published file.

    Raises:
        ValueError: A part of a network has no time.
    """
    missing = [key for key in map(key_of, family.block_specs) if key not in times]
    if missing:
        raise ValueError(f"the latency table has no time of {missing[0]!r}, one of {len(missing)} that are missing")
    return family.tabulate(lambda spec: times[key_of(spec)])


def published_numbers(family: Family) -> Numbers:
    """Times of parts in ms, and what predicts equal error rates in %.

    Raises:
        FileNotFoundError: The published files are not here; the message says how to get them.
    """
    return read_times(find(DATA)[TABLE]), ErrorPredictor(family.space)


def made_up_numbers(family: Family) -> Numbers:
    """The same, invented from MACs, for trying a program without the files: the numbers mean nothing."""
    times = {key_of(spec): 0.5 + spec.macs / 6e7 for spec in family.block_specs}
    return times, lambda genotypes: 1.2 + 36 / np.sqrt(family.mmacs(genotypes))


def read_times(file: str | Path) -> dict[str, float]:
    """All times of a file in ms, by ``section (name=number, ...)``.

    It is YAML with values of one kind, and is read line by line, which is 50 times faster.

    Raises:
        ValueError: A line is neither a section nor a time, as in a file that was cut short.
    """
    times, section = {}, ""
    for number, line in enumerate(Path(file).read_text().splitlines(), start=1):
        entry = ENTRY.fullmatch(line)
        if entry and section:
            times[f"{section} {entry[1]}"] = float(entry[2])
        elif re.fullmatch(r"\w+:", line):
            section = line.removesuffix(":")
        else:
            raise ValueError(
                f"line {number} of {file} is neither a section nor a time, but {line[:60]!r}: is the file cut short?"
            )
    return times


def key_of(spec: BlockSpec) -> str:
    """The file's name for a part."""
    match spec:
        case TimeConv():
            return f"layer1 (in_channels={spec.in_channels}, kernel_size={spec.kernel}, out_channels={spec.out_channels})"
        case SERes2():
            return f"blocks (channels={spec.channels}, kernel_size={spec.kernel}, mid_channels={spec.mid_channels})"
        case Aggregation():
            return f"catconv (in_channels={spec.n_blocks * spec.in_channels}, out_channels={spec.out_channels})"
        case AttentivePool():
            return f"pool (in_dim={spec.channels})"
        case Embedding():
            return f"embed (in_features={spec.features}, out_features={spec.out_features})"
    raise ValueError(f"there is no {type(spec).__name__} in this table")


def encode_network(
    space: SearchSpace, depth: int, widths: Sequence[int], kernels: Sequence[int], aggregated: int
) -> np.ndarray:
    """The genotype ``(d,)`` of a network that is written in the authors' form.

    Args:
        space: Space of a family of time-delay networks.
        depth: Number of blocks.
        widths: Channels of the first layer and of each block.
        kernels: Kernel sizes of their convolutions, in frames.
        aggregated: Number of channels after joining the blocks' outputs.
    """
    options = {"depth": depth, "aggregation.width": aggregated}
    for place, width, kernel in zip(PLACES[: depth + 1], widths, kernels, strict=True):
        options |= {f"{place}.width": width, f"{place}.kernel": kernel}
    return space.encode(options)


class ErrorPredictor:
    """The published predictor of the equal error rate on VoxCeleb1, test set O, of sub-networks of the trained supernet.

    A perceptron with three hidden layers of 400 on 48 indicators: depth, widths, kernels. For networks that the authors
    measured and report, it is off by up to 0.22 points.

    Args:
        space: Space of the family ``efficient-tdnn``.
        folder: See :func:`nastoolkit.published.find`.
    """

    def __init__(self, space: SearchSpace, folder: str | Path | None = None) -> None:
        self.space = space
        tensors = torch.load(find(DATA, folder)[PREDICTOR], map_location="cpu", weights_only=True)
        model, scale = ({key: value.double().numpy() for key, value in part.items()} for part in tensors.values())
        norm = model["0.weight"] / np.sqrt(model["0.running_var"] + EPS)
        self._norm = norm, model["0.bias"] - norm * model["0.running_mean"]
        self._layers = [(model[f"{layer}.weight"], model[f"{layer}.bias"]) for layer in (1, 3, 5, 7)]
        self._scale = np.sqrt(scale["running_var"] + EPS) / (scale["weight"] + EPS), scale["running_mean"]
        self._inputs = _inputs(space)

    def __call__(self, genotypes: np.ndarray) -> np.ndarray:
        """Predicted equal error rates ``(n,)``, in %, of genotypes ``(n, d)``."""
        outputs = self.space.one_hot(genotypes) @ self._inputs * self._norm[0] + self._norm[1]
        for number, (weight, bias) in enumerate(self._layers):
            outputs = (np.maximum(outputs, 0) if number else outputs) @ weight.T + bias
        return outputs[:, 0] * self._scale[0] + self._scale[1]


def _inputs(space: SearchSpace) -> np.ndarray:
    """A matrix ``(48, 48)`` that maps our indicators to the predictor's."""
    order = ["depth", *(f"{place}.{what}" for what in ("width", "kernel") for place in PLACES), "aggregation.width"]
    known = {choice.name: choice.options for choice in space.choices}
    theirs = [(name, option) for name in order for option in known[name]]
    ours = [(choice.name, option) for choice in space.choices for option in choice.options]
    return np.array([[float(indicator == other) for other in theirs] for indicator in ours])

"""Translation of key names from Once-for-All's released ResNet50 checkpoint to ours.

Source: https://github.com/mit-han-lab/once-for-all, ``OFAResNets``. Blocks are numbered consecutively there; elastic layers
are nested twice (``conv.conv``, ``bn.bn``, ``linear.linear``), or once in networks without choices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate

import torch

from nastoolkit.checkpoints.ofa import Renaming, rename

SHARING = "slice"
BLOCKS_PER_STAGE = (4, 4, 6, 4)
RENAMED: tuple[Renaming, ...] = (
    (r"^input_stem\.0\.", "stem.conv1."),
    (r"^input_stem\.1\.conv\.", "stem.conv2."),
    (r"^input_stem\.2\.", "stem.conv3."),
    (r"\b(conv|bn|linear)\.\1\.", r"\1."),
    (r"^blocks\.(\d+)\.", lambda match: "stage{}.block{}.".format(*place(int(match[1])))),
)


def recognise(keys: Iterable[str]) -> bool:
    """Whether these are the keys of a released ResNet50."""
    return any(key.startswith("input_stem.0.") for key in keys)


def translate(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors under our names."""
    return {rename(key, RENAMED): tensor for key, tensor in state.items()}


def place(number: int) -> tuple[int, int]:
    """Stage and block, both from 1, of a block that the release numbers from 0."""
    starts = [0, *accumulate(BLOCKS_PER_STAGE)]
    stage = sum(start <= number for start in starts[:-1])
    return stage, number - starts[stage - 1] + 1

"""Translation of key names from Once-for-All's released MobileNetV3 and ProxylessNAS checkpoints to ours.

Source: https://github.com/mit-han-lab/once-for-all, ``OFAMobileNetV3``, ``OFAProxylessNASNets`` and their ``load_state_dict``.
Blocks are numbered consecutively there, with four to a stage; elastic layers are nested twice (``conv.conv``, ``bn.bn``), or
once in the teacher.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import torch

Renaming = tuple[str, str | Callable[[re.Match[str]], str]]

SHARING = "kernel-transform"
BLOCKS_PER_STAGE = 4
RENAMED: tuple[Renaming, ...] = (
    (r"\.(?:mobile_inverted_conv|conv)\.(?=inverted_bottleneck|depth_conv|point_linear)", "."),
    (r"\b(conv|bn|linear)\.\1\.", r"\1."),
    (r"\.depth_conv\.se\.fc\.", ".excite."),
    (r"\.inverted_bottleneck\.", ".expand."),
    (r"\.depth_conv\.", ".depthwise."),
    (r"\.point_linear\.", ".project."),
    (r"\.conv\.(\dto\d_matrix)", r".conv.\1"),
    (r"^first_conv\.", "stem."),
    (r"^(final_expand|feature_mix)_layer\.", r"\1."),
    (r"^blocks\.0\.", "first_block."),
    (r"^blocks\.(\d+)\.", lambda match: "stage{}.block{}.".format(*place(int(match[1])))),
)


def recognise(keys: Iterable[str]) -> bool:
    """Whether these are the keys of a released MobileNetV3 or ProxylessNAS."""
    return any(key.startswith("first_conv.") for key in keys)


def translate(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors under our names."""
    return {rename(key, RENAMED): tensor for key, tensor in state.items()}


def place(number: int) -> tuple[int, int]:
    """Stage and block, both from 1, of a block that the release numbers from 1."""
    stage, block = divmod(number - 1, BLOCKS_PER_STAGE)
    return stage + 1, block + 1


def rename(key: str, renamed: Iterable[Renaming]) -> str:
    """A released key after all replacements, in their order."""
    for pattern, replacement in renamed:
        key = re.sub(pattern, replacement, key)
    return key

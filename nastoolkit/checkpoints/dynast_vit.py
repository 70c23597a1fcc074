"""Translation of key names from DyNAS-T's elastic ViT to ours.

Source: https://github.com/IntelLabs/DyNAS-T, commit 251cb5e, ``vit_base_imagenet``. Names are those of torchvision's ViT,
except for attention; layers are numbered from 0. The elastic BERT there has Hugging Face's names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch

from nastoolkit.checkpoints.ofa import Renaming, rename

SHARING = "slice"
RENAMED: tuple[Renaming, ...] = (
    (r"^encoder\.layers\.encoder_layer_(\d+)\.", lambda match: f"encoder.layer{int(match[1]) + 1}."),
    (r"\.ln_1\.", ".attention_norm."),
    (r"\.self_attention\.", ".attention."),
    (r"\.attention_output\.dense\.", ".attention.output."),
    (r"\.attention_output\.LayerNorm\.", ".output_norm."),
    (r"\.ln_2\.", ".ffn_norm."),
    (r"\.mlp\.linear_1\.", ".ffn.expand."),
    (r"\.mlp\.linear_2\.", ".ffn.project."),
    (r"^class_token$", "patches.class_token"),
    (r"^conv_proj\.", "patches.conv."),
    (r"^encoder\.pos_embedding\.weight$", "patches.positions"),
    (r"^encoder\.ln\.", "classifier.norm."),
    (r"^heads\.head\.", "classifier.linear."),
)


def recognise(keys: Iterable[str]) -> bool:
    """Whether these are the keys of DyNAS-T's ViT."""
    return any(key.startswith("encoder.layers.encoder_layer_0.attention_output.") for key in keys)


def translate(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors under our names, positions as ``(1, length, dim)``, without the position numbers."""
    renamed = {rename(key, RENAMED): tensor for key, tensor in state.items() if key != "encoder.position_ids"}
    return {key: tensor[None] if key == "patches.positions" else tensor for key, tensor in renamed.items()}

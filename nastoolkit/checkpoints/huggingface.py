"""Translation of key names from Hugging Face's BERT and ViT classifiers to ours.

Source: https://github.com/huggingface/transformers, ``BertForSequenceClassification`` and ``ViTForImageClassification`` as
``save_pretrained`` writes them; layers are numbered from 0 there. DyNAS-T's elastic BERT has the same names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch

from nastoolkit.checkpoints.ofa import Renaming, rename

SHARING = "slice"
RENAMED: tuple[Renaming, ...] = (
    (r"^(bert|vit)\.", ""),
    (r"\bLayerNorm\.gamma$", "LayerNorm.weight"),  # files converted from TensorFlow
    (r"\bLayerNorm\.beta$", "LayerNorm.bias"),
    (r"^encoder\.layer\.(\d+)\.", lambda match: f"encoder.layer{int(match[1]) + 1}."),
    (r"\.attention\.output\.LayerNorm\.", ".attention_norm."),
    (r"\.attention\.output\.dense\.", ".attention.output."),
    (r"\.attention\.(self|attention)\.", ".attention."),
    (r"\.intermediate\.dense\.", ".ffn.expand."),
    (r"\.output\.dense\.", ".ffn.project."),
    (r"\.output\.LayerNorm\.", ".ffn_norm."),
    (r"\.layernorm_before\.", ".attention_norm."),
    (r"\.layernorm_after\.", ".ffn_norm."),
    (r"^embeddings\.word_embeddings\.", "embeddings.tokens."),
    (r"^embeddings\.position_embeddings\.", "embeddings.positions."),
    (r"^embeddings\.token_type_embeddings\.", "embeddings.types."),
    (r"^embeddings\.LayerNorm\.", "embeddings.norm."),
    (r"^embeddings\.patch_embeddings\.projection\.", "patches.conv."),
    (r"^embeddings\.cls_token$", "patches.class_token"),
    (r"^embeddings\.position_embeddings$", "patches.positions"),
    (r"^pooler\.dense\.", "pooler.linear."),
    (r"^classifier\.", "classifier.linear."),
    (r"^layernorm\.", "classifier.norm."),
)


def recognise(keys: Iterable[str]) -> bool:
    """Whether these are the keys of a BERT or a ViT, with any head."""
    return any(key.removeprefix("bert.").removeprefix("vit.").startswith("encoder.layer.0.") for key in keys)


def translate(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors under our names, without the position numbers in older files."""
    return {rename(key, RENAMED): tensor for key, tensor in state.items() if not key.endswith("position_ids")}

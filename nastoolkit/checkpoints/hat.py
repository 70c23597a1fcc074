"""Translation of key names from HAT's released SuperTransformers, which are fairseq checkpoints, to ours.

Source: https://github.com/mit-han-lab/hardware-aware-transformers, ``transformer_super.py``. An attention's queries, keys and
values are one matrix there, stacked in this order. If encoder and decoder share an embedding, it is stored twice, and the
output layer uses it too; otherwise the output layer has its own weights, ``decoder.embed_out``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import torch

from nastoolkit.checkpoints.ofa import Renaming, rename

SHARING = "slice"
IGNORED = re.compile(r"\.version$|\.embed_positions\.")  # a format number, and sinusoids, which are computed
FUSED = re.compile(r"in_proj_(weight|bias)$")
PARTS = ("query", "key", "value")
SOURCE, TARGET, OUTPUT = "encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "decoder.embed_out"
RENAMED: tuple[Renaming, ...] = (
    (r"\.layers\.(\d+)\.", lambda match: f".layer{int(match[1]) + 1}."),
    (r"\.(self|encoder)_attn_layer_norm\.", r".\1_attn_norm."),
    (r"\.final_layer_norm\.", ".ffn_norm."),
    (r"\.self_attn(?=[._])", ".attention"),
    (r"\.encoder_attn(?=[._])", ".cross"),
    (r"\.out_proj\.", ".output."),
    (r"\.fc1\.", ".ffn.expand."),
    (r"\.fc2\.", ".ffn.project."),
    (r"^encoder\.embed_tokens\.", "source_embedding."),
    (r"^decoder\.embed_tokens\.", "target_embedding."),
    (r"^decoder\.embed_out$", "output.weight"),
)


def recognise(keys: Iterable[str]) -> bool:
    """Whether these are the keys of a released SuperTransformer."""
    return any(key.startswith("encoder.layers.0.self_attn.in_proj_") for key in keys)


def translate(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors under our names: projections are split, and a shared embedding occurs once."""
    kept = {key: tensor for key, tensor in state.items() if not IGNORED.search(key)}
    return {rename(key, RENAMED): tensor for key, tensor in _taken_apart(_shared_once(kept))}


def _shared_once(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Remove the decoder's embedding if it is the encoder's; two different ones stay, and fit no family with a shared one."""
    if OUTPUT in state or SOURCE not in state:
        return state
    source, target = state[SOURCE], state.get(TARGET, state[SOURCE])
    rest = {key: tensor for key, tensor in state.items() if key not in (SOURCE, TARGET)}
    return rest | {"embedding.weight": source} if torch.equal(source, target) else state


def _taken_apart(state: Mapping[str, torch.Tensor]) -> Iterator[tuple[str, torch.Tensor]]:
    for key, tensor in state.items():
        if FUSED.search(key):
            yield from ((FUSED.sub(rf"{part}.\1", key), rows) for part, rows in zip(PARTS, tensor.chunk(3), strict=False))
        else:
            yield key, tensor

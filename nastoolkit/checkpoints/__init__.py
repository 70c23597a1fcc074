"""Checkpoint files, ours and published ones, and the pre-trained supernets that ship with the package."""

from __future__ import annotations

import json
import pickle
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from nastoolkit.checkpoints import ofa, ofa_resnet50

EMBEDDED = Path(__file__).parent
FORMATS = {"once-for-all": ofa, "once-for-all-resnet50": ofa_resnet50}
Tensors = dict[str, torch.Tensor]


class CheckpointError(ValueError):
    """A checkpoint that is missing, damaged, or not one of the family's."""


def embedded_names() -> list[str]:
    """Names of the supernets that ship with the package."""
    return sorted(file.stem for file in EMBEDDED.glob("*.safetensors"))


def write_checkpoint(path: str | Path, tensors: Mapping[str, torch.Tensor], card: Mapping[str, Any]) -> Path:
    """Write tensors as safetensors, with a card of JSON types in the header."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    dense = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    save_file(dense, path, metadata={"card": json.dumps(card)})
    return path


def read_checkpoint(path: str | Path) -> tuple[Tensors, dict[str, Any]]:
    """Tensors by our names, and the card; for a published file the card says the format and the sharing rule.

    No pickled code is ever run: files that are no safetensors are read by ``torch.load(weights_only=True)``.

    Raises:
        CheckpointError: No such file, one that cannot be read, or one in an unknown format.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint at {path}; supernets that ship with the package: {embedded_names()}")
    try:
        return _read_ours(path) if path.suffix == ".safetensors" else _read_published(path)
    except (SafetensorError, json.JSONDecodeError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise CheckpointError(f"{path} is no readable checkpoint, perhaps cut off: {error}") from error


def _read_ours(path: Path) -> tuple[Tensors, dict[str, Any]]:
    with safe_open(path, framework="pt") as file:
        card = json.loads((file.metadata() or {}).get("card", "{}"))
        if not isinstance(card, dict):
            raise CheckpointError(f"{path} has a card that is no JSON object")
        return {name: file.get_tensor(name) for name in file.keys()}, card  # noqa: SIM118


def _read_published(path: Path) -> tuple[Tensors, dict[str, Any]]:
    content = torch.load(path, map_location="cpu", weights_only=True)
    state = content.get("state_dict", content) if isinstance(content, dict) else {}
    for name, released in FORMATS.items():
        if released.recognise(state):
            return released.translate(state), {"format": name, "sharing": released.SHARING}
    raise CheckpointError(f"{path} is in no known format; known: ours (.safetensors), {', '.join(FORMATS)}")


def check_tensors(path: str | Path, found: Tensors, wanted: Tensors, optional: Collection[str] = ()) -> None:
    """Raise a CheckpointError that lists every missing, unexpected and wrongly shaped tensor, if there is any."""
    problems = [f"missing {name}" for name in wanted.keys() - found.keys() - set(optional)]
    problems += [f"unexpected {name}" for name in found.keys() - wanted.keys()]
    problems += [
        f"{name} has shape {tuple(found[name].shape)}, not {tuple(wanted[name].shape)}"
        for name in wanted.keys() & found.keys()
        if found[name].shape != wanted[name].shape
    ]
    if problems:
        raise CheckpointError(f"{path} does not fit this family:\n  " + "\n  ".join(sorted(problems)))

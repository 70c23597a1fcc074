"""Checkpoint files, ours and published ones, and the pre-trained supernets that ship with the package."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from nastoolkit.checkpoints import dynast_vit, hat, huggingface, ofa, ofa_resnet50
from nastoolkit.checkpoints.download import PUBLISHED, cached_file, fetch
from nastoolkit.checkpoints.tensor_files import (
    MOST_TOLD,
    CheckpointError,
    Tensors,
    as_checkpoint_error,
    files_of_folder,
    read_tensors,
)
from nastoolkit.support.files import atomically

EMBEDDED = Path(__file__).parent
FORMATS = {
    "once-for-all": ofa,
    "once-for-all-resnet50": ofa_resnet50,
    "hugging-face": huggingface,
    "dynast-vit": dynast_vit,
    "hat": hat,
}
MOST_MISFITS = 20  # tensors that one error names
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

__all__ = [
    "EMBEDDED",
    "FORMATS",
    "PUBLISHED",
    "CheckpointError",
    "cached_file",
    "check_tensors",
    "embedded_names",
    "fetch",
    "locate",
    "read_checkpoint",
    "write_checkpoint",
]


def embedded_names() -> list[str]:
    """Names of the supernets that ship with the package."""
    return sorted(file.stem for file in EMBEDDED.glob("*.safetensors"))


def write_checkpoint(path: str | Path, tensors: Mapping[str, torch.Tensor], card: Mapping[str, Any]) -> Path:
    """Write tensors as safetensors, with a card of JSON types in the header."""
    dense = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    with atomically(path) as new:
        save_file(dense, new, metadata={"card": json.dumps(card)})
    return Path(path)


def locate(name: str, checkpoint: str | Path | None = None) -> Path:
    """The file of a checkpoint: a path, a downloaded address, or for None the one that ships or was fetched for the family.

    Raises:
        CheckpointError: Nothing ships with the package for this family, and nothing was fetched.
        ConnectionError: A download failed.
    """
    if isinstance(checkpoint, str) and checkpoint.startswith(("http://", "https://")):
        return fetch(checkpoint)
    if checkpoint is not None:
        return Path(checkpoint)
    shipped, released = EMBEDDED / f"{name}.safetensors", PUBLISHED.get(name)
    if shipped.exists():
        return shipped
    ship = f"no weights of {name!r} ship with the package"
    shipped_names = f"shipped: {', '.join(embedded_names())}"
    if released is None:
        how = f"train some with `nastoolkit train --family {name} --output FILE`, and give that file as checkpoint"
        raise CheckpointError(f"{ship}: {how}; {shipped_names}")
    fetched = cached_file(released.url)
    if not fetched.exists():
        how = f"fetch the published ones with `nastoolkit fetch {name}`, or give a path or an address as checkpoint"
        raise CheckpointError(f"{ship}: {how}; {shipped_names}")
    return fetched


def read_checkpoint(path: str | Path) -> tuple[Tensors, dict[str, Any]]:
    """Tensors by our names, and the card; for a published file, the card gives the format and the sharing rule.

    A folder must be one that Hugging Face's ``save_pretrained`` wrote, with weights in one file or several. No pickled code is
    ever run: files that are not safetensors, whatever their names, are read by ``torch.load(weights_only=True)``, with inert
    stand-ins for Python objects, and files that would unpack to more than their size are refused. A prefix that all names
    share is removed. Names in no known format stay as they are: they may be ours.

    Raises:
        CheckpointError: There is no such file or folder, or it cannot be read or holds no tensors.
    """
    path = Path(path)
    if not path.exists():
        raise CheckpointError(f"there is no checkpoint at {path}; supernets that ship with the package: {embedded_names()}")
    parts = [read_tensors(file) for file in (files_of_folder(path) if path.is_dir() else [path])]
    tensors = {name: tensor for part, _ in parts for name, tensor in part.items()}
    card = parts[0][1]
    with as_checkpoint_error(path):
        return (tensors, card) if card else _translated(tensors)


def _translated(tensors: Tensors) -> tuple[Tensors, dict[str, Any]]:
    """A published file's tensors under our names, or the same tensors if the file has none of these formats, perhaps ours."""
    for name, released in FORMATS.items():
        if released.recognise(tensors):
            return released.translate(tensors), {"format": name, "sharing": released.SHARING}
    beginnings = {name.partition(".")[:2] for name in tensors}
    prefix = "".join(beginnings.pop()) if len(beginnings) == 1 else ""
    if not prefix.endswith("."):
        return tensors, {}
    return _translated({name.removeprefix(prefix): tensor for name, tensor in tensors.items()})  # module., _orig_mod.


def check_tensors(path: str | Path, found: Tensors, wanted: Tensors, optional: Collection[str] = ()) -> None:
    """Raise a CheckpointError that lists tensors that are missing, unexpected, or have a wrong shape, type or value."""
    if not wanted.keys() & found.keys():
        raise CheckpointError(f"{path} has an unknown format; known: ours, {', '.join(FORMATS)}; it holds {_some(found)}")
    problems = [f"missing {name}" for name in wanted.keys() - found.keys() - set(optional)]
    problems += [f"unexpected {name}" for name in found.keys() - wanted.keys()]
    misfits = {name: _misfit(found[name], wanted[name]) for name in wanted.keys() & found.keys()}
    problems += [f"{name} {misfit}" for name, misfit in misfits.items() if misfit]
    if problems:
        told = sorted(problems)[:MOST_MISFITS]
        told += [f"and {len(problems) - len(told)} more"] * (len(problems) > len(told))
        raise CheckpointError(f"{path} does not fit this family:\n  " + "\n  ".join(told))


def _some(tensors: Tensors) -> str:
    names = sorted(tensors)
    return f"{len(names)} tensors: {', '.join(names[:MOST_TOLD])}{', ...' if len(names) > MOST_TOLD else ''}"


def _misfit(found: torch.Tensor, wanted: torch.Tensor) -> str | None:
    """Why a tensor cannot replace another one."""
    if found.shape != wanted.shape:
        return f"has shape {tuple(found.shape)}, not {tuple(wanted.shape)}"
    if found.dtype not in (FLOATS if wanted.is_floating_point() else (wanted.dtype,)):
        return f"holds {found.dtype}, not {wanted.dtype}"
    if not found.to(wanted.dtype).isfinite().all():
        return "holds NaN or infinity"
    return None

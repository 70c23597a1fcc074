"""Checkpoint files, ours and published ones, and the pre-trained supernets that ship with the package."""

from __future__ import annotations

import argparse
import json
import pickle
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from nastoolkit.checkpoints import dynast_vit, hat, huggingface, ofa, ofa_resnet50
from nastoolkit.checkpoints.download import PUBLISHED, cached_file, fetch

EMBEDDED = Path(__file__).parent
FORMATS = {
    "once-for-all": ofa,
    "once-for-all-resnet50": ofa_resnet50,
    "hugging-face": huggingface,
    "dynast-vit": dynast_vit,
    "hat": hat,
}
WRAPPERS = ("state_dict", "model")
FOLDER_FILES = ("model.safetensors", "pytorch_model.bin")
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


def locate(name: str, checkpoint: str | Path | None = None) -> Path:
    """The checkpoint that is meant: a path, a download of an address, or for None what ships or was fetched for the family.

    Raises:
        CheckpointError: Nothing ships with the package for this family, and nothing was fetched.
        ConnectionError: A download failed.
    """
    if isinstance(checkpoint, str) and checkpoint.startswith(("http://", "https://")):
        return fetch(checkpoint)
    if checkpoint is not None:
        return Path(checkpoint)
    shipped, released = EMBEDDED / f"{name}.safetensors", PUBLISHED.get(name)
    if shipped.exists() or released is None:
        return shipped
    fetched = cached_file(released.url)
    if not fetched.exists():
        raise CheckpointError(
            f"no weights of {name!r} ship with the package: fetch the published ones with `nastoolkit fetch {name}`, "
            f"or give a path or an address as checkpoint; shipped: {', '.join(embedded_names())}"
        )
    return fetched


def read_checkpoint(path: str | Path) -> tuple[Tensors, dict[str, Any]]:
    """Tensors by our names, and the card; for a published file the card says the format and the sharing rule.

    A folder is one that Hugging Face's ``save_pretrained`` wrote, with its weights in one file or in several. No pickled code
    is ever run: files that are no safetensors are read by ``torch.load(weights_only=True)``.

    Raises:
        CheckpointError: No such file or folder, one that cannot be read, or one in an unknown format.
    """
    path = Path(path)
    if not path.exists():
        raise CheckpointError(f"there is no checkpoint at {path}; supernets that ship with the package: {embedded_names()}")
    parts = [_read_file(file) for file in (_files_of_folder(path) if path.is_dir() else [path])]
    tensors = {name: tensor for part, _ in parts for name, tensor in part.items()}
    card = parts[0][1]
    return (tensors, card) if card else _translated(path, tensors)


def _files_of_folder(folder: Path) -> list[Path]:
    """The files that hold a Hugging Face model's weights, by its index where there is one."""
    for name in FOLDER_FILES:
        if (folder / name).exists():
            return [folder / name]
        if (folder / f"{name}.index.json").exists():
            return _shards(folder / f"{name}.index.json")
    raise CheckpointError(f"the folder {folder} has none of {', '.join(FOLDER_FILES)}, nor an index of one")


def _shards(index: Path) -> list[Path]:
    """The files beside an index that it says the weights are in."""
    try:
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
        shards = [index.parent / name for name in names]
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{index} lists no files of weights: {error!r}") from error
    if not shards:
        raise CheckpointError(f"{index} lists no files of weights")
    return shards


def _read_file(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """What a file holds, under the names that it has there, and our card where it has one."""
    if not path.is_file():
        raise CheckpointError(f"there is no file {path}")
    try:
        return _read_safetensors(path) if path.suffix == ".safetensors" else (_read_pickle(path), {})
    except (SafetensorError, json.JSONDecodeError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise CheckpointError(f"{path} is no readable checkpoint, perhaps cut off: {error}") from error


def _read_safetensors(path: Path) -> tuple[Tensors, dict[str, Any]]:
    with safe_open(path, framework="pt") as file:
        card = json.loads((file.metadata() or {}).get("card", "{}"))
        if not isinstance(card, dict):
            raise CheckpointError(f"{path} has a card that is no JSON object")
        return {name: file.get_tensor(name) for name in file.keys()}, card  # noqa: SIM118


def _read_pickle(path: Path) -> Tensors:
    with torch.serialization.safe_globals([argparse.Namespace]):  # fairseq keeps its command line beside the weights
        content = torch.load(path, map_location="cpu", weights_only=True)
    return _unwrapped(content) if isinstance(content, dict) else {}


def _translated(path: Path, tensors: Tensors) -> tuple[Tensors, dict[str, Any]]:
    """A published file's tensors under our names, or those of a file of ours that has no card."""
    for name, released in FORMATS.items():
        if released.recognise(tensors):
            return released.translate(tensors), {"format": name, "sharing": released.SHARING}
    if path.suffix == ".safetensors":
        return tensors, {}
    raise CheckpointError(f"{path} is in no known format; known: ours (.safetensors), {', '.join(FORMATS)}")


def _unwrapped(content: dict[str, Any]) -> dict[str, Any]:
    """The tensors of a file that may hold them in a dictionary beside other things, such as the optimiser's state."""
    return next((content[name] for name in WRAPPERS if isinstance(content.get(name), dict)), content)


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

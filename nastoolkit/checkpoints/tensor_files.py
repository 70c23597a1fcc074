"""Tensors from files of strangers: no code of theirs is run, and no file takes more memory than it is long."""

from __future__ import annotations

import argparse
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

WRAPPERS = ("state_dict", "model")
FOLDER_FILES = ("model.safetensors", "pytorch_model.bin")
Tensors = dict[str, torch.Tensor]


class CheckpointError(ValueError):
    """A checkpoint that is missing, damaged, or not one of the family's."""


@contextmanager
def told_as_checkpoint_error(path: Path) -> Iterator[None]:
    """Make any error one of the file: damage leads the libraries that read it to errors of many types."""
    try:
        yield
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(f"{path} is no readable checkpoint, perhaps cut off: {type(error).__name__}: {error}") from error


def files_of_folder(folder: Path) -> list[Path]:
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
        elsewhere = [name for name in names if Path(name).name != name]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{index} lists no files of weights: {error!r}") from error
    if elsewhere or not names:
        raise CheckpointError(f"{index} lists no files of weights" + (f" beside it, but {elsewhere[0]!r}" if names else ""))
    return [index.parent / name for name in names]


def read_tensors(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """What a file holds, under the names that it has there, and our card where it has one.

    Raises:
        CheckpointError: No such file, or one that cannot be read.
    """
    with told_as_checkpoint_error(path):
        if not path.is_file():
            raise CheckpointError(f"there is no file {path}")
        return _read_safetensors(path) if path.suffix == ".safetensors" else (_read_pickle(path), {})


def _read_safetensors(path: Path) -> tuple[Tensors, dict[str, Any]]:
    with safe_open(path, framework="pt") as file:
        card = json.loads((file.metadata() or {}).get("card", "{}"))
        if not isinstance(card, dict):
            raise CheckpointError(f"{path} has a card that is no JSON object")
        return {name: file.get_tensor(name) for name in file.keys()}, card  # noqa: SIM118


def _read_pickle(path: Path) -> Tensors:
    _refuse_bomb(path)
    with torch.serialization.safe_globals([argparse.Namespace]):  # fairseq keeps its command line beside the weights
        content = torch.load(path, map_location="cpu", weights_only=True)
    found = _unwrapped(content) if isinstance(content, dict) else {}
    tensors = {name: value for name, value in found.items() if isinstance(name, str) and isinstance(value, torch.Tensor)}
    _refuse_more_than_there_is(path, tensors)
    return tensors


def _refuse_bomb(path: Path) -> None:
    """Refuse an archive whose members together are larger than it is: ``torch.save`` compresses nothing."""
    with path.open("rb") as file:
        is_archive = file.read(2) == b"PK"
    if is_archive:
        with zipfile.ZipFile(path) as archive:
            n_bytes = sum(member.file_size for member in archive.infolist())
        if n_bytes > path.stat().st_size:
            raise CheckpointError(f"{path} would unpack to {n_bytes:,} bytes, more than it has: torch.save wrote no such file")


def _unwrapped(content: dict[str, Any]) -> dict[str, Any]:
    """The tensors of a file that may hold them in a dictionary beside other things, such as the optimiser's state."""
    return next((content[name] for name in WRAPPERS if isinstance(content.get(name), dict)), content)


def _refuse_more_than_there_is(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Refuse tensors without memory of their own, e.g. one number repeated a billion times, and more memory than the file."""
    for name, tensor in tensors.items():
        ordinary = tensor.layout is torch.strided and tensor.device.type == "cpu"
        if not ordinary or tensor.is_nested or tensor.is_quantized or tensor.nbytes > tensor.untyped_storage().nbytes():
            raise CheckpointError(f"{path} does not hold the values of its tensor {name!r}")
    storages = [tensor.untyped_storage() for tensor in tensors.values()]
    n_bytes = sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())  # tensors may share one
    if n_bytes > path.stat().st_size:
        raise CheckpointError(f"{path} declares tensors of {n_bytes:,} bytes, more than it has")

"""Tensors from untrusted files: no code in them is run, and no file takes more memory than its length."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from nastoolkit.checkpoints.stand_ins import containers_by_name, load

WRAPPERS = ("state_dict", "model", "model_state_dict", "state_dict_ema", "model_ema", "ema", "net", "network", "module")
MOST_TOLD = 9
N_WRAPPED = 2  # one wrapper may contain another
COUNTERS = ("n_averaged",)  # that PyTorch's AveragedModel stores with the weights
KNOWN_BY = {b"<": "a web page", b"version https://git-lfs": "a pointer of Git LFS, not the file", b"": "empty"}
FOLDER_FILES = ("model.safetensors", "pytorch_model.bin")
Tensors = dict[str, torch.Tensor]


class CheckpointError(ValueError):
    """A checkpoint that is missing, damaged, or does not fit the family."""


@contextmanager
def as_checkpoint_error(path: Path) -> Iterator[None]:
    """Turn any error into a CheckpointError: for damaged files, libraries raise errors of many types."""
    try:
        yield
    except CheckpointError:
        raise
    except Exception as error:
        message = _what_it_is(path) or f"perhaps cut off: {type(error).__name__}: {error}"
        raise CheckpointError(f"{path} is not a readable checkpoint: {message}") from error


def _what_it_is(path: Path) -> str:
    """What a file really is that was taken for a checkpoint, if its beginning shows it."""
    if not os.path.isfile(path):  # which takes any name
        return ""
    with path.open("rb") as file:
        head = file.read(99).strip(b" \t\r\n\xef\xbb\xbf")
    return next((f"it is {what}" for start, what in KNOWN_BY.items() if (head.startswith(start) if start else not head)), "")


def files_of_folder(folder: Path) -> list[Path]:
    """The files that hold a Hugging Face model's weights, from its index if there is one."""
    for name in FOLDER_FILES:
        if (folder / name).exists():
            return [folder / name]
        if (folder / f"{name}.index.json").exists():
            return _shards(folder / f"{name}.index.json")
    raise CheckpointError(f"the folder {folder} has none of {', '.join(FOLDER_FILES)}, nor an index of one")


def _shards(index: Path) -> list[Path]:
    """The files next to an index that hold the weights according to it."""
    try:
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
        elsewhere = [name for name in names if Path(name).name != name]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{index} lists no files of weights: {error!r}") from error
    if elsewhere or not names:
        raise CheckpointError(f"{index} lists no files of weights" + (f" beside it, but {elsewhere[0]!r}" if names else ""))
    return [index.parent / name for name in names]


def read_tensors(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """A file's tensors by their names in it, and our card if it has one.

    Raises:
        CheckpointError: There is no such file, or it cannot be read.
    """
    with as_checkpoint_error(path):
        if not path.is_file():
            raise CheckpointError(f"there is no file {path}")
        return (_read_pickle(path), {}) if _is_pickled(path) else _read_safetensors(path)


def _is_pickled(path: Path) -> bool:
    """Whether ``torch.save`` wrote a file, whatever its name; a safetensors file has a JSON object from its ninth byte on."""
    with path.open("rb") as file:
        head = file.read(9)
    return head.startswith((b"PK", b"\x80")) and head[8:] != b"{"


def _read_safetensors(path: Path) -> tuple[Tensors, dict[str, Any]]:
    with safe_open(path, framework="pt") as file:
        card = json.loads((file.metadata() or {}).get("card", "{}"))
        if not isinstance(card, dict):
            raise CheckpointError(f"{path} has a card that is not a JSON object")
        return {name: file.get_tensor(name) for name in file.keys()}, card  # noqa: SIM118


def _read_pickle(path: Path) -> Tensors:
    _refuse_bomb(path)
    content = load(path)
    tensors = _unwrapped(content)
    if not tensors:
        message = f"it holds no tensors by name, but {_described(content)}; Python objects: {_objects(path)}"
        raise CheckpointError(f"{path} is not a readable checkpoint: {message}")
    _refuse_more_than_there_is(path, tensors)
    return tensors


def _refuse_bomb(path: Path) -> None:
    """Refuse an archive whose members are larger in total than the archive: ``torch.save`` does not compress."""
    with path.open("rb") as file:
        is_archive = file.read(2) == b"PK"
    if is_archive:
        with zipfile.ZipFile(path) as archive:
            n_bytes = sum(member.file_size for member in archive.infolist())
        if n_bytes > path.stat().st_size:
            raise CheckpointError(f"{path} would unpack to {n_bytes:,} bytes, more than it has: torch.save wrote no such file")


def _unwrapped(content: Any, n_left: int = N_WRAPPED) -> Tensors:
    """The tensors of a file that may hold them in a dictionary with other things, such as the optimiser's state."""
    if not isinstance(content, dict):
        return {}
    wrapped = (_unwrapped(content.get(name), n_left - 1) for name in WRAPPERS if n_left)
    return next(filter(None, wrapped), {name: value for name, value in content.items() if _is_weight(name, value)})


def _is_weight(name: Any, value: Any) -> bool:
    return isinstance(name, str) and isinstance(value, torch.Tensor) and name not in COUNTERS


def _described(content: Any) -> str:
    """A short description of the content: the types, and the names of a dictionary."""
    if not isinstance(content, dict):
        return type(content).__name__
    parts = [f"{str(name):.60} ({type(value).__name__})" for name, value in list(content.items())[:MOST_TOLD]]
    return ", ".join(parts) or "an empty dictionary"


def _objects(path: Path) -> str:
    """The classes and functions that a file asks for, apart from PyTorch's own for tensors."""
    names = sorted(name for name in containers_by_name(path) if not name.startswith(("torch._utils.", "collections.")))
    return ", ".join(names[:MOST_TOLD]) or "none"


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

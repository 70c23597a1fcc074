"""Python objects that a file keeps next to its tensors: none is made, and an inert stand-in replaces each.

Trainers save meters, command lines, configurations and numpy's numbers along with the weights, and such a file is refused by
``torch.load(weights_only=True)``. Here it gets a stand-in for every class and function that the file names, under the same
name, which accepts anything and does nothing: no module is imported for a file, and nothing in it is called.
"""

from __future__ import annotations

import pickletools
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import IO, Any, ClassVar

import torch

MOST_NAMES = 500  # real files have a few dozen; PyTorch goes through all of them for every object
N_PICKLES = 4  # at the start of a file in the old format: a magic number, a version, the machine, and what was saved
MARK = object()
CONTAINERS: dict[str, type] = {"APPEND": list, "APPENDS": list, "SETITEM": OrderedDict, "SETITEMS": OrderedDict}
LEAVE_THE_FIRST = {*CONTAINERS, "BUILD", "REDUCE", "NEWOBJ"}  # on the stack: it is changed, or an object is made from it
PUT, GET = ({f"{size}{way}" for size in ("", "BIN", "LONG_BIN")} for way in ("PUT", "GET"))
LOCK = Lock()  # PyTorch's list of known classes is shared by all threads


class StandIn:
    """Has only the name of a class or function; if its objects hold items, these go to a plain container."""

    container: ClassVar[type | None] = None

    def __new__(cls, *_: Any) -> Any:
        """Accept whatever the object would be made from."""
        return super().__new__(cls) if cls.container is None else cls.container()

    def __init__(self, *_: Any) -> None:
        """Keep none of the arguments."""

    def __setstate__(self, state: Any) -> None:
        """Keep nothing of the object's state."""


def load(path: Path) -> Any:
    """Content written by ``torch.save``, with stand-ins for everything but tensors, plain containers, numbers and texts.

    Raises:
        ValueError: The file names more classes and functions than any real one.
        Exception: The file is damaged or of another kind; errors are of many types.
    """
    named = containers_by_name(path)
    if len(named) > MOST_NAMES:
        raise ValueError(f"it asks for {len(named)} kinds of Python objects")
    known: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
        (type(name, (StandIn,), {"container": container}), name) for name, container in named.items()
    ]
    with LOCK, torch.serialization.safe_globals(known), path.open("rb") as file:  # PyTorch goes by the suffix of a path
        return torch.load(file, map_location="cpu", weights_only=True)


def containers_by_name(path: Path) -> dict[str, type | None]:
    """The classes and functions that a file names; for those whose objects hold items, a container for these."""
    with path.open("rb") as file:
        is_archive = file.read(2) == b"PK"
        file.seek(0)
        if not is_archive:
            return _named(file, N_PICKLES)
        with zipfile.ZipFile(file) as archive:
            pickles = [name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"]
            return _named(archive.open(pickles[0]), 1)


def _named(file: IO[bytes], n_pickles: int) -> dict[str, type | None]:
    named: dict[str, type | None] = {}
    for _ in range(n_pickles):
        stack: list[Any] = []
        memo: dict[Any, Any] = {}
        for opcode, argument, _position in pickletools.genops(file):
            if opcode.name in GET:
                stack.append(memo.get(argument))
            elif opcode.name in PUT:
                memo[argument] = stack[-1]
            else:
                _follow(opcode, argument, stack, named)
    return named


def _follow(opcode: pickletools.OpcodeInfo, argument: Any, stack: list[Any], named: dict[str, type | None]) -> None:
    """One step of reading a pickle, on a stack of names: of a class, or of the class that an object would have."""
    first = _taken(opcode, stack)
    if opcode.name == "MARK":
        stack.append(MARK)
    elif opcode.name == "GLOBAL":
        stack.append(_name_today(argument))
        named.setdefault(stack[-1], None)
    elif opcode.name in LEAVE_THE_FIRST:
        stack.append(first)
        if opcode.name in CONTAINERS and first in named:
            named[first] = CONTAINERS[opcode.name]
    else:
        stack.extend([None] * len(opcode.stack_after))


def _taken(opcode: pickletools.OpcodeInfo, stack: list[Any]) -> Any:
    """Remove from the stack what a step takes; return the lowest item of it."""
    n_taken = len(opcode.stack_before)
    if pickletools.markobject in opcode.stack_before:
        n_taken = opcode.stack_before.index(pickletools.markobject)
        while stack.pop() is not MARK:
            pass
    taken = [stack.pop() for _ in range(n_taken)]
    return taken[-1] if taken else None


def _name_today(argument: str) -> str:
    """The dotted name in Python 3, even if a file has that of Python 2, as PyTorch's files do."""
    module, _, name = argument.partition(" ")
    module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
    return f"{module}.{name}"

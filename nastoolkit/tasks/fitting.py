"""Whether networks fit a task (inputs, number of classes or tokens, vocabulary), and cells that fit it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from nastoolkit.blocks import Inputs
from nastoolkit.families import Family
from nastoolkit.families.cells import NAS_BENCH_201, CellsFamily
from nastoolkit.supernets import Supernet
from nastoolkit.tasks.base import Task
from nastoolkit.tasks.vocabulary import SIZE


def cells_for(task: Task, **sizes: Any) -> CellsFamily:
    """The cells of NAS-Bench-201 in a skeleton of any size, for the images and classes of a task.

    Args:
        task: Classification of images.
        **sizes: Fields of :class:`nastoolkit.families.cells.Table` that should differ from NAS-Bench-201's, such as
            ``image_size``, ``channels``, ``n_cells`` and ``operations``.

    Raises:
        ValueError: The task has no images, or no classes.
    """
    return CellsFamily(f"{task.name}-cells", replace(NAS_BENCH_201, **ends_for(task), **sizes))


def ends_for(task: Task) -> dict[str, Any]:
    """The fields ``image_channels`` and ``n_classes`` of a table of networks, for the images and classes of a task.

    Raises:
        ValueError: The task has no images, or no classes.
    """
    inputs, n_classes = next(task.split("train").batches(1)).inputs, _n_targets(task)
    if isinstance(inputs, tuple) or inputs.dim() != 4 or n_classes is None:
        raise ValueError(f"the networks need a task with classes of images, and {task.name!r} has none")
    return {"image_channels": inputs.shape[1], "n_classes": n_classes}


def check_inputs(family: Family, task: Task, inputs: Inputs) -> None:
    """Refuse inputs that the family's networks cannot take; the height and width of images do not matter.

    Raises:
        ValueError: The inputs have another number of channels, or the sentences another length.
    """
    first = inputs[0] if isinstance(inputs, tuple) else inputs
    wanted, found = family.input_shape(family.space.smallest), tuple(first.shape[1:])
    if len(wanted) != len(found) or (wanted[0] != found[0] and not family.any_length):
        raise ValueError(f"{family.name!r} takes inputs {wanted}, task {task.name!r} has {found}")


def check_outputs(family: Family, task: Task) -> None:
    """Refuse a task whose number of classes or tokens is not that of the networks' outputs, if both are known.

    Raises:
        ValueError: The numbers differ; the message says how to adapt the supernet, if possible.
    """
    wanted, found = family.n_outputs, _n_targets(task)
    if wanted is None or found is None or wanted == found:
        return
    differ = (
        f"networks of {family.name!r} have {wanted} outputs, and the targets of task {task.name!r} are {found} different ones"
    )
    if hasattr(family.table, "n_classes") and hasattr(type(task), "n_classes"):
        differ += f": with_new_head(supernet, {found}) makes a supernet for it, whose last layer has to be trained"
    raise ValueError(differ)


def check_vocabulary(supernet: Supernet, task: Task) -> None:
    """Refuse texts whose tokens differ in meaning from those a supernet was trained on, or that it has no weights for.

    Raises:
        ValueError: The vocabularies differ.
    """
    own, size = getattr(task, "vocabulary", None), getattr(supernet.family.table, "vocabulary", None)
    wanted = SIZE if own else getattr(task, "n_words", 0)
    if size is not None and size < wanted:
        remedy = "take one that has as many" if own else "name the tokenizer that its checkpoint was trained with"
        raise ValueError(f"the supernet has {size:,} tokens, and task {task.name!r} {wanted:,}: {remedy}")
    if own and supernet.vocabulary not in (None, own.fingerprint):
        shared = "those of VADER have one vocabulary, and so have help-topics and masked-words"
        differ = f"the supernet was trained on tokens of another vocabulary than that of task {task.name!r}"
        raise ValueError(f"{differ}: train it on a task of the same texts ({shared}), or begin with a new one")


def adopt_vocabulary(supernet: Supernet, task: Task) -> None:
    """Tell a supernet that is about to be trained what its tokens mean; see :func:`check_vocabulary`."""
    check_vocabulary(supernet, task)
    supernet.vocabulary = getattr(getattr(task, "vocabulary", None), "fingerprint", supernet.vocabulary)


def _n_targets(task: Task) -> int | None:
    """Number of classes or tokens that a task distinguishes; None if it does not say."""
    with suppress(NotImplementedError):  # a task that only trains may have no splits
        return getattr(task, "n_classes", getattr(task, "n_tokens", None))
    return None

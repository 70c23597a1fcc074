"""Supernets from files and to files, and with another head."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nastoolkit.blocks import device_of
from nastoolkit.checkpoints import CheckpointError, check_tensors, locate, read_checkpoint, write_checkpoint
from nastoolkit.families import FAMILIES, Family
from nastoolkit.supernets.copies import Supernets
from nastoolkit.supernets.sharing import SHARING_RULES, SharingRule, Slice, make_rule, rule_identity
from nastoolkit.supernets.supernet import Supernet

HEAD = "classifier.linear."  # the layer of every family that depends on the number of classes


def with_new_head(supernet: Supernet, n_classes: int, seed: int = 0) -> Supernet:
    """A supernet for a task with other classes: a copy of all weights but the last layer's, which are drawn anew.

    Args:
        supernet: Left as it is.
        n_classes: Number of the task's classes, 2 or more.
        seed: For the last layer's weights.

    Raises:
        ValueError: The family classifies nothing, or into fewer than two classes.
    """
    other_seed = int(np.random.default_rng([seed, n_classes]).integers(2**31))  # the supernet's own would draw its first head
    twin = Supernet(supernet.family.with_classes(n_classes), supernet.sharing, other_seed).to(device_of(supernet))
    kept = {name: tensor for name, tensor in supernet.shared.state_dict().items() if not name.startswith(HEAD)}
    twin.shared.load_state_dict({**twin.shared.state_dict(), **kept})
    return twin.train(supernet.training)


def save_supernet(supernet: Supernet, path: str | Path, card: Mapping[str, Any] | None = None) -> Path:
    """Write the shared weights as safetensors, with a card (how they were made, what was measured) in the header.

    Raises:
        ValueError: The sharing rule is none of ``SHARING_RULES``, so that nobody could load the file.
    """
    rule = rule_identity(supernet.sharing)
    if not _is_known(rule["sharing"]):
        raise ValueError(f"sharing rule {rule['sharing']} is in no registry; known: {list(SHARING_RULES)}")
    copies = {"copies": supernet.parts} if isinstance(supernet, Supernets) else {}
    identity = {**supernet.family.identity, **rule, **copies}
    return write_checkpoint(path, supernet.shared.state_dict(), {**identity, **(card or {})})


def load_supernet(name: str, checkpoint: str | Path | None = None) -> Supernet:
    """A pre-trained supernet in evaluation mode; vocabulary and number of classes are the checkpoint's.

    Args:
        name: Key in ``FAMILIES``; the family is adapted to the checkpoint by its ``fitting``.
        checkpoint: A file of :func:`save_supernet`, one in a published format (of Once-for-All, HAT, DyNAS-T), whatever its
            suffix and whatever a trainer keeps beside the weights, a folder as of Hugging Face, or the address of such a file;
            by default the one that ships with the package, or was fetched.

    Raises:
        ValueError: An unknown family name.
        ConnectionError: A download failed; nothing of it is kept.
        CheckpointError: No such file, a damaged one, or one whose tensors are not this family's (all differences listed).
    """
    if name not in FAMILIES:
        raise ValueError(f"unknown family {name!r}; known: {sorted(FAMILIES)}")
    path = locate(name, checkpoint)
    tensors, card = read_checkpoint(path)
    sharing = card.get("sharing", "slice")
    if not _is_known(sharing):
        raise CheckpointError(f"{path} needs sharing rule {sharing!r}; known: {list(SHARING_RULES)}")
    family = FAMILIES[name]().fitting({name.removeprefix("0."): tensor for name, tensor in tensors.items()})
    rule = _rule(path, sharing, card.get("sharing_settings", {}))
    make = partial(_made, path, family, card.get("copies"))
    with torch.device("meta"):  # nothing is allocated before the file is known to fit
        wanted, of_no_rule = (make(one).shared.state_dict() for one in (rule, Slice()))
    check_tensors(path, tensors, wanted, optional=wanted.keys() - of_no_rule.keys())
    supernet = make(rule)
    supernet.shared.load_state_dict({**supernet.shared.state_dict(), **tensors})
    return supernet.eval()


def _made(path: Path, family: Family, parts: Any, rule: SharingRule) -> Supernet:
    """A new supernet, of several copies if the file's card says what each of them owns."""
    try:
        return Supernet(family, rule) if parts is None else Supernets(family, rule, parts=parts)
    except (AttributeError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} has copies of weights for parts of the space that there are not: {error}") from error


def _is_known(sharing: Any) -> bool:
    """Whether a rule, or each of a chain, is in the registry."""
    return isinstance(sharing, str) and SHARING_RULES.keys() >= set(sharing.split("+"))


def _rule(path: Path, name: str, settings: Any) -> SharingRule:
    """A sharing rule with the settings that a file's card gives it."""
    try:
        return make_rule(name, settings)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path} has settings of sharing rule {name!r} that it cannot take: {error}") from error

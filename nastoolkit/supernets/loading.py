"""Supernets: loading and saving them, giving them another head, and giving them bits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nastoolkit.blocks import device_of
from nastoolkit.checkpoints import CheckpointError, check_tensors, locate, read_checkpoint, write_checkpoint
from nastoolkit.families import Family, family_named
from nastoolkit.families.bits import BitChoices
from nastoolkit.supernets.copies import Supernets
from nastoolkit.supernets.sharing import SHARING_RULES, FakeQuantise, SharingRule, chain, make_rule, rule_identity
from nastoolkit.supernets.supernet import Supernet

HEAD = "classifier.linear."  # the layer of every family that depends on the number of classes


def with_new_head(supernet: Supernet, n_classes: int, seed: int = 0) -> Supernet:
    """A supernet for a task with other classes: it copies all weights except the last layer's, which are drawn anew.

    If the supernet was trained on masked words, the encoder's weights are copied, and all weights of the classifier are drawn.

    Args:
        supernet: Supernet to copy from; it stays as it is.
        n_classes: Number of the task's classes, 2 or more.
        seed: Random seed of the last layer's weights.

    Raises:
        ValueError: The family classifies nothing, or into fewer than two classes.
    """
    other_seed = int(np.random.default_rng([seed, n_classes]).integers(2**31))  # the supernet's own would draw its first head
    twin = _twin(supernet, supernet.family.with_classes(n_classes), supernet.sharing, other_seed)
    drawn = tuple(f"{place}.{HEAD}".removeprefix(".") for place in supernet.copies)
    fresh, trained = twin.shared.state_dict(), supernet.shared.state_dict()
    kept = {name: tensor for name, tensor in trained.items() if name in fresh and not name.startswith(drawn)}
    twin.shared.load_state_dict({**fresh, **kept})
    return twin


def with_bits(
    supernet: Supernet, bits: Iterable[int], symmetric: bool = True, schemes: Iterable[str] = (), tied: bool = False
) -> Supernet:
    """A supernet of the same sub-networks with bits and a copy of all weights: measure it as it is, or train it further.

    Args:
        supernet: Supernet to copy from; it stays as it is.
        bits: Options for the weights and activations of every block; see :meth:`nastoolkit.families.Family.quantised`.
        symmetric: Setting of :class:`FakeQuantise`, for blocks that have no such choice.
        schemes: Options for how the weights of every block are rounded; see there.
        tied: Whether weights and activations of a block have the same bits; see there.

    Raises:
        ValueError: Bits are not whole numbers from 2 to 32, a scheme is unknown, or the supernet has bits already.
    """
    if supernet.family.bits:
        raise ValueError(f"sub-networks have bits already: {supernet.family.bits}")
    family = supernet.family.quantised(bits, schemes, tied)
    twin = _twin(supernet, family, chain(supernet.sharing, FakeQuantise(symmetric)))
    twin.shared.load_state_dict(supernet.shared.state_dict())
    return twin


def _twin(supernet: Supernet, family: Family, sharing: SharingRule, seed: int = 0) -> Supernet:
    """A supernet like another one: the same mode, device and number of copies, but fresh weights."""
    parts = supernet.parts if isinstance(supernet, Supernets) else None
    twin = _of_copies(family, sharing, parts, seed).to(device_of(supernet)).train(supernet.training)
    twin.vocabulary = supernet.vocabulary
    twin._templates = supernet._templates  # they hold weights only while one of the two runs in a thread
    return twin


def _of_copies(family: Family, sharing: SharingRule | None, parts: Any, seed: int = 0) -> Supernet:
    """A new supernet, with several copies if it is given what each of them owns."""
    return Supernet(family, sharing, seed) if parts is None else Supernets(family, sharing, seed, parts)


def save_supernet(supernet: Supernet, path: str | Path, card: Mapping[str, Any] | None = None) -> Path:
    """Write the shared weights as safetensors, with a card (how they were made, what was measured) in the header.

    Raises:
        ValueError: The sharing rule is not in ``SHARING_RULES``, so the file could not be loaded.
    """
    rule = rule_identity(supernet.sharing)
    if not _is_known(rule["sharing"]):
        raise ValueError(f"sharing rule {rule['sharing']} is in no registry; known: {list(SHARING_RULES)}")
    copies = {"copies": supernet.parts} if isinstance(supernet, Supernets) else {}
    bits = asdict(supernet.family.bit_choices) if supernet.family.bit_choices else {}
    words = {"vocabulary": supernet.vocabulary} if supernet.vocabulary else {}
    identity = {**supernet.family.identity, **rule, **copies, **bits, **words}
    return write_checkpoint(path, supernet.shared.state_dict(), {**identity, **(card or {})})


def load_supernet(name: str, checkpoint: str | Path | None = None) -> Supernet:
    """A pre-trained supernet in evaluation mode, with the checkpoint's vocabulary and number of classes.

    Args:
        name: Name of the family, see :func:`nastoolkit.families.family_named`; ``fitting`` adapts it to the checkpoint.
        checkpoint: A file of :func:`save_supernet`, one in a published format (of Once-for-All, HAT, DyNAS-T) with any suffix
            and whatever else a trainer saved with the weights, a Hugging Face folder, or the address of such a file; by
            default the one that ships with the package, or was fetched.

    Raises:
        ValueError: The family's name is unknown.
        ConnectionError: A download failed; no part of it is kept.
        CheckpointError: There is no such file, it is damaged, or its tensors do not fit this family (all differences are
            listed, unless the file says that it was made for another one).
    """
    family = family_named(name)
    path = locate(name, checkpoint)
    tensors, card = read_checkpoint(path)
    sharing = card.get("sharing", "slice")
    if not _is_known(sharing):
        raise CheckpointError(f"{path} needs sharing rule {sharing!r}; known: {list(SHARING_RULES)}")
    family = family.fitting({name.removeprefix("0."): tensor for name, tensor in tensors.items()})
    family, rule = _with_bits(path, family, card), _rule(path, sharing, card.get("sharing_settings", {}))
    make = partial(_made, path, family, card.get("copies"))
    with torch.device("meta"):  # nothing is allocated before the file is known to fit
        wanted, of_no_rule = (make(one).shared.state_dict() for one in (rule, None))
    with _told_of_other_family(path, card.get("family", family.name), family):
        check_tensors(path, tensors, wanted, optional=wanted.keys() - of_no_rule.keys())
    supernet = make(rule)
    supernet.shared.load_state_dict({**supernet.shared.state_dict(), **tensors})
    supernet.vocabulary = card.get("vocabulary")
    return supernet.eval()


@contextmanager
def _told_of_other_family(path: Path, made_for: Any, family: Family) -> Iterator[None]:
    """One sentence instead of all tensors that differ, if the file says that it was made for another family."""
    try:
        yield
    except CheckpointError as error:
        if made_for == family.name:
            raise
        raise CheckpointError(f"{path} holds weights of {made_for!r}, which do not fit {family.name!r}") from error


def load_pretrained(name: str, checkpoint: str | Path, n_classes: int) -> Supernet:
    """A network that was pre-trained for something else, such as masked words, as a supernet with a new last layer.

    Args:
        name: Name of the family, see :func:`nastoolkit.families.family_named`.
        checkpoint: File, folder or address in a published format; tensors for its own task are ignored.
        n_classes: Number of classes of the last layer, which has to be trained.

    Raises:
        CheckpointError: There is no such file, it is damaged, or its other tensors do not fit this family.
    """
    path = locate(name, checkpoint)
    tensors, _ = read_checkpoint(path)
    supernet = Supernet(family_named(name).fitting(tensors).with_classes(n_classes))
    fresh = supernet.shared.state_dict()
    parts = {tensor.partition(".")[0] for tensor in fresh}
    own = {key: tensor for key, tensor in tensors.items() if key.partition(".")[0] in parts and not key.startswith(HEAD)}
    check_tensors(path, own, fresh, optional=[key for key in fresh if key.startswith(HEAD)])
    supernet.shared.load_state_dict({**fresh, **own})
    return supernet.eval()


def _made(path: Path, family: Family, parts: Any, rule: SharingRule | None) -> Supernet:
    """A new supernet, with several copies if the file's card says what each of them owns."""
    try:
        return _of_copies(family, rule, parts)
    except (AttributeError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} has copies of weights or a rule that do not fit the family: {error}") from error


def _with_bits(path: Path, family: Family, card: Mapping[str, Any]) -> Family:
    """The family with the choices of bits that a file's card gives its blocks, if any."""
    chosen = {field.name: card[field.name] for field in fields(BitChoices) if field.name in card}
    try:
        return family if card.get("bits") is None else family.quantised(**chosen)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path} has bits that no block can have: {error}") from error


def _is_known(sharing: Any) -> bool:
    """Whether a rule, or each rule of a chain, is in the registry."""
    return isinstance(sharing, str) and SHARING_RULES.keys() >= set(sharing.split("+"))


def _rule(path: Path, name: str, settings: Any) -> SharingRule:
    """A sharing rule with the settings that a file's card gives it."""
    try:
        return make_rule(name, settings)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path} has settings of sharing rule {name!r} that it cannot take: {error}") from error

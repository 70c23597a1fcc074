"""Supernets: a family plus a sharing rule. No elastic layers, no active sub-network: the genotype is an argument.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020:
Section 3 for weight sharing; the released code for the calibration of batch normalisation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from functools import partial
from pathlib import Path
from threading import get_ident
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call

from nastoolkit.blocks import BlockSpec, Inputs, device_of
from nastoolkit.checkpoints import CheckpointError, check_tensors, locate, read_checkpoint, write_checkpoint
from nastoolkit.families import FAMILIES, Family
from nastoolkit.randomness import drawn_from
from nastoolkit.space import in_short
from nastoolkit.supernets.sharing import SHARING_RULES, SharingRule, Slice, rule_identity
from nastoolkit.support import tables as html

HEAD = "classifier.linear."  # the layer of every family that depends on the number of classes
BatchNorm = nn.modules.batchnorm._BatchNorm  # what all kinds have in common: for 1 to 3 dimensions, synchronised, lazy
Sums = dict[BatchNorm, tuple[torch.Tensor, int]]  # of means and variances (2, channels), and of how many inputs


class Supernet(nn.Module):
    """One set of weights for all sub-networks of a family.

    ``supernet(x, genotype)`` runs the sub-network's plain layers on views of the shared weights, so gradients reach exactly
    the entries in use. In training mode batch normalisation uses the batch's statistics and leaves the shared ones alone;
    in evaluation mode it uses the shared statistics, cropped like weights. Such statistics fit no sub-network well: for an
    accuracy, :meth:`extract` and :func:`calibrate_batchnorm`.

    Args:
        family: Says which networks there are; its largest genotype holds all weights.
        sharing: How a block gets its weights.
        seed: For the initial weights.
    """

    def __init__(self, family: Family, sharing: SharingRule | None = None, seed: int = 0) -> None:
        super().__init__()
        self.family = family
        self.sharing = sharing or Slice()
        with drawn_from(seed):
            self.shared = family.build(family.largest)
        for name, _ in family.plan(family.largest):
            self.sharing.prepare(self.shared.get_submodule(name))
        self._templates: dict[tuple[str, BlockSpec, bool, int], nn.Module] = {}

    def forward(self, x: Inputs, genotype: np.ndarray) -> torch.Tensor:
        """Outputs of one sub-network.

        Args:
            x: Inputs as of ``family.example_inputs(genotype, n)``: a tensor, or a tuple of them.
            genotype: ``(d,)``.
        """
        templates = {name: self._template(name, spec, self.training) for name, spec in self.family.plan(genotype)}
        return functional_call(self.family.assemble(templates), self._weights(templates, genotype), (x,))

    def _template(self, name: str, spec: BlockSpec, training: bool = False) -> nn.Module:
        """A block without memory for weights, one for each place, spec, mode and (as it holds weights in a pass) thread."""
        key = (name, spec, training, get_ident())
        if key not in self._templates:
            with torch.device("meta"):
                block = spec.build().train(training)
            self._templates[key] = _without_statistics(block) if training else block
        return self._templates[key]

    def _weights(self, templates: Mapping[str, nn.Module], genotype: np.ndarray) -> dict[str, torch.Tensor]:
        """The sub-network's tensors, by their names in the whole network."""
        weights = {}
        for name, template in templates.items():
            shared = dict(_tensors(self.shared.get_submodule(name)))
            shapes = {key: tensor.shape for key, tensor in _tensors(template)}
            weights.update({f"{name}.{key}": value for key, value in self.sharing(shared, shapes, genotype).items()})
        return weights

    def extract(self, genotype: np.ndarray) -> nn.Module:
        """An ordinary network with its own copy of the sub-network's weights, in the supernet's mode.

        It shares nothing with the supernet: calibrate, train, time, compile or export it freely.
        """
        templates = {name: self._template(name, spec) for name, spec in self.family.plan(genotype)}
        with torch.no_grad():
            weights = self._weights(templates, genotype)
            blocks = {name: _copy(template, weights, f"{name}.") for name, template in templates.items()}
        return self.family.assemble(blocks).train(self.training)

    @property
    def fingerprint(self) -> str:
        """Hash of all shared weights and statistics: supernets with equal ones give equal measurements."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.shared.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    @property
    def identity(self) -> dict[str, Any]:
        """Family, sharing rule with its settings, and weights: all that a sub-network's outputs depend on but the genotype."""
        return {**self.family.identity, **rule_identity(self.sharing), "weights": self.fingerprint}

    def __repr__(self) -> str:
        n_params = sum(parameter.numel() for parameter in self.parameters())
        return f"Supernet({self.family}, {n_params:,} shared parameters)"

    def _repr_html_(self) -> str:
        space = self.family.space
        ends = {"smallest": space.smallest, "largest": space.largest}
        costs = {name: f"{self.family.params(end):,} params, {self.family.mmacs(end):.4g} MMACs" for name, end in ends.items()}
        sharing = {"sharing rule": rule_identity(self.sharing)["sharing"], "fingerprint of the weights": self.fingerprint}
        sizes = {"sub-networks": space.size_in_short}
        if space.counts_twins:
            sizes["different ones"] = in_short(space.n_different)
        return html.facts("Supernet", {"family": self.family.name, **sizes, **costs, **sharing})


def _tensors(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    yield from module.named_parameters()
    yield from module.named_buffers()


def _copy(template: nn.Module, weights: Mapping[str, torch.Tensor], prefix: str) -> nn.Module:
    """A module like the template, with its own copies of the weights whose names start with ``prefix``.

    Building it anew, or by ``copy.deepcopy``, would take several times as long.
    """
    twin = copy(template)
    twin.__dict__.update({name: value.copy() for name, value in vars(template).items() if isinstance(value, (dict, set))})
    for name, _ in template.named_parameters(recurse=False):
        twin._parameters[name] = nn.Parameter(_dense(weights[prefix + name]))
    for name, _ in template.named_buffers(recurse=False):
        twin._buffers[name] = _dense(weights[prefix + name])
    for name, part in template.named_children():
        twin._modules[name] = _copy(part, weights, f"{prefix}{name}.")
    return twin


def _dense(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.clone(memory_format=torch.channels_last if tensor.dim() == 4 else torch.contiguous_format)


def _without_statistics(block: nn.Module) -> nn.Module:
    """The same block with batch normalisation that knows only the current batch."""
    for module in block.modules():
        if isinstance(module, BatchNorm):
            module.track_running_stats = False
            module.running_mean = module.running_var = module.num_batches_tracked = None
    return block


@torch.no_grad()
def calibrate_batchnorm(network: nn.Module, batches: Iterable[Inputs]) -> nn.Module:
    """Set batch-normalisation statistics to those of given inputs, as Once-for-All does it; leaves evaluation mode on.

    Every layer normalises with the batch's own statistics and keeps the mean over images of batch means and biased batch
    variances. The result depends only on weights and batches, so it is the same in any process and order. Layers that keep no
    statistics, or that no batch reaches, stay as they are.

    Args:
        network: Changed in place, also returned.
        batches: Inputs ``(n, ...)``, training images usually; 2,000 in [Cai2020]. None is read where nothing needs it.
    """
    network.eval()
    norms = [module for module in network.modules() if isinstance(module, BatchNorm) and module.running_mean is not None]
    if not norms:
        return network
    sums: Sums = {}
    handles = [norm.register_forward_pre_hook(partial(_use_batch_statistics, sums)) for norm in norms]
    n_inputs = 0
    try:
        for batch in batches:
            network(batch)
            n_inputs += len(batch[0] if isinstance(batch, tuple) else batch)
    finally:
        for handle in handles:
            handle.remove()
    if not n_inputs:
        raise ValueError("calibration needs at least one batch of inputs")
    for norm, (total, n) in sums.items():
        _set_statistics(norm, *total / n)
    return network


def _use_batch_statistics(sums: Sums, norm: BatchNorm, inputs: tuple[torch.Tensor]) -> None:
    """Normalise this batch by its own statistics, and add them to the layer's sums, weighted by its size.

    They are not left to PyTorch's training mode, whose sums over channels-last tensors are off by 5e-5 on large images.
    """
    (x,) = inputs
    values = x.movedim(1, -1).reshape(-1, x.shape[1]).to(torch.promote_types(x.dtype, torch.float32))
    mean = values.mean(0)
    variance = (values - mean).square_().mean(0)
    _set_statistics(norm, mean, variance)
    total, n = sums.get(norm, (torch.zeros(2, x.shape[1], device=x.device), 0))
    sums[norm] = total + len(x) * torch.stack([mean, variance]), n + len(x)


def _set_statistics(norm: BatchNorm, mean: torch.Tensor, variance: torch.Tensor) -> None:
    norm.load_state_dict({"running_mean": mean, "running_var": variance}, strict=False)


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
    if type(supernet.sharing) not in SHARING_RULES.values():
        raise ValueError(f"sharing rule {type(supernet.sharing).__name__} is in no registry; known: {list(SHARING_RULES)}")
    identity = {**supernet.family.identity, **rule_identity(supernet.sharing)}
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
    if not isinstance(sharing, str) or sharing not in SHARING_RULES:
        raise CheckpointError(f"{path} needs sharing rule {sharing!r}; known: {list(SHARING_RULES)}")
    family, rule = FAMILIES[name]().fitting(tensors), _rule(path, sharing, card.get("sharing_settings", {}))
    with torch.device("meta"):  # nothing is allocated before the file is known to fit
        wanted = Supernet(family, rule).shared.state_dict()
        of_the_rule = wanted.keys() - family.build(family.largest).state_dict().keys()
    check_tensors(path, tensors, wanted, optional=of_the_rule)
    supernet = Supernet(family, rule)
    supernet.shared.load_state_dict({**supernet.shared.state_dict(), **tensors})
    return supernet.eval()


def _rule(path: Path, name: str, settings: Any) -> SharingRule:
    """A sharing rule with the settings that a file's card gives it."""
    try:
        return SHARING_RULES[name](**settings)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path} has settings of sharing rule {name!r} that it cannot take: {error}") from error

"""Supernets: a family plus a sharing rule. No elastic layers, no active sub-network: the genotype is an argument.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020:
Section 3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from copy import copy
from threading import get_ident
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call

from nastoolkit.blocks import BlockSpec, Inputs
from nastoolkit.families import Family
from nastoolkit.randomness import drawn_from
from nastoolkit.supernets.calibration import BatchNorm, Data, calibrate
from nastoolkit.supernets.sharing import SharingRule, rule_for, rule_identity
from nastoolkit.supernets.slices import crop
from nastoolkit.support import tables as html


class Supernet(nn.Module):
    """One set of weights for all sub-networks of a family.

    ``supernet(x, genotype)`` runs the sub-network's plain layers on views of the shared weights, so gradients reach exactly
    the entries in use. In training mode batch normalisation uses the batch's statistics and leaves the shared ones alone; in
    evaluation mode it uses the shared statistics, cropped like weights. These statistics do not fit any sub-network well: to
    measure accuracy, use :meth:`extract` and :func:`nastoolkit.supernets.calibrate_batchnorm`.

    Args:
        family: Family of the networks; its largest blocks hold all weights, with a set for each operation of a slot.
        sharing: How a block gets its weights; by default by :class:`nastoolkit.supernets.Slice`, and rounded if it has bits.
        seed: Random seed of the initial weights.

    Attributes:
        vocabulary: Fingerprint of the vocabulary that it was trained on; None before that, or if there is none.
    """

    def __init__(self, family: Family, sharing: SharingRule | None = None, seed: int = 0) -> None:
        super().__init__()
        self.family = family
        self.sharing = rule_for(family, sharing)
        self.vocabulary: str | None = None
        with drawn_from(seed):
            self.shared: nn.Module = family.build_shared()
            for place in family.shared_blocks:
                self.sharing.prepare(self.shared.get_submodule(place))
        self._templates: dict[tuple[str, BlockSpec, bool, int, int], nn.Module] = {}

    def forward(self, x: Inputs, genotype: np.ndarray) -> torch.Tensor:
        """Outputs of one sub-network.

        Args:
            x: Inputs like those of ``family.example_inputs(genotype, n)``: a tensor, or a tuple of tensors.
            genotype: ``(d,)``.
        """
        return functional_call(*self.functional(genotype), (x,))

    def weights(self, genotype: np.ndarray) -> dict[str, torch.Tensor]:
        """The weights of a sub-network, by their names in it; gradients through them reach the shared weights."""
        return self.functional(genotype)[1]

    def functional(self, genotype: np.ndarray) -> tuple[nn.Module, dict[str, torch.Tensor]]:
        """A genotype's network in this mode and thread, without weights of its own, and its weights: for functional calls."""
        return self.joined({name: self.block(name, spec, genotype) for name, spec in self.family.plan(genotype)})

    def joined(
        self, found: Mapping[str, tuple[nn.Module, Mapping[str, torch.Tensor]]]
    ) -> tuple[nn.Module, dict[str, torch.Tensor]]:
        """The network of some blocks, by their names, and the weights of all."""
        weights = {f"{name}.{key}": tensor for name, (_, own) in found.items() for key, tensor in own.items()}
        return self.family.assemble({name: block for name, (block, _) in found.items()}), weights

    def blocks(self, genotype: np.ndarray) -> dict[str, nn.Module]:
        """The blocks that :meth:`forward` runs in this mode and thread, by name: for hooks, as they hold no weights."""
        return {name: self._template(name, spec, self.training) for name, spec in self.family.plan(genotype)}

    @property
    def copies(self) -> Mapping[str, nn.Module]:
        """The sets of shared weights by their places in ``shared``; here there is only one."""
        return {"": self.shared}

    def home(self, name: str, genotype: np.ndarray) -> nn.Module:
        """What holds the shared weights of a genotype's block."""
        return self.shared.get_submodule(self.family.place(name, genotype))

    def block(
        self, name: str, spec: BlockSpec, genotype: np.ndarray, number: int = 0
    ) -> tuple[nn.Module, dict[str, torch.Tensor]]:
        """A block of a genotype's network in this mode and thread, without weights of its own, and its weights.

        Blocks with the same place and spec that run in one network have different numbers.
        """
        template = self._template(name, spec, self.training, number)
        return template, self._weights(name, spec, template, genotype)

    def _template(self, name: str, spec: BlockSpec, training: bool = False, number: int = 0) -> nn.Module:
        """A block without memory for weights: one for each place, spec, mode and thread (it holds weights during a pass)."""
        key = (name, spec, training, number, get_ident())
        if key not in self._templates:
            with torch.device("meta"):
                block = spec.build().train(training)
            self._templates[key] = _without_statistics(block) if training else block
        return self._templates[key]

    def _weights(self, name: str, spec: BlockSpec, template: nn.Module, genotype: np.ndarray) -> dict[str, torch.Tensor]:
        """The tensors of one block of a sub-network, by their names inside the block."""
        needed = dict(_tensors(template))
        if not needed:
            return {}
        home = self.home(name, genotype)
        shared = dict(home.named_parameters()) | {key: own for key, own in home.named_buffers() if key in needed}
        shared.update(self.sharing(shared, spec, name, genotype))
        if not needed.keys() <= shared.keys():
            why = "only choices with ordered=False have a set for each option"
            raise ValueError(f"the supernet has no weights for block {name!r}, {spec}: {why}")
        return {key: crop(shared[key], own.shape) for key, own in needed.items()}

    def network(self, genotype: np.ndarray, task: Data, n_calibration: int = 2000) -> nn.Module:
        """The network that a search measured: an ordinary one, calibrated on a task's training examples and ready to use.

        Args:
            genotype: ``(d,)``.
            task: Task, such as ``TASKS["digits"]()``.
            n_calibration: Number of training examples, the first ones, for the statistics of batch normalisation.
        """
        return calibrate(self.extract(genotype), task, self.family.input_shape(genotype), n_calibration)

    def extract(self, genotype: np.ndarray) -> nn.Module:
        """An ordinary network, not calibrated yet, with its own copy of the sub-network's weights, in the supernet's mode.

        It shares nothing with the supernet: calibrate, train, time, compile or export it freely. Its batch normalisation has
        the statistics of the supernet's last training steps, which do not fit any sub-network well; :meth:`network` recomputes
        them.
        """
        blocks = {}
        with torch.no_grad():
            for name, spec in self.family.plan(genotype):
                template = self._template(name, spec)
                blocks[name] = _copy(template, self._weights(name, spec, template, genotype), "")
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
        """Family, sharing rule and its settings, and weights: all that outputs depend on, except the genotype."""
        return {**self.family.identity, **rule_identity(self.sharing), "weights": self.fingerprint}

    def __repr__(self) -> str:
        n_params = sum(parameter.numel() for parameter in self.parameters())
        return f"Supernet({self.family}, {n_params:,} shared parameters)"

    def _repr_html_(self) -> str:
        space = self.family.space
        ends = {"smallest": space.smallest, "largest": space.largest}
        costs = {name: f"{self.family.params(end):,} params, {self.family.mmacs(end):.4g} MMACs" for name, end in ends.items()}
        sharing = {"sharing rule": rule_identity(self.sharing)["sharing"], "fingerprint of the weights": self.fingerprint}
        return html.facts("Supernet", {"family": self.family.name, "space": space.size_in_words, **costs, **sharing})


def _tensors(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    yield from module.named_parameters()
    yield from module.named_buffers()


def _copy(template: nn.Module, weights: Mapping[str, torch.Tensor], prefix: str) -> nn.Module:
    """A module like the template, with its own copies of the weights whose names start with ``prefix``.

    Building it anew, or using ``copy.deepcopy``, would take several times as long.
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
    """The same block with batch normalisation that uses only the current batch."""
    for module in block.modules():
        if isinstance(module, BatchNorm):
            module.track_running_stats = False
            module.running_mean = module.running_var = module.num_batches_tracked = None
    return block

"""Supernets: a family plus a sharing rule. No elastic layers, no active sub-network: the genotype is an argument.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020:
Section 3 for weight sharing; the released code for the calibration of batch normalisation.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from torch.func import functional_call

from nastoolkit.blocks import BlockSpec, channels_last
from nastoolkit.families import FAMILIES, Family
from nastoolkit.sharing import SharingRule, Slice

EMBEDDED = Path(__file__).parent / "checkpoints"
BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d


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
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.shared = family.build(family.space.largest)
        self._templates: dict[tuple[str, BlockSpec, bool], nn.Module] = {}

    def forward(self, x: torch.Tensor, genotype: np.ndarray) -> torch.Tensor:
        """Outputs of one sub-network.

        Args:
            x: Inputs ``(n, *family.input_shape(genotype))``.
            genotype: ``(d,)``.
        """
        templates = {name: self._template(name, spec) for name, spec in self.family.plan(genotype)}
        return functional_call(self.family.assemble(templates), self._weights(templates, genotype), (x,))

    def _template(self, name: str, spec: BlockSpec) -> nn.Module:
        """A block without memory for weights, one for each place, spec and mode."""
        key = (name, spec, self.training)
        if key not in self._templates:
            with torch.device("meta"):
                block = spec.build().train(self.training)
            self._templates[key] = _without_statistics(block) if self.training else block
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
        with torch.device("meta"):
            blocks = {name: spec.build() for name, spec in self.family.plan(genotype)}
        network = self.family.assemble(blocks)
        weights = self._weights(blocks, genotype)
        network.load_state_dict({name: tensor.detach().clone() for name, tensor in weights.items()}, assign=True)
        return channels_last(network).train(self.training)

    @property
    def fingerprint(self) -> str:
        """Hash of all shared weights and statistics: supernets with equal ones give equal measurements."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.shared.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def __repr__(self) -> str:
        n_params = sum(parameter.numel() for parameter in self.parameters())
        return f"Supernet({self.family}, {n_params:,} shared parameters)"


def _tensors(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    yield from module.named_parameters()
    yield from module.named_buffers()


def _without_statistics(block: nn.Module) -> nn.Module:
    """The same block with batch normalisation that knows only the current batch."""
    for module in block.modules():
        if isinstance(module, BatchNorm):
            module.track_running_stats = False
            module.running_mean = module.running_var = module.num_batches_tracked = None
    return block


@torch.no_grad()
def calibrate_batchnorm(network: nn.Module, batches: Iterable[torch.Tensor]) -> nn.Module:
    """Set batch-normalisation statistics to those of given inputs, as Once-for-All does it; leaves evaluation mode on.

    Every layer normalises with the batch's own statistics and keeps the mean over images of batch means and biased batch
    variances. The result depends only on weights and batches, so it is the same in any process and order.

    Args:
        network: Changed in place, also returned.
        batches: Inputs ``(n, ...)``, training images usually; 2,000 in [Cai2020].
    """
    norms = [module for module in network.modules() if isinstance(module, BatchNorm)]
    sums = {norm: torch.zeros(2, norm.num_features, device=norm.weight.device) for norm in norms}
    n_inputs = 0
    network.train()
    with _before_each(norms, lambda norm, inputs: _add_moments(sums[norm], inputs[0])):
        for batch in batches:
            network(batch)
            n_inputs += len(batch)
    if not n_inputs:
        raise ValueError("calibration needs at least one batch of inputs")
    for norm, (mean, variance) in sums.items():
        norm.load_state_dict({"running_mean": mean / n_inputs, "running_var": variance / n_inputs}, strict=False)
    return network.eval()


@contextmanager
def _before_each(norms: list[BatchNorm], hook: Callable[..., None]) -> Iterator[None]:
    """Run a hook before every batch normalisation, whose own running average is off meanwhile."""
    momenta = [norm.momentum for norm in norms]
    handles = [norm.register_forward_pre_hook(hook) for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum, handle in zip(norms, momenta, handles, strict=True):
            norm.momentum = momentum
            handle.remove()


def _add_moments(sums: torch.Tensor, x: torch.Tensor) -> None:
    """Add a batch's mean and biased variance of each channel, weighted by its size, to ``(2, channels)``."""
    dims = [0, *range(2, x.dim())]
    sums += len(x) * torch.stack([x.mean(dims), x.var(dims, unbiased=False)])


class CheckpointError(ValueError):
    """A checkpoint that is missing, damaged, or not one of the family's."""


def save_supernet(supernet: Supernet, path: str | Path, card: Mapping[str, Any] | None = None) -> Path:
    """Write the shared weights as safetensors, with a card (how they were made, what was measured) in the header."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().contiguous() for name, tensor in supernet.shared.state_dict().items()}
    save_file(tensors, path, metadata={"family": supernet.family.name, "card": json.dumps(card or {})})
    return path


def load_supernet(name: str, checkpoint: str | Path | None = None) -> Supernet:
    """A pre-trained supernet in evaluation mode.

    Args:
        name: Key in ``FAMILIES``.
        checkpoint: Safetensors file written by :func:`save_supernet`; by default the one that ships with the package.

    Raises:
        ValueError: An unknown family name.
        CheckpointError: No such file, a damaged one, or one whose tensors are not this family's (all differences listed).
    """
    if name not in FAMILIES:
        raise ValueError(f"unknown family {name!r}; known: {sorted(FAMILIES)}")
    path = Path(checkpoint or EMBEDDED / f"{name}.safetensors")
    if not path.is_file():
        shipped = sorted(file.stem for file in EMBEDDED.glob("*.safetensors"))
        raise CheckpointError(f"no checkpoint at {path}; supernets that ship with the package: {shipped}")
    tensors, _ = read_checkpoint(path)
    supernet = Supernet(FAMILIES[name]())
    _check_tensors(path, tensors, supernet.shared.state_dict())
    supernet.shared.load_state_dict(tensors)
    return supernet.eval()


def read_checkpoint(path: str | Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors by name, and the card, of a file written by :func:`save_supernet`."""
    try:
        with safe_open(path, framework="pt") as file:
            card = json.loads((file.metadata() or {}).get("card", "{}"))
            return {name: file.get_tensor(name) for name in file.keys()}, card  # noqa: SIM118
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(f"{path} is no readable safetensors file, perhaps cut off: {error}") from error


def _check_tensors(path: Path, found: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor]) -> None:
    problems = [f"missing {name}" for name in wanted.keys() - found.keys()]
    problems += [f"unexpected {name}" for name in found.keys() - wanted.keys()]
    problems += [
        f"{name} has shape {tuple(found[name].shape)}, not {tuple(wanted[name].shape)}"
        for name in wanted.keys() & found.keys()
        if found[name].shape != wanted[name].shape
    ]
    if problems:
        raise CheckpointError(f"{path} does not fit this family:\n  " + "\n  ".join(sorted(problems)))

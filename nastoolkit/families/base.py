"""What all families share: networks from plans, their weights in a supernet, bits, and what they cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn

from nastoolkit.blocks import Inputs, channels_last
from nastoolkit.families.activations import peak_activation_bytes
from nastoolkit.families.assembly import chain, nest
from nastoolkit.families.bits import BitChoices, bit_operations, bits_of, stored_bits, with_bits
from nastoolkit.families.places import Slot as Slot
from nastoolkit.families.planned_space import PlannedSpace
from nastoolkit.space import SearchSpace
from nastoolkit.support.counts import whole


class Family(PlannedSpace):
    """A search space whose genotypes represent networks, and what they cost.

    Attributes:
        name: Key in ``FAMILIES``.
        slots: The network's places, from input to output.
        uncounted: Names of blocks whose parameters the family's paper does not count, such as embeddings.
        any_length: Whether networks accept sentences of other lengths than that for which costs are counted.
        table: The paper's table, for families that are made from a name and a table.
        bit_choices: Choices of bits and what else is chosen with them; None if there are no such choices.
        unquantised: The same family without choices of bits.
    """

    uncounted: tuple[str, ...] = ()
    any_length: bool = False
    table: Any = None
    bit_choices: BitChoices | None = None

    def __init__(self, name: str, space: SearchSpace, slots: tuple[Slot, ...]) -> None:
        super().__init__(name, space, slots)
        self.unquantised = self

    @property
    def identity(self) -> dict[str, str]:
        """Name and fingerprint, for the settings of measurements on the family's networks."""
        return {"family": self.name, "family_fingerprint": self.fingerprint}

    @property
    def largest(self) -> np.ndarray:
        """The genotype ``(d,)`` of the network that holds all weights of a supernet.

        Raises:
            ValueError: Choices without an order, such as operations, have no largest option; a family with such choices
                overrides this.
        """
        unordered = [choice.name for choice in self.space.choices if not choice.ordered and len(choice.options) > 1]
        if unordered:
            raise ValueError(f"family {self.name!r} has no largest network: {unordered} have no order")
        return self.space.largest

    def fitting(self, tensors: Mapping[str, torch.Tensor]) -> Family:
        """The same family, adapted to what a checkpoint may choose, as in its tensors: vocabulary and number of classes.

        Args:
            tensors: Tensors of the checkpoint by our names; the needed ones may be missing or misshapen, which the loader
                reports.
        """
        weight, bias = (tensors.get(f"classifier.linear.{name}", torch.empty(0)) for name in ("weight", "bias"))
        is_head = bias.dim() == 1 and len(bias) > 1 and weight.shape[:1] == bias.shape
        return self.with_classes(len(bias)) if is_head and hasattr(self.table, "n_classes") else self

    def with_classes(self, n_classes: int) -> Family:
        """The same family with ``n_classes`` classes.

        Raises:
            ValueError: The family does not classify, or there are fewer than two classes.
        """
        if not hasattr(self.table, "n_classes"):
            raise ValueError(f"family {self.name!r} has no number of classes")
        table = replace(self.table, n_classes=whole("n_classes", n_classes, 2))
        family = type(self)(self.name, table)  # type: ignore[call-arg]
        return family.quantised(**vars(self.bit_choices)) if self.bit_choices else family

    @property
    def bits(self) -> tuple[int, ...]:
        """Numbers of bits that blocks choose from; empty if there are no such choices."""
        return self.bit_choices.bits if self.bit_choices else ()

    def quantised(self, bits: Iterable[int], schemes: Iterable[str] = (), tied: bool = False) -> Family:
        """The same family, with choices of bits for every block that has convolutions or linear layers.

        Choices ``{block}.weight_bits`` and ``{block}.activation_bits`` come after all others; 32 stands for plain floats.

        Args:
            bits: Options of these choices, such as ``(4, 8, 32)``.
            schemes: Options of a choice ``{block}.weight_scheme``: weights are rounded to as many values below 0 as above it
                (``symmetric``), or to values from the least to the greatest weight (``asymmetric``). None leaves it to the
                sharing rule.
            tied: Whether weights and activations of a block have the same number of bits, the choice ``{block}.bits``.

        Raises:
            ValueError: There are no bits, bits are not whole numbers from 2 to 32, or a scheme is unknown.
        """
        chosen, family = BitChoices(tuple(bits), tuple(schemes), tied), copy(self.unquantised)
        Family.__init__(family, self.name, *with_bits(family._choices, family.slots, chosen))
        family.bit_choices, family.unquantised = chosen, self.unquantised
        return family

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self.unquantised is not self:
            return Family.quantised, (self.unquantised, *vars(self.bit_choices).values())
        return super().__reduce_ex__(protocol)

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: value for name, value in vars(self).items() if not isinstance(getattr(Family, name, None), cached_property)
        }

    def build(self, genotype: np.ndarray) -> nn.Module:
        """A new network for one genotype ``(d,)``, freshly initialised."""
        return channels_last(self.assemble({name: spec.build() for name, spec in self.plan(genotype)}))

    def assemble(self, blocks: Mapping[str, nn.Module]) -> nn.Module:
        """Join named blocks to a network: here a chain; families that are not chains override this."""
        return chain(blocks)

    def build_shared(self) -> nn.Module:
        """A new module that holds all weights of a supernet: the largest network, unless operations have separate weights."""
        if not self._weights.operations:
            return self.build(self.largest)
        return channels_last(nest(nn.Sequential(), {place: spec.build() for place, spec in self.shared_blocks.items()}))

    @cached_property
    def _params(self) -> Callable[[np.ndarray], np.ndarray]:
        return self.tabulate(lambda spec: spec.params, without=self.uncounted)

    @cached_property
    def _macs(self) -> Callable[[np.ndarray], np.ndarray]:
        return self.tabulate(lambda spec: spec.macs)

    def params(self, genotypes: np.ndarray) -> np.ndarray:
        """Trainable parameters ``(n,)`` of the networks of genotypes ``(n, d)``, exact, without ``uncounted`` blocks."""
        return self._params(genotypes)

    def macs(self, genotypes: np.ndarray) -> np.ndarray:
        """Multiply-accumulates ``(n,)`` of genotypes ``(n, d)`` for one input, exact integers."""
        return self._macs(genotypes)

    def mmacs(self, genotypes: np.ndarray) -> np.ndarray:
        """MACs in millions ``(n,)``: an exact objective."""
        return self.macs(genotypes) / 1e6

    @cached_property
    def _bits(self) -> Callable[[np.ndarray], np.ndarray]:
        return self.tabulate(stored_bits)

    def size_bits(self, genotypes: np.ndarray) -> np.ndarray:
        """Size ``(n,)`` of extracted networks in bits, exact integers; see :func:`nastoolkit.families.bits.stored_bits`."""
        return self._bits(genotypes)

    def size_mb(self, genotypes: np.ndarray) -> np.ndarray:
        """Size on disk ``(n,)`` of extracted networks: weights and statistics, in MB (10^6 bytes), without file headers."""
        return self.size_bits(genotypes) / 8e6

    @cached_property
    def _bops(self) -> Callable[[np.ndarray], np.ndarray]:
        return self.tabulate(bit_operations)

    def bops(self, genotypes: np.ndarray) -> np.ndarray:
        """Bit operations ``(n,)`` for one input, exact integers: MACs times the bits of weights and of activations."""
        return self._bops(genotypes)

    @cached_property
    def _peak(self) -> Callable[[np.ndarray], np.ndarray]:
        if type(self).assemble is not Family.assemble:
            raise ValueError(f"networks of {self.name!r} are not chains of blocks: none is the largest alone")
        return self.tabulate(peak_activation_bytes, combine="max")

    def peak_kb(self, genotypes: np.ndarray) -> np.ndarray:
        """Peak memory of activations ``(n,)``, in kB (10^3 bytes), for one input of 32-bit floats: an exact objective.

        It is the largest memory that a block needs for its input, its output and what is alive between them, if blocks run one
        after the other and nothing else is kept; weights do not count. PyTorch also keeps the network's input and a stage's
        input, and so needs a little more: see :func:`nastoolkit.measurements.peak_memory_mb`. The first call runs each
        distinct block once.

        Raises:
            ValueError: Networks of the family are not chains.
        """
        floats = self.space.check(genotypes)[..., : self.unquantised.space.n_genes]
        return self.unquantised._peak(floats) / 1e3

    def input_shape(self, genotype: np.ndarray) -> tuple[int, ...]:
        """Shape of one network input, without the batch dimension."""
        return self.plan(genotype)[0][1].input_shape

    @property
    def n_outputs(self) -> int | None:
        """Number of classes or tokens in the networks' logits; None if the last block does not say."""
        last, *_ = bits_of(self.plan(self.space.smallest)[-1][1])
        return getattr(last, "n_classes", getattr(last, "vocabulary", None))

    def example_inputs(self, genotype: np.ndarray, n: int = 1, seed: int = 0) -> Inputs:
        """``n`` random inputs for the genotype's network: its one argument, a tensor or a tuple of tensors."""
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(n, *self.input_shape(genotype), generator=generator)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.space})"

"""Several sets of shared weights, each for a part of the space, so that sub-networks which interfere share no weights.

[Zhao2021] Y. Zhao et al., "Few-shot Neural Architecture Search", ICML 2021, Section 3.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from torch import nn

from nastoolkit.families import Family
from nastoolkit.supernets.sharing import SharingRule
from nastoolkit.supernets.supernet import Supernet

Part = Mapping[str, Sequence[Any]]  # options by the names of choices, those of all others being free


class Supernets(Supernet):
    """A supernet with several copies of the shared weights; every genotype belongs to one of them.

    It is used like any other; ``shared`` holds the copies in their order.

    Args:
        family: Family of the networks.
        sharing: How a block gets its weights.
        seed: Random seed of the initial weights, which are the same in all copies.
        parts: Part of the space that each copy owns; by default one copy owns all, and :meth:`split` makes more.
    """

    def __init__(
        self, family: Family, sharing: SharingRule | None = None, seed: int = 0, parts: Iterable[Part] = ({},)
    ) -> None:
        super().__init__(family, sharing, seed)
        self.parts = [{name: list(options) for name, options in part.items()} for part in parts]
        self.shared = nn.ModuleList([self.shared, *(deepcopy(self.shared) for _ in self.parts[1:])])
        self._find_owners()

    def _find_owners(self) -> None:
        self._allowed = [self.family.space.restrict(part).allowed for part in self.parts]
        self._owners: dict[bytes, int] = {}

    def owner(self, genotype: np.ndarray) -> int:
        """Number of the copy that has the weights of a genotype ``(d,)``."""
        key = genotype.tobytes()
        if key not in self._owners:
            genes = self.family.space.canonical(self.family.space.check_one(genotype)).tolist()
            owns = [all(gene in kept for gene, kept in zip(genes, allowed, strict=True)) for allowed in self._allowed]
            self._owners[key] = owns.index(True)
        return self._owners[key]

    @property
    def copies(self) -> Mapping[str, nn.Module]:
        """See :class:`Supernet`; a set for each part."""
        return dict(self.shared.named_children())

    def home(self, name: str, genotype: np.ndarray) -> nn.Module:
        """See :class:`Supernet`."""
        return self.shared.get_submodule(f"{self.owner(genotype)}.{self.family.place(name, genotype)}")

    def split(self, number: int, choice: str, options: Sequence[Any]) -> dict[nn.Parameter, nn.Parameter]:
        """Split a copy in two: it keeps sub-networks with some options of a choice, and a new copy at the end gets the others.

        Args:
            number: Number of the copy.
            choice: Name of the choice.
            options: Options that the copy keeps.

        Returns:
            Each weight's twin in the new copy, for :meth:`nastoolkit.training.Optimizer.also_train`.

        Raises:
            ValueError: The choice or an option is unknown, or one of the two copies would have no sub-networks.
        """
        space = self.family.space
        space.restrict({choice: options})
        index = space.names.index(choice)
        have = [space.choices[index].options[option] for option in self._allowed[number][index]]
        kept, others = [one for one in have if one in options], [one for one in have if one not in options]
        if not (kept and others):
            raise ValueError(
                f"splitting copy {number} by {choice!r} at {list(options)} leaves a copy without sub-networks: it has {have}"
            )
        original = self.shared.get_submodule(str(number))
        self.shared.add_module(str(len(self.parts)), twin := deepcopy(original))
        self.parts.append({**self.parts[number], choice: others})
        self.parts[number] = {**self.parts[number], choice: kept}
        self._find_owners()
        return dict(zip(original.parameters(), twin.parameters(), strict=True))

    @property
    def fingerprint(self) -> str:
        """Hash of all weights and statistics, and of which copy owns which sub-networks."""
        return hashlib.sha256(f"{super().fingerprint} {json.dumps(self.parts)}".encode()).hexdigest()[:16]

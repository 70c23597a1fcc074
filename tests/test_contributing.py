"""The examples of CONTRIBUTING.md work as they stand, and are as short as promised."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nastoolkit.objectives import Objective
from nastoolkit.search import ALGORITHMS, optimize
from nastoolkit.supernet import Supernet

TEXT = (Path(__file__).resolve().parents[1] / "CONTRIBUTING.md").read_text()
EXAMPLES = re.findall(r"^## (.+?)\n.*?```(?:python|yaml)\n(.+?)```", TEXT, flags=re.MULTILINE | re.DOTALL)


def example(title: str) -> dict[str, Any]:
    names: dict[str, Any] = {"dataclass": dataclass, "Supernet": Supernet, "np": np, "torch": torch, "Any": Any}
    exec(compile(dict(EXAMPLES)[title], title, "exec"), names)
    return names


@pytest.mark.parametrize(("title", "code"), EXAMPLES)
def test_each_is_20_lines_or_less(title: str, code: str) -> None:
    assert len([line for line in code.splitlines() if line.strip()]) <= 20


def test_the_family_builds_and_shares_weights() -> None:
    family = example("A family of networks")["TinyFamily"]()
    supernet = Supernet(family)
    for options in ({"depth": 1, "kernel": 3}, {"depth": 3, "kernel": 5}):
        genotype = family.space.encode(options)
        network = supernet.extract(genotype)
        assert sum(p.numel() for p in network.parameters()) == family.params(genotype)
        x = torch.randn(2, *family.input_shape(genotype))
        torch.testing.assert_close(supernet(x, genotype), network(x))


def test_the_algorithm_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ALGORITHMS, "local", example("An algorithm")["Local"])
    space = example("A family of networks")["TinyFamily"]().space
    history = optimize(space, lambda g: g.sum(1), [Objective("sum", "max")], "local", budget=6, population=2, progress=False)
    assert len(np.unique(history.genotypes, axis=0)) == space.size


def test_the_measurement_measures() -> None:
    family = example("A family of networks")["TinyFamily"]()
    sparsity = example("A measurement")["Sparsity"](Supernet(family), threshold=np.inf)
    assert sparsity(family.space.largest[None]).tolist() == [[100.0]]
    assert sparsity.settings["weights"] == sparsity.supernet.fingerprint

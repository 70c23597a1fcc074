"""Proxies of gradients against their definitions, on networks whose gradients are known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from nastoolkit.families.cells import DIGITS, CellsFamily
from nastoolkit.measurements import PROXIES
from nastoolkit.supernets import Supernet
from nastoolkit.tasks import TASKS

CELLS = CellsFamily("small", replace(DIGITS, channels=4, n_stages=1))


@pytest.fixture(scope="module")
def known():
    """A supernet, a network of it in training mode, and the gradients of its loss on the first images, layer by layer."""
    supernet, genotype = Supernet(CELLS), CELLS.space.largest
    network, batch = supernet.extract(genotype).train(), next(TASKS["digits"]().split("train").batches(6))
    images = batch.at(CELLS.input_shape(genotype))
    functional.cross_entropy(network(images.inputs), images.targets).backward()
    return supernet, genotype, [weight for weight in network.parameters() if weight.dim() > 1]


def test_the_norm_is_summed_over_layers(known):
    supernet, genotype, weights = known
    expected = sum(weight.grad.norm().item() for weight in weights)
    assert PROXIES["grad_norm"](supernet, TASKS["digits"](), 6)(genotype).item() == pytest.approx(expected, rel=1e-4)


def test_sensitivity_is_that_of_each_weight(known):
    supernet, genotype, weights = known
    expected = sum((weight.detach() * weight.grad).abs().sum().item() for weight in weights)
    assert PROXIES["snip"](supernet, TASKS["digits"](), 6)(genotype).item() == pytest.approx(expected, rel=1e-4)


def test_costs_are_those_of_the_family(known):
    supernet, genotype, _ = known
    found = [PROXIES[name](supernet, TASKS["digits"](), 6)(genotype).item() for name in ("params", "macs")]
    assert found == [CELLS.params(genotype), CELLS.macs(genotype)]


def test_a_score_that_is_no_number_is_the_lowest(known, monkeypatch):
    monkeypatch.setattr(PROXIES["macs"], "score", lambda self, genotype: float("nan") if genotype.any() else 1.0)
    found = PROXIES["macs"](known[0], TASKS["digits"](), 6)(np.stack([CELLS.space.smallest, CELLS.space.largest]))
    assert found.tolist() == [[1.0], [-np.inf]]


def test_a_proxy_drops_nothing_out(known):
    network = PROXIES["macs"](known[0], TASKS["digits"](), 6).network(known[1])
    modes = {type(part).__name__: part.training for part in network.modules()}
    assert modes["BatchNorm2d"] and not modes["Conv2d"] and not torch.is_inference_mode_enabled()

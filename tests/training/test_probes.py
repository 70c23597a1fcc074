import numpy as np
import pytest
import torch
from torch import nn

from nastoolkit.supernets import Supernet
from nastoolkit.training.probes import cosines, gradients, held_gradients, norm, norms_by_block, norms_by_option, variance

A, B = {"w": torch.tensor([3.0, 0.0]), "b": torch.tensor([4.0])}, {"w": torch.tensor([0.0, 1.0]), "b": torch.tensor([0.0])}


def loss_of(supernet, genotype):
    return supernet(supernet.family.example_inputs(genotype, 4), genotype).square().mean()


def test_gradients_are_those_of_a_backward_pass_and_leave_none_behind(tiny):
    supernet, genotype = Supernet(tiny).train(), tiny.space.smallest
    found = gradients(loss_of(supernet, genotype), supernet)
    assert all(weight.grad is None for weight in supernet.parameters()) and "stem.conv.weight" in found
    loss_of(supernet, genotype).backward()
    held = held_gradients(supernet)
    assert held.keys() < found.keys() and all(torch.equal(held[name], found[name]) for name in held)
    assert not any(found[name].any() for name in found.keys() - held.keys())


def test_norms_of_blocks_and_options_add_up_to_that_of_the_path(tiny):
    supernet, genotype = Supernet(tiny).train(), tiny.space.largest
    found = gradients(loss_of(supernet, genotype), supernet)
    blocks = norms_by_block(found, [name for name, _ in tiny.plan(genotype)])
    assert sum(n**2 for n in blocks.values()) == pytest.approx(norm(found) ** 2)
    options = norms_by_option(tiny, genotype, found)
    assert options["stage1.block2.kernel", 5] == pytest.approx(blocks["stage1.block2"])
    assert options["stage1.depth", 2] >= blocks["stage1.block2"]
    assert {choice for choice, _ in options} <= set(tiny.space.names)


def test_options_of_blocks_that_a_path_lacks_have_no_norm(tiny):
    supernet, genotype = Supernet(tiny).train(), tiny.space.smallest
    loss_of(supernet, genotype).backward()
    choices = {choice for choice, _ in norms_by_option(tiny, genotype, held_gradients(supernet))}
    assert "stage1.block1.kernel" in choices and "stage1.block2.kernel" not in choices


def test_cosines_and_variance_in_closed_form():
    opposite = {name: -gradient for name, gradient in A.items()}
    np.testing.assert_allclose(cosines([A, B, opposite]), [[1, 0, -1], [0, 1, 0], [-1, 0, 1]], atol=1e-6)
    assert norm(A) == pytest.approx(5)
    assert variance([A, A]) == pytest.approx(0) and variance([A, opposite]) == pytest.approx(25)
    assert variance([A, B]) == pytest.approx(1.5**2 + 0.5**2 + 2**2)


def test_drawing_in_proportion_to_norms_has_the_least_variance():
    """Sum of |g|^2 / (n^2 p) - |mean|^2; with p = (5/6, 1/6) it is 36/4 - |mean|^2."""
    mean = norm({name: (A[name] + B[name]) / 2 for name in A}) ** 2
    assert variance([A, B], [5 / 6, 1 / 6]) == pytest.approx(9 - mean)
    assert variance([A, B], [0.9, 0.1]) == pytest.approx((25 / 0.9 + 1 / 0.1) / 4 - mean)
    assert variance([A, B]) == variance([A, B], [0.5, 0.5]) > variance([A, B], [0.7, 0.3]) > variance([A, B], [5 / 6, 1 / 6])


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        (lambda: gradients(torch.tensor(1.0), nn.Linear(1, 1)), "the loss has no gradients: it depends on no weight"),
        (lambda: gradients(nn.Linear(1, 1)(torch.ones(1)), nn.ReLU()), "the loss has no gradients: it depends on no weight"),
        (lambda: held_gradients(nn.Linear(1, 1)), "the network holds no gradients: a backward pass comes before a probe"),
        (lambda: cosines([A, {name: 0 * gradient for name, gradient in A.items()}]), "all 0, so they have no direction"),
        (lambda: cosines([A, {"w": A["w"]}]), "gradients of different weights cannot be compared"),
        (lambda: variance([A, B], [0.5, 0.6]), r"probabilities must be 2 numbers above 0 that add up to 1, got \[0.5, 0.6\]"),
        (lambda: variance([A, B], [1.0, 0.0]), "probabilities must be 2 numbers above 0"),
        (lambda: variance([A, B], [1.0]), "probabilities must be 2 numbers above 0"),
    ],
)
def test_what_has_no_answer_is_told(probe, message):
    with pytest.raises(ValueError, match=message):
        probe()

import numpy as np
import pytest
import torch
from torch import nn

from nastoolkit.families import FAMILIES
from nastoolkit.measurements.proxies.naswot import NASWOT, activation_kernel
from nastoolkit.objectives import Objective
from nastoolkit.studies import optimize
from nastoolkit.supernets import Supernet
from nastoolkit.tasks import TASKS


def linear_relu(weight):
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    layer.weight.data = weight
    return nn.Sequential(layer, nn.ReLU())


def test_the_kernel_counts_units_in_which_inputs_agree():
    units = linear_relu(torch.eye(3))
    codes = torch.tensor([[1.0, 1.0, -1.0], [1.0, -1.0, -1.0], [-1.0, -1.0, 1.0]])  # on or off, as they are
    np.testing.assert_array_equal(activation_kernel(units, codes), [[3, 2, 0], [2, 3, 1], [0, 1, 3]])


def test_the_score_is_a_determinant():
    units = linear_relu(torch.eye(4))
    opposite = torch.tensor([[1.0, 1, 1, 1], [-1, -1, -1, -1]])  # agree nowhere: 4 times the identity
    assert np.linalg.slogdet(activation_kernel(units, opposite)).logabsdet == pytest.approx(2 * np.log(4))


def test_inputs_that_no_unit_tells_apart_make_the_kernel_singular():
    inputs = torch.tensor([[1.0, -1.0], [2.0, -3.0]])
    kernel = activation_kernel(linear_relu(torch.eye(2)), inputs)
    assert np.linalg.matrix_rank(kernel) == 1 and np.linalg.slogdet(kernel).logabsdet == -np.inf


def by_hamming_distances(network, inputs):
    """Units minus Hamming distances, pair by pair, as the paper writes it."""
    signs = []
    for module in network.modules():
        if isinstance(module, nn.ReLU | nn.Hardswish):
            module.register_forward_pre_hook(lambda _, x: signs.append((x[0] > 0).flatten(1).numpy()))
    network.train()  # batch normalisation by the batch's statistics
    with torch.no_grad():
        network(inputs)
    codes = np.concatenate(signs, axis=1)
    n = len(codes)
    return np.array([[codes.shape[1] - np.sum(codes[i] != codes[j]) for j in range(n)] for i in range(n)])


def test_a_second_implementation_agrees(tiny):
    supernet, genotype = Supernet(tiny, seed=1), tiny.space.largest
    inputs = next(TASKS["digits"]().split("train").batches(16)).inputs
    expected = by_hamming_distances(supernet.extract(genotype), inputs)
    np.testing.assert_allclose(activation_kernel(supernet.extract(genotype), inputs), expected, atol=2)
    found = NASWOT(supernet, TASKS["digits"](), n_inputs=16)(genotype)
    assert found.shape == (1, 1) and found.item() == pytest.approx(np.linalg.slogdet(expected).logabsdet, rel=1e-4)


def test_it_is_an_objective_that_leaves_the_weights_alone(tiny):
    supernet = Supernet(tiny, seed=1)
    score, fingerprint = NASWOT(supernet, TASKS["digits"](), n_inputs=32), supernet.fingerprint
    objectives = [Objective("naswot", "max"), Objective("params", "min", exact=tiny.params)]
    history = optimize(tiny.space, score, objectives, "random", 6, progress=False)
    np.testing.assert_array_equal(score(history.genotypes)[:, 0], history.values[:, 0])
    assert len(set(history.values[:, 0])) == 6 and supernet.fingerprint == fingerprint == score.settings["weights"]
    assert score.settings != NASWOT(supernet, TASKS["digits"](), n_inputs=64).settings


def test_more_units_score_higher(tiny):
    score = NASWOT(Supernet(tiny, seed=1), TASKS["digits"](), n_inputs=32)
    smallest, largest = score(np.stack([tiny.space.smallest, tiny.space.largest]))[:, 0]
    assert largest > smallest


def test_a_network_without_rectifiers_has_no_score():
    with pytest.raises(ValueError, match="'ReLU'.*'Hardswish'.* none"):
        activation_kernel(nn.Sequential(nn.Linear(2, 2), nn.GELU()), torch.zeros(2, 2))


def test_what_does_not_fit_is_refused_before_anything_is_scored(tiny):
    with pytest.raises(ValueError, match="NASWOT looks at .* the network has none"):
        NASWOT(Supernet(FAMILIES["number-words-transformer"]()), TASKS["number-words"]())
    with pytest.raises(ValueError, match="'tiny' takes inputs .*, task 'number-words' has"):
        NASWOT(Supernet(tiny), TASKS["number-words"]())

import numpy as np
import pytest
import torch

from nastoolkit.space import Choice, SearchSpace
from nastoolkit.systems.ncp import CodePredictor, Codes, edit
from nastoolkit.systems.ncp.editing import GAIN, STEP, fit_predictor, gradient

SPACE = SearchSpace(
    [
        Choice("width", (8, 16, 24, 32, 40, 48)),
        Choice("layers", (1, 2, 3, 4)),
        Choice("operation", ("none", "skip", "conv"), ordered=False),
    ]
)
GENOTYPES = SPACE.sample(200, np.random.default_rng(0))


@pytest.fixture
def codes():
    return Codes(SPACE, GENOTYPES)


@pytest.fixture
def linear():
    """Says twice the first number of a code, minus the second, and counts the first as a cost."""

    class Linear(CodePredictor):
        def __init__(self):
            torch.nn.Module.__init__(self)
            self.slope = torch.tensor([[2.0, -1.0, 0, 0, 0], [1.0, 0, 0, 0, 0]])

        def forward(self, x):
            return x @ self.slope.T

    return Linear()


def test_codes_are_standardised_numbers_and_indicators(codes):
    found = codes.of(GENOTYPES)
    assert found.shape == (200, 5)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(found.std(axis=0), 1)
    np.testing.assert_allclose(np.diff(codes.of([[0, 0, 0], [1, 0, 0], [2, 0, 0]])[:, 0], 2), 0, atol=1e-12)


def test_a_code_of_a_network_is_nearest_to_it_and_stays_so_within_half_a_step(codes):
    found = codes.of(GENOTYPES)
    np.testing.assert_array_equal(codes.nearest(found), GENOTYPES)
    step = np.diff(codes.of([[0, 0, 0], [1, 1, 0]]), axis=0)[0, :2]
    moved = found + np.array([*0.49 * step, 0, 0, 0])
    np.testing.assert_array_equal(codes.nearest(moved), GENOTYPES)


def test_the_largest_indicator_counts_and_what_a_restriction_excludes_is_never_nearest(codes):
    x = codes.of([[0, 0, 0]])
    x[:, 2:] = (np.array([0.4, 0.5, 0.45]) - codes._mean[2:]) / codes._std[2:]
    assert codes.nearest(x).tolist() == [[0, 0, 1]]
    part = SPACE.restrict({"operation": ("none", "conv"), "width": (8, 48)})
    allowed = Codes(part, part.sample(100, np.random.default_rng(0)))
    assert {tuple(row[[0, 2]]) for row in allowed.nearest(allowed.of(part.sample(50, np.random.default_rng(1))))} <= {
        (width, operation) for width in (0, 5) for operation in (0, 2)
    }


def test_the_gradient_is_that_of_finite_differences_of_what_is_predicted(codes):
    values = np.column_stack([GENOTYPES[:, 0] - GENOTYPES[:, 1], GENOTYPES[:, 0]]).astype(float)
    predictor = fit_predictor(codes.of(GENOTYPES), values, seed=0, n_epochs=3).double()
    x = torch.tensor(codes.of(GENOTYPES[:3]))
    found = gradient([predictor, predictor], x, cost_weight=0.5)
    with torch.no_grad():
        for place in np.ndindex(*x.shape):
            ends = [x.clone(), x.clone()]
            ends[0][place] -= 1e-5
            ends[1][place] += 1e-5
            quality, cost = ((predictor(ends[1]) - predictor(ends[0])) / 2e-5)[place[0]]
            assert found[place] == pytest.approx(2 * GAIN * float(0.5 * cost - quality), rel=1e-4, abs=1e-7)


def test_editing_follows_the_summed_gradients_and_stays_inside_the_grid(codes, linear):
    start = np.array([[0, 3, 1], [2, 2, 2]])
    networks = edit([linear], codes, start, n_steps=40, cost_weight=0.0)
    assert networks.shape == (41, 2, 3) and (networks[0] == start).all()
    assert networks[-1].tolist() == [[5, 0, 1], [5, 0, 2]]  # as wide and shallow as there is, the operation as it was
    x = codes.of(start)[:, :2] + STEP * GAIN * np.array([2.0, -1.0])
    after = codes.of(start)
    after[:, :2] = np.clip(x, codes.low[:2], codes.high[:2])
    np.testing.assert_array_equal(networks[1], codes.nearest(after))


def test_a_heavy_cost_turns_the_edit_round_and_the_winner_alone_moves(codes, linear):
    start = np.array([[3, 2, 0]])
    assert edit([linear], codes, start, n_steps=40, cost_weight=3.0)[-1].tolist() == [[0, 0, 0]]
    alone = edit([linear], codes, start, n_steps=3, cost_weight=0.0, winner_takes_all=True)
    assert alone[-1, 0, 0] > 3 and alone[-1, 0, 1] == 2


def test_a_predictor_learns_and_is_the_same_for_the_same_seed(codes):
    values = (GENOTYPES[:, 0] + (GENOTYPES[:, 2] == 2))[:, None].astype(float)
    x = codes.of(GENOTYPES)
    one, same, other = (fit_predictor(x, values, seed, n_epochs=60).predict(x) for seed in (0, 0, 1))
    assert (one == same).all() and (one != other).any()
    assert np.corrcoef(one, values[:, 0])[0, 1] > 0.9


def test_editing_without_a_predictor_is_refused(codes):
    with pytest.raises(ValueError, match="editing needs the predictor of at least one task"):
        edit([], codes, GENOTYPES[:1])

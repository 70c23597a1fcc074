import numpy as np
import pytest

from nastoolkit.features import step_matrix
from nastoolkit.predictors import PREDICTORS, kendall_tau
from nastoolkit.space import Choice, SearchSpace

SPACE = SearchSpace(
    [
        Choice("resolution", (160, 192, 224)),
        Choice("stage1.depth", (1, 2)),
        Choice("stage2.depth", (1, 2)),
        Choice("stage2.kernel", (3, 5, 7), when=("stage2.depth", (2,))),
        Choice("edge1.op", ("skip", "conv")),
        Choice("edge2.op", ("conv", "pool")),
        Choice("size", ("small", "large"), ordered=True),
    ]
)


def features(**options):
    return SPACE.features(SPACE.encode({name.replace("_", "."): option for name, option in options.items()}))[0].tolist()


def test_features_are_numbers_indicators_and_counts():
    found = features(
        resolution=192, stage1_depth=2, stage2_depth=2, stage2_kernel=5, edge1_op="conv", edge2_op="conv", size="large"
    )
    depths, operations = [2, 2], [0, 2, 0]  # of at least 1 and 2; of skip, conv and pool
    assert found == [192, 2, 2, 5, 0, 1, 1, 0, 2, *depths, *operations]
    shallow = features(resolution=160, stage1_depth=2, stage2_depth=1, edge1_op="skip", edge2_op="pool", size="small")
    assert shallow == [160, 2, 1, 0, 1, 0, 0, 1, 1, 2, 1, 1, 0, 1]


def test_a_restriction_changes_no_feature():
    genotypes = SPACE.sample(20, np.random.default_rng(0))
    restricted = SPACE.restrict({"resolution": (192,)})
    np.testing.assert_array_equal(restricted.features(genotypes), SPACE.features(genotypes))


def test_numbers_without_an_order_are_indicators():
    space = SearchSpace([Choice("seed", (7, 3), ordered=False)])
    np.testing.assert_array_equal(space.features(np.array([[0], [1]])), [[1, 0], [0, 1]])


def test_many_ordered_options_are_steps_and_vary_as_much_as_indicators():
    many, few, codes = (
        Choice("width", (8, 32, 16, 64, 24)),
        Choice("kernel", (3, 5, 7)),
        Choice("seed", range(5), ordered=False),
    )
    space = SearchSpace([many, few, codes])
    matrix = step_matrix(space.choices).toarray()
    np.testing.assert_allclose(matrix[:5, 0] / matrix[0, 0], [1, 4, 2, 8, 3])
    steps = [[0, 0, 0, 0], [1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 0, 0]]
    np.testing.assert_array_equal(matrix[:5, 1:5] > 0, steps)
    np.testing.assert_array_equal(matrix[5:, 5:], np.eye(8))
    assert matrix[:5, 0].var() == pytest.approx(matrix[:5, 1:5].var(axis=0).sum())
    assert matrix[:5, :5].var(axis=0).sum() == pytest.approx(np.eye(5).var(axis=0).sum())


def test_the_steps_of_many_choices_take_little_memory():
    """A full matrix would have 12,800 rows and columns: 1.3 GB."""
    matrix = step_matrix([Choice(f"width{i}", range(1, 65)) for i in range(200)])
    assert matrix.shape == (12_800, 12_800) and matrix.nnz <= 200 * 64**2


def test_means_of_roles_are_shares_of_the_largest_option_among_live_choices():
    layers = [Choice(f"layer{i}.width", (2, 4 * i), when=("depth", (i, 2))) for i in (1, 2)]
    texts, nothing = Choice("act", ("relu", "gelu")), Choice("shift", (0,))
    space = SearchSpace([Choice("depth", (0, 1, 2)), *layers, texts, nothing])
    found = space.role_means(np.array([[0, 0, 0, 0, 0], [1, 1, 0, 1, 0], [2, 1, 1, 0, 0]]))
    np.testing.assert_allclose(found, [[0, 0, 0.5, 0], [0.5, 4 / 8, 1, 0], [1, (4 + 8) / 2 / 8, 0.5, 0]])


@pytest.mark.parametrize("name", PREDICTORS)
def test_predictors_learn_from_order(name):
    """25 sizes and noise: of 100 rows, one-hot indicators of sizes tell little about the sizes between."""
    space = SearchSpace([Choice("resolution", range(128, 228, 4)), *(Choice(f"kernel{i}", (3, 5, 7)) for i in range(20))])
    rng = np.random.default_rng(0)
    genotypes = space.sample(400, rng)
    cost = (20 + genotypes @ np.array([0.5, *rng.random(20)])) * np.exp(0.02 * rng.normal(size=400))

    def tau(matrix):
        return kendall_tau(cost[100:], PREDICTORS[name]().fit(matrix[:100], cost[:100]).predict(matrix[100:]))

    assert tau(space.features(genotypes)) > max(0.8, tau(space.one_hot(genotypes)) + 0.02)

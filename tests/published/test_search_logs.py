import numpy as np
import pytest

from nastoolkit import pareto
from nastoolkit.families import FAMILIES
from nastoolkit.published import SEARCHES, search_logs


@pytest.fixture(scope="module")
def logs(data_folder):
    return search_logs(data_folder)


def test_the_rows_are_all_there(logs):
    assert {name: len(history) for name, history in logs.items()} == dict(
        zip(SEARCHES, (554, 540, 554, 361, 364), strict=True)
    )
    genotypes = np.concatenate([history.genotypes for history in logs.values()])
    assert len(genotypes) == 2373 and len(np.unique(genotypes, axis=0)) == 2162
    accuracies = np.concatenate([history.values[:, 0] for history in logs.values()])
    assert (accuracies.min(), accuracies.max()) == (70.998, 77.466)


def test_params_and_macs_are_ours_exactly(logs):
    family = FAMILIES["ofa-mbv3-w1.0"]()
    for history in logs.values():
        assert [objective.name for objective in history.objectives] == ["accuracy_top1", "macs", "params"]
        assert {family.space.decode(genotype)["resolution"] for genotype in history.genotypes} == {224}
        np.testing.assert_array_equal(history.values[:, 1], family.macs(history.genotypes))
        np.testing.assert_array_equal(history.values[:, 2], family.params(history.genotypes))


@pytest.mark.parametrize(
    ("name", "hypervolumes"),
    [("LINAS+NSGA-II", (2757.5, 2939.7, 3058.9)), ("NSGA-II", (2654.1, 2855.4, 2978.3))],
)
def test_the_hypervolume_of_the_searches(logs, name, hypervolumes):
    costs = logs[name].values[:, :2] * [-1, 1e-6]
    found = [pareto.hypervolume(costs[:evaluations], (-70, 600)) for evaluations in (100, 250, 500)]
    np.testing.assert_allclose(found, hypervolumes, atol=0.05)

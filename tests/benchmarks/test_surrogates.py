import csv

import numpy as np
import pytest
from sklearn.model_selection import KFold, cross_val_predict

from nastoolkit.benchmarks.ofa_mbv3_note10 import OFAMobileNetV3Note10
from nastoolkit.benchmarks.ofa_mbv3_w10_imagenet import OFAMobileNetV3ImageNet, measured_accuracies
from nastoolkit.benchmarks.ofa_mbv3_w12_macs import OFAMobileNetV3Macs
from nastoolkit.predictors import PREDICTORS, kendall_tau
from nastoolkit.published import encode
from nastoolkit.studies import optimize


def n_free(space):
    return sum(len(allowed) > 1 for allowed in space.allowed)


def test_the_phones_problem_gives_the_published_front(data_folder):
    problem = OFAMobileNetV3Note10(data_folder)
    assert problem.space.n_genes == n_free(problem.space) == 46
    with (data_folder / "facts" / "ofa2_published_nsga2_front.csv").open() as file:
        rows = list(csv.DictReader(file))
    networks = [([*map(int, row["ks"])], [*map(int, row["e"])], [*map(int, row["d"])], int(row["r"])) for row in rows]
    history = problem.history(np.array([encode(problem.space, *network) for network in networks]))
    assert history.hypervolume(problem.reference_point) == pytest.approx(problem.targets["ofa2-stored-front"], abs=1e-3)


def test_a_random_generation_is_as_good_as_the_published_one(data_folder):
    problem = OFAMobileNetV3Note10(data_folder)
    volumes = [problem.history(problem.space.sample(100, np.random.default_rng(seed))) for seed in range(5)]
    volume = np.median([history.hypervolume(problem.reference_point) for history in volumes])
    assert volume == pytest.approx(problem.targets["ofa2-first-generation"], rel=0.05)


def test_the_ends_of_the_wide_space(data_folder):
    problem = OFAMobileNetV3Macs(data_folder)
    assert n_free(problem.space) == 45
    ends = problem.history(np.stack([problem.space.smallest, problem.space.largest])).values
    np.testing.assert_allclose(ends, [[77.7386, 193.0782], [83.5928, 843.1010]], atol=1e-4)


def test_the_surrogates_error_is_the_stated_one(data_folder):
    genotypes, accuracies = measured_accuracies(data_folder)
    assert genotypes.shape == (2162, 46) and (accuracies.min(), accuracies.max()) == (70.998, 77.466)
    features = OFAMobileNetV3ImageNet(data_folder).space.one_hot(genotypes)
    folds = KFold(10, shuffle=True, random_state=0)
    unseen = cross_val_predict(PREDICTORS["svr"](), features, accuracies, cv=folds)
    assert np.sqrt(np.mean((unseen - accuracies) ** 2)) == pytest.approx(OFAMobileNetV3ImageNet.rmse, abs=1e-3)
    assert kendall_tau(unseen, accuracies) == pytest.approx(OFAMobileNetV3ImageNet.tau, abs=1e-3)


def test_the_surrogate_is_near_what_was_measured(data_folder):
    problem = OFAMobileNetV3ImageNet(data_folder)
    genotypes, accuracies = measured_accuracies(data_folder)
    assert np.abs(problem.evaluate(genotypes)[:, 0] - accuracies).max() < 0.4
    history = optimize(problem.space, problem.evaluate, problem.objectives, "nsga2", 500, progress=False)
    assert history.values[:, 0].max() < 78.5  # nothing that is measured is above 77.5

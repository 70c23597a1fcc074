"""What was measured before predicts an objective: here, saved and read again, or from a CSV file of another device."""

import numpy as np
import pytest

from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.predictors.estimate import Estimate, read_networks
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import optimize

SPACE = SearchSpace([Choice("depth", (2, 3, 4)), *(Choice(f"width{i}", (8, 16, 24, 32)) for i in range(5))])
LATENCY = Objective("latency_ms", "min", "ms")


def latency_ms(genotypes):
    return 2.0 + genotypes @ np.array([3.0, 0.5, 1.0, 0.25, 2.0, 0.75])


@pytest.fixture
def past():
    genotypes = SPACE.sample(60, np.random.default_rng(0))
    values = latency_ms(genotypes)[:, None]
    values[7] = np.nan
    return History(SPACE, (LATENCY,), genotypes, values)


def test_it_predicts_what_it_did_not_see_and_says_how_well(past):
    estimate = Estimate(past, "latency_ms", "ridge")
    unseen = SPACE.sample(50, np.random.default_rng(1))
    np.testing.assert_allclose(estimate(unseen), latency_ms(unseen), atol=0.05)
    assert len(estimate) == 59 and estimate.kendall_tau() > 0.99


def test_what_is_pure_noise_ranks_nothing():
    rng = np.random.default_rng(2)
    past = History(SPACE, (LATENCY,), SPACE.sample(80, rng), rng.random((80, 1)))
    assert abs(Estimate(past, "latency_ms", "ridge").kendall_tau()) < 0.3


def test_a_search_on_estimates_measures_nothing_and_finds_the_ends(past):
    cost = Objective("latency_ms", "min", "ms", exact=Estimate(past, "latency_ms", "ridge"))
    width = Objective("width", "max", exact=lambda genotypes: genotypes[:, 1:].sum(axis=1) * 1.0)
    found = optimize(SPACE, None, [cost, width], "nsga2", 800, progress=False).front()
    assert (found.genotypes == SPACE.smallest).all(axis=1).any()
    assert found.values[:, 1].max() == 15


def test_a_saved_estimate_predicts_the_same_bits(past, tmp_path):
    estimate = Estimate(past, "latency_ms")
    loaded = Estimate.load(estimate.save(tmp_path / "phone.json"), SPACE)
    unseen = SPACE.sample(20, np.random.default_rng(3))
    np.testing.assert_array_equal(loaded(unseen), estimate(unseen))
    assert (loaded.objective, loaded.predictor) == (LATENCY, estimate.predictor)


@pytest.mark.parametrize("as_text", [True, False], ids=["genotypes", "choices"])
def test_networks_timed_elsewhere_come_from_a_csv_file(past, tmp_path, as_text):
    measured = past[~past.failed]
    frame = measured.to_frame()
    if as_text:
        frame = frame[["latency_ms"]].assign(genotype=[",".join(map(str, row)) for row in measured.genotypes])
    frame.to_csv(tmp_path / "phone.csv", index=False)
    read = read_networks(tmp_path / "phone.csv", SPACE, LATENCY)
    np.testing.assert_array_equal(read.genotypes, measured.genotypes)
    np.testing.assert_allclose(read.values, measured.values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("genotype,ms\n1\n", "has no column latency_ms; it has genotype, ms"),
        ('genotype,latency_ms\n"0,0,0,0,0,9",1\n', "not measured sub-networks: gene 'width4' is 9"),
        ('genotype,latency_ms\n"0,0",1\n', "not measured sub-networks: genotypes must have shape"),
        ('genotype,latency_ms\n"a",1\n', "not measured sub-networks: invalid literal"),
        ("depth,latency_ms\n2,1\n", "phone.csv has rows that are not measured sub-networks: .*width0"),
        ("depth,ms\n2,1\n", "phone.csv has no column latency_ms; it has depth, ms"),
        ("genotype,latency_ms\n", "phone.csv has no rows$"),
        ("a,b\n1,2\n1,2,3\n", "phone.csv is not a CSV file: "),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, text, message):
    (tmp_path / "phone.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_networks(tmp_path / "phone.csv", SPACE, LATENCY)


def test_bad_estimates_are_refused(past, tmp_path):
    with pytest.raises(ValueError, match="'energy' was not measured; measured: latency_ms"):
        Estimate(past, "energy")
    with pytest.raises(ValueError, match="unknown predictor 'oracle'; known: ridge"):
        Estimate(past, "latency_ms", "oracle")
    with pytest.raises(ValueError, match="needs at least 5 measurements, got 4"):
        Estimate(past[:4], "latency_ms")
    file = Estimate(past, "latency_ms", "ridge").save(tmp_path / "phone.json")
    with pytest.raises(ValueError, match="is of another search space"):
        Estimate.load(file, SearchSpace([Choice("depth", (2, 3))]))
    file.write_text(file.read_text()[:-40])
    with pytest.raises(ValueError, match="is not a saved estimate, or is cut short"):
        Estimate.load(file, SPACE)

import csv

import numpy as np
import pytest

from nastoolkit import pareto
from nastoolkit.families import FAMILIES
from nastoolkit.published import AccuracyPredictor, encode, i7_8700k, note10


def at(space, end, resolution):
    """The largest or smallest network at a resolution."""
    return space.encode(space.decode(getattr(space, end)) | {"resolution": resolution})


@pytest.fixture(scope="module")
def phone(data_folder):
    return note10(data_folder)


@pytest.fixture(scope="module")
def accuracy(data_folder):
    return AccuracyPredictor(FAMILIES["ofa-mbv3-w1.2"]().space, data_folder)


def test_the_tables_and_the_predictor_give_a_published_front(data_folder, phone, accuracy):
    # The front that NSGA-II found on them in github.com/ito-rafael/once-for-all-3, commit cfd3007, rounded to 5 decimals.
    with (data_folder / "facts" / "ofa2_published_nsga2_front.csv").open() as file:
        rows = list(csv.DictReader(file))
    networks = [([*map(int, row["ks"])], [*map(int, row["e"])], [*map(int, row["d"])], int(row["r"])) for row in rows]
    genotypes = np.array([encode(phone.family.space, *network) for network in networks])
    published = np.array([[float(row["pred_latency_note10_ms"]), float(row["pred_top1_err"])] for row in rows])
    ours = np.stack([phone.latency_ms(genotypes), 100 - accuracy(genotypes)], axis=1)
    assert ours.shape == (100, 2)
    np.testing.assert_allclose(ours, published, rtol=0, atol=1e-5)
    assert pareto.hypervolume(ours, (100, 25)) == pytest.approx(758.335, abs=1e-3)


@pytest.mark.parametrize(
    ("end", "resolution", "latency_ms", "accuracy_top1"),
    [
        ("largest", 160, 47.7733, 80.7503),
        ("largest", 224, 92.3980, 83.5928),
        ("smallest", 160, 9.8903, 75.3119),
        ("smallest", 224, 17.7691, 77.7386),
    ],
)
def test_the_ends_of_the_space(phone, accuracy, end, resolution, latency_ms, accuracy_top1):
    genotype = at(phone.family.space, end, resolution)
    assert phone.latency_ms(genotype) == pytest.approx(latency_ms, abs=5e-5)
    assert accuracy(genotype) == pytest.approx(accuracy_top1, abs=1e-4)


def test_the_phone_knows_some_resolutions(phone):
    assert phone.resolutions == (160, 176, 192, 208, 224)
    genotypes = phone.space.sample(1000, np.random.default_rng(0))
    latency_ms = phone.latency_ms(genotypes)
    assert latency_ms.shape == (1000,) and np.isfinite(latency_ms).all()
    np.testing.assert_array_equal(phone.latency_ms(genotypes[7]), latency_ms[7])
    with pytest.raises(ValueError, match=r"knows 'ofa-mbv3-w1.2' at resolutions \(160, 176, 192, 208, 224\) only"):
        phone.latency_ms(at(phone.family.space, "largest", 164))


@pytest.mark.parametrize(
    ("family", "n_resolutions", "largest_ms", "smallest_ms"),
    [("ofa-mbv3-w1.0", 25, 36.22, 6.77), ("ofa-mbv3-w1.2", 17, 45.93, 8.02)],
)
def test_the_desktop_knows_all_resolutions(data_folder, family, n_resolutions, largest_ms, smallest_ms):
    desktop = i7_8700k(family, data_folder)
    assert len(desktop.resolutions) == n_resolutions and desktop.space.size == desktop.family.space.size
    assert desktop.latency_ms(at(desktop.space, "largest", 224)) == pytest.approx(largest_ms, abs=5e-3)
    assert desktop.latency_ms(at(desktop.space, "smallest", 224)) == pytest.approx(smallest_ms, abs=5e-3)
    assert np.isfinite(desktop.latency_ms(desktop.space.sample(2000, np.random.default_rng(0)))).all()


def test_the_desktop_knows_two_families(data_folder):
    with pytest.raises(ValueError, match="'ofa-mbv3-w1.0' and 'ofa-mbv3-w1.2', not 'ofa-resnet50'"):
        i7_8700k("ofa-resnet50", data_folder)


def test_blocks_that_are_left_out_have_no_part_in_accuracy(accuracy):
    space = accuracy.space
    genotypes = space.sample(50, np.random.default_rng(0))
    noisy = np.where(space.alive(genotypes), genotypes, 1)
    np.testing.assert_array_equal(accuracy(noisy), accuracy(genotypes))
    assert len(np.unique(accuracy(genotypes))) == 50


def test_a_resolution_in_between_counts_as_the_lower_one(accuracy):
    between, lower, higher = (accuracy(at(accuracy.space, "largest", resolution)) for resolution in (172, 160, 176))
    assert between == lower < higher

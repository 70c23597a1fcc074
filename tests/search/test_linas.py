import numpy as np
import pytest

from nastoolkit.objectives import Objective
from nastoolkit.search.linas import LINAS
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import optimize


def stages():
    """Five stages of up to four blocks, 45 genes, as MobileNetV3 has them."""
    for stage in range(5):
        yield Choice(f"stage{stage}.depth", (2, 3, 4))
        for block in range(4):
            when = (f"stage{stage}.depth", tuple(range(max(2, block + 1), 5)))
            yield Choice(f"stage{stage}.block{block}.kernel", (3, 5, 7), when)
            yield Choice(f"stage{stage}.block{block}.expansion", (3, 4, 6), when)


SPACE = SearchSpace(stages())
GAIN, COST = np.random.default_rng(0).random((2, SPACE.one_hot(SPACE.smallest).size))
QUALITY = Objective("quality", "max")
LATENCY = Objective("latency_ms", "min", "ms", exact=lambda genotypes: SPACE.one_hot(genotypes) @ COST)


def additive(genotypes):
    """Options add up, then saturate."""
    return np.sqrt(SPACE.one_hot(genotypes) @ (GAIN * COST))


def volume(algorithm, seed, **settings):
    history = optimize(SPACE, additive, [QUALITY, LATENCY], algorithm, 120, seed, progress=False, population=30, **settings)
    return history.hypervolume((2.0, 25.0))


def test_the_worst_of_three_beats_the_best_of_chance_and_of_evolution():
    linas = [volume("linas", seed, generations=40) for seed in range(3)]
    for name in ("random", "nsga2"):
        assert min(linas) > max(volume(name, seed) for seed in range(3))


def test_only_what_is_not_exact_is_measured():
    asked = []

    def evaluate(genotypes):
        asked.append(genotypes)
        return additive(genotypes)

    history = optimize(SPACE, evaluate, [LATENCY, QUALITY], "linas", budget=20, population=10, generations=5, progress=False)
    np.testing.assert_array_equal(np.concatenate(asked), history.genotypes)
    expected = np.stack([LATENCY.exact(history.genotypes), additive(history.genotypes)], axis=1)
    np.testing.assert_allclose(history.values, expected)


def test_the_best_predicted_comes_first():
    search = LINAS(SPACE, [QUALITY], population=40, generations=30)
    first = search.ask()
    search.tell(first, additive(first)[:, None])
    proposed = search.ask()
    predicted = search._predict(proposed)[:, 0]
    assert (np.diff(predicted) <= 0).all() and additive(proposed).mean() > additive(first).max()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"predictor": "crystal ball"}, r"unknown predictor 'crystal ball'; known: .*'ridge'"),
        ({"generations": 0}, "generations must be at least 1, got 0"),
        ({"population": 0}, "population must be at least 1, got 0"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(ValueError, match=message):
        LINAS(SPACE, [QUALITY], **settings)

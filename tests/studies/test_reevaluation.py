import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import optimize, reevaluate

SPACE = SearchSpace([Choice(f"c{i}", (0, 1, 2)) for i in range(5)])


class Accuracy:
    """Sums of genes with an error of its own."""

    def __init__(self, seed):
        self.calls, self.settings = [], {"seed": seed}
        self.errors = np.random.default_rng(seed).normal(0, 0.3, 3**5)

    def __call__(self, genotypes):
        self.calls += genotypes.tolist()
        return (genotypes.sum(axis=1) + self.errors[genotypes @ 3 ** np.arange(5)])[:, None]


def objectives(weight):
    return [Objective("accuracy", "max"), Objective("cost", "min", exact=lambda g: weight * g[:, 0] + (g**2).sum(axis=1))]


def test_what_was_ever_on_a_front_is_measured_once_by_the_other_values(tmp_path):
    validation, test = Accuracy(0), Accuracy(1)
    searches = [optimize(SPACE, validation, objectives(weight), "random", 40, weight, progress=False) for weight in (1, 2)]
    judged = reevaluate(searches, test, tmp_path / "test.sqlite")
    wanted = [h.genotypes[[row for row, _ in h.growing_front()]].tolist() for h in searches]
    assert sorted(test.calls) == sorted(map(list, {tuple(genotype) for rows in wanted for genotype in rows}))
    for search, other in zip(searches, judged, strict=True):
        rows = [row for row, _ in search.growing_front()]
        np.testing.assert_array_equal(other.genotypes, search.genotypes)
        np.testing.assert_array_equal(other.values[rows, 0], Accuracy(1)(search.genotypes[rows])[:, 0])
        np.testing.assert_array_equal(other.values[rows, 1], search.values[rows, 1])
        assert np.isnan(np.delete(other.values, rows, axis=0)).all()
        assert search.judged_curve(other, (0.0, 30.0))[-1] == other[np.isin(np.arange(40), _final(search))].hypervolume(
            (0.0, 30.0)
        )


def _final(search):
    return list(search.growing_front())[-1][1]

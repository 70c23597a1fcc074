import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from nastoolkit import Choice, Objective, SearchSpace, optimize
from nastoolkit.search import ALGORITHMS
from nastoolkit.support.threads import own_linear_algebra, own_threads


def most_threads():
    return max(library["num_threads"] for library in threadpool_info())


def test_own_work_takes_one_thread_and_leaves_the_others_as_they_were():
    with threadpool_limits(2):
        with own_linear_algebra():
            assert most_threads() == 1
        assert most_threads() == 2


def test_the_environment_says_how_many(monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_THREADS", "3")
    assert own_threads() == 3


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", ""])
def test_what_is_no_number_of_threads_is_told(monkeypatch, text):
    monkeypatch.setenv("NASTOOLKIT_THREADS", text)
    with pytest.raises(ValueError, match="NASTOOLKIT_THREADS must be a whole number of at least 1, got"):
        own_threads()


@pytest.mark.parametrize("name", ["default", "linas", "nsga2"])
def test_a_search_thinks_on_one_thread_and_measures_on_those_of_the_caller(name, monkeypatch):
    seen = {"thinking": set(), "measuring": set()}
    kind = ALGORITHMS["bayes" if name == "default" else name]
    propose = kind._propose
    monkeypatch.setattr(kind, "_propose", lambda self: (seen["thinking"].add(most_threads()), propose(self))[1])

    def measure(genotypes):
        seen["measuring"].add(most_threads())
        return np.stack([genotypes.sum(axis=1), -genotypes[:, 0]], axis=1).astype(float)

    space = SearchSpace(Choice(f"c{i}", (1, 2, 3)) for i in range(5))
    with threadpool_limits(2):
        optimize(space, measure, [Objective("a", "min"), Objective("b", "min")], name, 12, population=4, progress=False)
    assert seen == {"thinking": {1}, "measuring": {2}}

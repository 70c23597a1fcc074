"""What every entry of PROXIES keeps; a new one is tested by being there."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from nastoolkit.families import FAMILIES
from nastoolkit.families.cells import DIGITS, CellsFamily
from nastoolkit.measurements import PROXIES
from nastoolkit.objectives import Objective
from nastoolkit.studies import optimize
from nastoolkit.supernets import Supernet
from nastoolkit.tasks import TASKS

CELLS = CellsFamily("small", replace(DIGITS, channels=4, n_stages=2))
FOUR = CELLS.space.sample(4, np.random.default_rng(0))
N = 8


@pytest.fixture(params=PROXIES)
def name(request):
    return request.param


def proxy(name, task="digits", seed=0, n=N):
    return PROXIES[name](Supernet(CELLS, seed=seed), TASKS[task](), n_inputs=n)


def test_it_scores_each_subnetwork_by_itself_and_leaves_the_weights_alone(name):
    measured = proxy(name)
    found = measured(FOUR)
    assert found.shape == (4, 1) and len(set(found[:, 0])) > 1
    assert proxy(name)(FOUR[::-1]).tolist() == found[::-1].tolist()
    assert measured.supernet.fingerprint == Supernet(CELLS).fingerprint


def test_a_network_through_which_nothing_comes_has_a_score(name):
    nothing, all_convolutions = proxy(name)(np.stack([CELLS.space.smallest, CELLS.space.largest]))[:, 0]
    assert not np.isnan(nothing) and nothing < np.inf and np.isfinite(all_convolutions)


def test_a_search_maximises_it(name):
    measured = proxy(name)
    history = optimize(CELLS.space, measured, [Objective(name, "max")], "random", 3, progress=False)
    np.testing.assert_array_equal(history.values, measured(history.genotypes))


def test_its_settings_say_what_it_depends_on(name):
    settings = proxy(name).settings
    assert settings["measurement"] == name and settings == proxy(name).settings
    assert settings != proxy(name, n=N + 1).settings != proxy(name, seed=1, n=N + 1).settings


def test_it_keeps_no_inputs_that_its_networks_cannot_take(name):
    with pytest.raises(ValueError, match="'small' takes inputs .*, task 'number-words' has"):
        proxy(name, "number-words")


def test_the_targets_that_it_needs_are_looked_at_before_anything_is_scored(name):
    few = CELLS.with_classes(3)
    if not PROXIES[name].needs_targets:
        assert PROXIES[name](Supernet(few), TASKS["digits"](), N)(FOUR).shape == (4, 1)
        return
    with pytest.raises(ValueError, match="have 3 outputs, and the targets of task 'digits' are 10 different ones"):
        PROXIES[name](Supernet(few), TASKS["digits"](), N)


def test_the_images_that_it_needs_are_not_tokens(name):
    supernet = Supernet(FAMILIES["text-bert"]())
    if PROXIES[name].needs_images:
        with pytest.raises(ValueError, match=f"{name} needs images, and the inputs of task 'help-topics' are tokens"):
            PROXIES[name](supernet, TASKS["help-topics"](), N)


def test_it_is_documented(name):
    assert PROXIES[name].name == name and PROXIES[name].__doc__
    assert "Differs from the paper" in sys.modules[PROXIES[name].__module__].__doc__

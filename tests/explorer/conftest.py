import pytest

from nastoolkit.explorer import Model
from nastoolkit.families import FAMILIES
from nastoolkit.latency import LookupTable, Timing
from nastoolkit.measurements import Accuracy
from nastoolkit.tasks import TASKS


def known_table(family, step=0.1, within=None):
    """A table whose latencies are known, without a clock."""
    specs = family.specs_within(family.space.restrict(within or {}))
    timings = {spec: Timing(step * (number + 1), 0.001, 5) for number, spec in enumerate(specs)}
    return LookupTable(family, timings, {"backend": "torch", "batch_size": 1, "threads": 1}, within)


@pytest.fixture(scope="session")
def table_of():
    return known_table


@pytest.fixture(scope="session")
def measured_accuracy(tiny, supernet_of):
    return Accuracy(supernet_of(tiny), TASKS["digits"](), n_calibration=250)


@pytest.fixture
def model(tiny, measured_accuracy):
    """A model of the family ``tiny`` with two settings and an accuracy."""
    return Model(tiny, {"fast": known_table(tiny), "slow": known_table(tiny, 0.2)}, measured_accuracy)


@pytest.fixture(params=FAMILIES, scope="module")
def any_model(request):
    """A model of each family, without weights."""
    return Model(FAMILIES[request.param]())

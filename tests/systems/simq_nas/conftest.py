import pytest

from nastoolkit.systems import simq_nas as simq


@pytest.fixture
def quantised(problem):
    """Values of a problem of few images."""
    return {**problem, "bits": [4, 8], "schemes": ["symmetric", "asymmetric"], "n_validation": 40, "n_test": 30}


@pytest.fixture
def given(quantised):
    return simq.QuantisedProblem(**quantised)

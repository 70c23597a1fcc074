import pytest


@pytest.fixture(autouse=True)
def always_few(few):
    """The task of few images is there for all problems."""

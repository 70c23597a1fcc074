import pytest

from nastoolkit.support.names import did_you_mean, unknown


@pytest.mark.parametrize(
    ("name", "told"), [("digts", ", did you mean 'digits'?"), ("xyz", ""), ("digits-mbv", ", did you mean 'digits-mbv3'?")]
)
def test_the_nearest_name_is_asked_for(name, told):
    known = ["digits", "digits-mbv3", "imagenet"]
    assert did_you_mean(name, known) == told
    assert unknown("task", name, iter(known)) == f"unknown task {name!r}{told}; known: digits, digits-mbv3, imagenet"

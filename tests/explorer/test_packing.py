import base64

import numpy as np
import pytest

from nastoolkit.explorer.packing import packed


def test_numbers_are_rounded_and_stand_row_by_row():
    assert list(base64.b64decode(packed(np.array([[0.4, 1.6], [2.0, 255.2]]), np.uint8))) == [0, 2, 2, 255]
    assert np.frombuffer(base64.b64decode(packed(np.array([258.0]), np.uint16)), dtype="<u2") == [258]


@pytest.mark.parametrize("values", [[1, 70_000], [-1, 2]])
def test_numbers_that_do_not_fit_are_refused(values):
    with pytest.raises(ValueError, match="is too much for uint16"):
        packed(np.array(values), np.uint16)

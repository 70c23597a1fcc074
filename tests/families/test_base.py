import pytest

from nastoolkit.blocks import Conv
from nastoolkit.families import Family, Slot
from nastoolkit.space import Choice, SearchSpace


def test_operations_have_no_largest_network():
    slot = Slot("block", ("op",), lambda op: Conv(1, 4, 3 if op == "conv3x3" else 1, 1, 8, "relu"))
    family = Family("cells", SearchSpace([Choice("op", ("conv3x3", "conv1x1"))]), (slot,))
    with pytest.raises(ValueError, match=r"no largest network: \['op'\] have no order"):
        family.largest  # noqa: B018

from dataclasses import dataclass

import pytest
from torch import nn

from nastoolkit.blocks import Conv
from nastoolkit.counted import Counted
from nastoolkit.families import FAMILIES


@dataclass(frozen=True)
class Twin(Counted):
    """A block whose own formulas nobody asks."""

    block: Conv

    @property
    def input_shape(self):
        return self.block.input_shape

    def build(self):
        return self.block.build()


@pytest.mark.parametrize("name", ["digits-mbv3", "digits-resnet50"])
def test_counts_are_what_the_formulas_of_shipped_blocks_say(name):
    for spec in FAMILIES[name]().block_specs[::7]:
        assert (Twin(spec).params, Twin(spec).macs) == (spec.params, spec.macs), spec


def test_each_block_is_built_once_and_allocates_nothing():
    built = []

    @dataclass(frozen=True)
    class Huge(Counted):
        input_shape = (1 << 16,)

        def build(self):
            built.append(1)
            return nn.Linear(1 << 16, 1 << 20, bias=False)

    assert Huge().params == Huge().macs == 1 << 36 and built == [1]


def test_a_block_without_build_is_told():
    with pytest.raises(NotImplementedError, match=r"Empty has no build\(\)"):
        _ = dataclass(frozen=True)(type("Empty", (Counted,), {"input_shape": (1,)}))().params

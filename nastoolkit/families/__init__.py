"""Families of networks: each turns genotypes into plans, costs and plain PyTorch networks. A new one is a file and a line."""

from collections.abc import Callable
from functools import partial

from nastoolkit.families.base import Family, Plan, Slot
from nastoolkit.families.mobilenet_v3 import DIGITS, OFA, OFA_WIDE, MobileNetV3Family

FAMILIES: dict[str, Callable[[], Family]] = {
    "digits-mbv3": partial(MobileNetV3Family, "digits-mbv3", DIGITS),
    "ofa-mbv3-w1.0": partial(MobileNetV3Family, "ofa-mbv3-w1.0", OFA),
    "ofa-mbv3-w1.2": partial(MobileNetV3Family, "ofa-mbv3-w1.2", OFA_WIDE),
}

__all__ = ["FAMILIES", "Family", "Plan", "Slot"]

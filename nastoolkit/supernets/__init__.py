"""Supernets: a family plus a rule of how sub-networks share weights; their calibration, their files."""

from nastoolkit.supernets.sharing import SHARING_RULES, SharingRule
from nastoolkit.supernets.supernet import HEAD, Supernet, calibrate_batchnorm, load_supernet, save_supernet, with_new_head

__all__ = [
    "HEAD",
    "SHARING_RULES",
    "SharingRule",
    "Supernet",
    "calibrate_batchnorm",
    "load_supernet",
    "save_supernet",
    "with_new_head",
]

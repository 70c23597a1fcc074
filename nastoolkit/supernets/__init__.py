"""Supernets: a family plus a rule for how sub-networks share weights; their calibration and their files."""

from nastoolkit.supernets.calibration import calibrate_batchnorm, calibrate_ranges
from nastoolkit.supernets.copies import Supernets
from nastoolkit.supernets.experts import ExpertMixture
from nastoolkit.supernets.loading import HEAD, load_pretrained, load_supernet, save_supernet, with_bits, with_new_head
from nastoolkit.supernets.masks import Masked, mask_of_largest
from nastoolkit.supernets.mixtures import Logits, Mixture
from nastoolkit.supernets.sharing import SHARING_RULES, FakeQuantise, KernelTransform, SharingRule, Slice, chain
from nastoolkit.supernets.supernet import Supernet

__all__ = [
    "HEAD",
    "Logits",
    "Mixture",
    "SHARING_RULES",
    "ExpertMixture",
    "FakeQuantise",
    "KernelTransform",
    "Masked",
    "SharingRule",
    "Slice",
    "Supernet",
    "Supernets",
    "calibrate_batchnorm",
    "calibrate_ranges",
    "chain",
    "load_pretrained",
    "load_supernet",
    "mask_of_largest",
    "save_supernet",
    "with_bits",
    "with_new_head",
]

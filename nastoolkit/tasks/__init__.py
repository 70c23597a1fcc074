"""Tasks: data, loss and metric by name."""

from nastoolkit.tasks.base import SPLITS, Classification, Examples, Split, Task
from nastoolkit.tasks.data_sets import MissingDataError
from nastoolkit.tasks.digit_variants import DigitSums, FewDigits, PlainDigits, RotatedDigits, SimilarDigits
from nastoolkit.tasks.digits import Digits
from nastoolkit.tasks.hub import Cifar10, Cifar100
from nastoolkit.tasks.images import ImageNet
from nastoolkit.tasks.number_words import NumberWords
from nastoolkit.tasks.sst2 import Sst2

TASKS: dict[str, type[Task]] = {
    "digits": Digits,
    "digits-plain": PlainDigits,
    "digits-3589": SimilarDigits,
    "digits-few": FewDigits,
    "digits-rotated": RotatedDigits,
    "digits-sums": DigitSums,
    "number-words": NumberWords,
    "imagenet": ImageNet,
    "cifar10": Cifar10,
    "cifar100": Cifar100,
    "sst2": Sst2,
}

__all__ = ["SPLITS", "TASKS", "Classification", "Examples", "MissingDataError", "Split", "Task"]

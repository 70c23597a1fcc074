"""Tasks: data, loss and metric by name."""

from pathlib import Path

from nastoolkit.tasks.base import SPLITS, Classification, Examples, Split, Task
from nastoolkit.tasks.data_sets import MissingDataError, datasets_folder
from nastoolkit.tasks.digit_variants import DigitSums, FewDigits, PlainDigits, RotatedDigits, SimilarDigits
from nastoolkit.tasks.digits import Digits
from nastoolkit.tasks.hub import Cifar10, Cifar100, HubImages
from nastoolkit.tasks.images import ImageFolder, ImageNet
from nastoolkit.tasks.number_words import NumberWords
from nastoolkit.tasks.sst2 import Sst2
from nastoolkit.tasks.wmt14 import Wmt14

TASKS: dict[str, type[Task]] = {
    "digits": Digits,
    "digits-plain": PlainDigits,
    "digits-3589": SimilarDigits,
    "digits-few": FewDigits,
    "digits-rotated": RotatedDigits,
    "digits-sums": DigitSums,
    "number-words": NumberWords,
    "wmt14-en-de": Wmt14,
    "imagenet": ImageNet,
    "cifar10": Cifar10,
    "cifar100": Cifar100,
    "sst2": Sst2,
}

__all__ = ["SPLITS", "TASKS", "Classification", "Examples", "MissingDataError", "Split", "Task", "load_task"]


def load_task(name: str) -> Task:
    """A task by its name; data are read when they are first asked for.

    Args:
        name: A key of ``TASKS``; or a folder of images, from here or in the folder ``NASTOOLKIT_DATASETS``; or a data set of
            images on the Hugging Face Hub, ``<owner>/<name>``.

    Raises:
        ValueError: There is no such task or folder, and it is no name on the Hub.
    """
    if name in TASKS:
        return TASKS[name]()
    for folder in (Path(name), datasets_folder() / name):
        if (folder / "train").is_dir():
            return ImageFolder(folder)
    if len(Path(name).parts) == 2:
        return HubImages(name)
    places = f"folders of images in {datasets_folder()}, and <owner>/<name> on the Hugging Face Hub"
    raise ValueError(f"there is no task {name!r}; known: {', '.join(TASKS)}, {places}")

"""Image classification from files: any folder with a folder for each class, and ImageNet.

For the splits, see :class:`nastoolkit.tasks.data_sets.StoredClassification`.

[Russakovsky2015] O. Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge", IJCV 2015: 1.28 million images of
1,000 classes for training, 50,000 for validation.
[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020.

Differs from [Cai2020]'s code in: training images are cropped at 224 pixels and then resized to a sub-network, without colour
jitter; batch normalisation is calibrated on central crops of training images rather than on random ones.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from nastoolkit.tasks.data_sets import StoredClassification, datasets_folder
from nastoolkit.tasks.image_examples import ImageExamples, ImageFiles
from nastoolkit.tasks.preprocessing import IMAGENET, NORMALISATION, Preprocessing

EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".webp")
FOLDERS = {"train": ("train",), "validation": ("val", "validation"), "test": ("test",)}


class ImageTask(StoredClassification):
    """What data sets of images have in common.

    Args:
        name: See :class:`nastoolkit.tasks.Task`.
        remedy: Sentences that say what to fetch and where to put it.
        preprocessing: How images become inputs.
    """

    normalisation = NORMALISATION

    def __init__(self, name: str, remedy: str, preprocessing: Preprocessing = IMAGENET) -> None:
        super().__init__(name, remedy)
        self.preprocessing = preprocessing

    def official(self) -> Mapping[str, ImageFiles]:
        """Image files of the labelled official splits, by our names."""
        raise NotImplementedError

    def read(self) -> dict[str, ImageExamples]:
        """See :class:`nastoolkit.tasks.data_sets.StoredClassification`."""
        files = self.official()
        rows = self.our_splits({name: len(files[name].targets) for name in files})
        return {name: ImageExamples(files[official], chosen, self.preprocessing) for name, (official, chosen) in rows.items()}


class ImageFolder(ImageTask):
    """Any folder with ``train/<class>/*``, ``val/<class>/*`` (or ``validation``) and perhaps ``test/<class>/*``.

    Classes are numbered in the order of their folders' names. Without ``test``, ``val`` becomes our ``test`` split, and our
    ``validation`` is held out of ``train``.

    Args:
        root: The folder.
        name: Name of the task, by default the folder's; stores distinguish tasks by it.
        preprocessing: How images become inputs.
        n_classes: Required number of classes, if known.
        remedy: What to fetch and where to put it, if it is missing.
    """

    def __init__(
        self,
        root: str | Path,
        name: str | None = None,
        preprocessing: Preprocessing = IMAGENET,
        n_classes: int | None = None,
        remedy: str | None = None,
    ) -> None:
        self.root = Path(root).absolute()
        self.n_expected = n_classes
        layout = f"Put images into {self.root / 'train'}/<class>/ and {self.root / 'val'}/<class>/, a folder for each class."
        super().__init__(name or self.root.name, remedy or layout, preprocessing)

    def official(self) -> dict[str, ImageFiles]:
        """See :class:`ImageTask`; folders that are missing, or have no class folders, are left out."""
        if not self.root.is_dir():
            raise self.missing(f"there is no folder {self.root}")
        places = {name: next(filter(_classes, map(self.root.joinpath, FOLDERS[name])), None) for name in FOLDERS}
        found = {name: folder for name, folder in places.items() if folder is not None}
        if "train" not in found:
            raise self.missing(f"there is no folder {self.root / 'train'} with a folder for each class")
        if len(found) == 1:
            raise self.missing(f"neither val nor test in {self.root} has a folder for each class")
        classes = _classes(found["train"])
        if self.n_expected not in (None, len(classes)):
            raise self.missing(f"{found['train']} has folders for {len(classes)} classes, and {self.n_expected} are needed")
        return {name: self._files(folder, classes) for name, folder in found.items()}

    def _files(self, folder: Path, classes: list[str]) -> FolderFiles:
        """All image files of one official split."""
        if different := sorted(set(_classes(folder)) ^ set(classes)):
            raise self.missing(f"{folder} and {self.root / 'train'} have different classes: {', '.join(different[:5])}")
        paths, targets = [], []
        for index, name in enumerate(classes):
            found = _image_files(folder / name)
            if not found:
                raise self.missing(f"{folder / name} has no image in it")
            paths += found
            targets += [index] * len(found)
        return FolderFiles(paths, torch.tensor(targets))


def folders_of_images(folder: str | Path, least: int) -> list[ImageFolder]:
    """All data sets in a folder, by name, each laid out like an :class:`ImageFolder`.

    Args:
        folder: Its path, or its name in the folder ``NASTOOLKIT_DATASETS``.
        least: Number of data sets that are needed.

    Raises:
        ValueError: There are fewer.
    """
    root = datasets_folder() / folder
    found = [path for path in sorted(root.glob("*")) if (path / "train").is_dir()]
    if len(found) < least:
        raise ValueError(
            f"{least} data sets are needed, <name>/train/<class>/* and <name>/val/<class>/* in {root}; found {len(found)}"
        )
    return [ImageFolder(path) for path in found]


class ImageNet(ImageFolder):
    """ImageNet's 1,000 classes ([Russakovsky2015]) in ``<datasets>/imagenet``; 10,000 training images are held out."""

    def __init__(self) -> None:
        root = datasets_folder() / "imagenet"
        remedy = (
            "Register at https://image-net.org and fetch ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar. Unpack them to\n"
            f"{root / 'train'}/<class>/*.JPEG and {root / 'val'}/<class>/*.JPEG,\n"
            "a folder for each of the 1,000 classes (n01440764, ...), in val too;\n"
            "or set NASTOOLKIT_DATASETS to the folder that has 'imagenet' in it."
        )
        super().__init__(root, "imagenet", IMAGENET, n_classes=1000, remedy=remedy)


@dataclass(frozen=True)
class FolderFiles:
    """Paths and classes ``(n,)``; see :class:`ImageFiles`."""

    paths: list[str]
    targets: torch.Tensor

    def file(self, row: int) -> tuple[str, str]:
        """See :class:`ImageFiles`."""
        return self.paths[row], self.paths[row]


def _classes(folder: Path) -> list[str]:
    """Names of the folders in a folder; none if it does not exist."""
    if not folder.is_dir():
        return []
    return sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith("."))


def _image_files(folder: Path) -> list[str]:
    """Paths of all images below a folder."""
    found = [(place, file) for place, _, files in os.walk(folder, followlinks=True) for file in files]
    images = [os.path.join(*pair) for pair in found if pair[1].lower().endswith(EXTENSIONS) and not pair[1].startswith(".")]
    return sorted(images)

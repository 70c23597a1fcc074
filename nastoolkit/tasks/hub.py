"""Hugging Face data sets, by folder or by name: any with images and integer labels, CIFAR-10 and CIFAR-100.

A local folder is used if there is one, written by ``save_to_disk`` or with parquet files as on the Hub. Otherwise the data
come from the Hub, and stay in Hugging Face's own cache. For the splits, see
:class:`nastoolkit.tasks.data_sets.StoredClassification`.

[Krizhevsky2009] A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", University of Toronto, 2009.

Differs from common practice in: CIFAR is standardised with ImageNet's mean and deviation, and random crops replace padding and
shifting.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nastoolkit.support.extras import MissingLibraryError, needed
from nastoolkit.tasks.data_sets import MissingDataError, StoredClassification, StoredTask, datasets_folder
from nastoolkit.tasks.image_examples import ImageFiles
from nastoolkit.tasks.images import ImageTask
from nastoolkit.tasks.preprocessing import CIFAR, IMAGENET, Preprocessing

OFFICIAL = {"train": ("train",), "validation": ("validation", "valid", "val"), "test": ("test",)}
IMAGES = ("image", "img")  # names that a column of images may have
LABELS = ("label", "fine_label")


@dataclass(frozen=True)
class HubSource:
    """A data set or model in a folder, or on the Hugging Face Hub.

    Attributes:
        name: A folder, or a name on the Hub: ``<owner>/<name>``, whose folder is ``<datasets>/<name>``.
        download: Options of ``hf download`` for fetching it.
    """

    name: str
    download: str = "--repo-type dataset"

    @property
    def folder(self) -> Path:
        """Folder in which it is, or should be put."""
        given = Path(self.name)
        return given.absolute() if given.is_dir() or given.is_absolute() else datasets_folder() / given.name

    @property
    def remedy(self) -> str:
        """What to fetch, and where to put it."""
        if self.folder == Path(self.name).absolute():
            return f"Put files there as the Hugging Face Hub has them, or as save_to_disk writes them: {self.folder}"
        return (
            "Fetch it where there is a network, and put it there:\n"
            f"hf download {self.name} {self.download} --local-dir {self.folder}\n"
            f"or set NASTOOLKIT_DATASETS to the folder that has {self.folder.name!r} in it."
        )

    def not_had(self, error: Exception) -> str:
        """Why it is missing."""
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        return f"{self.name!r} could not be read: {self.folder} is missing or damaged, and the Hub says: {reason.rstrip('.')}"


BERT_TOKENS, TOKENIZER_FILES = "google-bert/bert-base-uncased", '--include "*.json" --include vocab.txt'


def tokenizer_of(task: StoredTask, source: HubSource) -> Any:
    """A tokenizer of ``transformers``, from a folder or the Hub.

    Raises:
        MissingDataError: The tokenizer is missing or damaged.
    """
    transformers, folder = huggingface("transformers"), source.folder
    try:
        return transformers.AutoTokenizer.from_pretrained(str(folder) if folder.is_dir() else source.name)
    except Exception as error:  # of the network, of the Hub or of the tokenizer's files
        raise task.missing(source.not_had(error), source.remedy) from None


class HubImages(ImageTask):
    """Images of a Hugging Face data set, with integer labels.

    Args:
        dataset: A folder; or a name on the Hub, ``<owner>/<name>``, which is looked for in ``<datasets>/<name>`` first.
        name: Name of the task, by default the last part of ``dataset``; stores distinguish tasks by it.
        preprocessing: How images become inputs.
    """

    def __init__(self, dataset: str | Path, name: str | None = None, preprocessing: Preprocessing = IMAGENET) -> None:
        self.source = HubSource(str(dataset))
        super().__init__(name or self.source.folder.name, self.source.remedy, preprocessing)

    def official(self) -> dict[str, ImageFiles]:
        """See :class:`nastoolkit.tasks.images.ImageTask`."""
        splits, found = labelled_splits(self, self.source), dict[str, ImageFiles]()
        image_type = huggingface("datasets").Image
        for name, (rows, labels) in splits.items():
            column = column_of(self, rows, IMAGES)
            if not isinstance(rows.features[column], image_type):
                raise self.missing(f"column {column!r} holds no images but {rows.features[column]}")
            encoded = rows.select_columns([column]).cast_column(column, image_type(decode=False))
            found[name] = HubFiles(encoded, column, labels, f"split {name!r} of {self.source.name}")
        return found


class Cifar10(HubImages):
    """CIFAR-10 ([Krizhevsky2009]): 32x32 pixels, 10 classes; 5,000 of its 50,000 training images are held out."""

    def __init__(self) -> None:
        super().__init__("uoft-cs/cifar10", "cifar10", CIFAR)


class Cifar100(HubImages):
    """CIFAR-100 ([Krizhevsky2009]): 32x32 pixels, 100 fine classes; 5,000 of its 50,000 training images are held out."""

    def __init__(self) -> None:
        super().__init__("uoft-cs/cifar100", "cifar100", CIFAR)


@dataclass(frozen=True)
class HubFiles:
    """Encoded images in a column of a ``datasets.Dataset``, and classes ``(n,)``; see ``ImageFiles``."""

    rows: Any
    column: str
    targets: torch.Tensor
    name: str

    def file(self, row: int) -> tuple[str, str | BytesIO]:
        """See ``ImageFiles``."""
        cell = self.rows[row][self.column] or {"bytes": b"", "path": None}
        return f"image {row} of {self.name}", cell["path"] if cell["bytes"] is None else BytesIO(cell["bytes"])


def labelled_splits(task: StoredClassification, source: HubSource) -> dict[str, tuple[Any, torch.Tensor]]:
    """The official splits whose labels are not hidden, by our names: a ``datasets.Dataset`` and its labels ``(n,)``.

    Raises:
        MissingDataError: The data are missing or have no integer labels, or the extra ``huggingface`` is not installed.
    """
    official, found = _load(task, source), {}
    for name, aliases in OFFICIAL.items():
        rows = next((official[alias] for alias in aliases if alias in official), None)
        if rows is None:
            continue
        labels = np.asarray(rows[column_of(task, rows, LABELS)][:])
        if labels.dtype.kind not in "iu":
            raise task.missing(f"labels of split {name!r} are not integers but {labels.dtype}")
        if len(labels) and labels.min() >= 0:  # hidden ones are -1
            found[name] = rows, torch.from_numpy(labels.astype(np.int64))
    return found


def column_of(task: StoredClassification, rows: Any, names: tuple[str, ...]) -> str:
    """The first of some names that is a column of a ``datasets.Dataset``."""
    for name in names:
        if name in rows.column_names:
            return name
    raise task.missing(f"no column is called {' or '.join(names)}; there are: {', '.join(rows.column_names)}")


def huggingface(package: str, what: str = "this task") -> Any:
    """One of Hugging Face's packages; MissingDataError if it is not installed although ``what`` needs it."""
    try:
        return needed(package, what)
    except MissingLibraryError as error:
        raise MissingDataError(str(error)) from error


def _load(task: StoredClassification, source: HubSource) -> dict[str, Any]:
    """The official splits by their own names, from the folder or from the Hub."""
    folder = source.folder
    if folder.is_dir() and not any(folder.rglob("*.parquet")):
        saved = {file.parent.name: str(file.parent) for file in sorted(folder.glob("*/state.json"))}
        if not saved:
            raise task.missing(f"{folder} has neither parquet files nor splits that save_to_disk wrote, nor a folder train")
        return {name: huggingface("datasets").load_from_disk(place) for name, place in saved.items()}
    nowhere = f"there is no folder {source.name} nor {folder}, and to ask the Hub for {source.name!r} this task"
    datasets = huggingface("datasets", "this task" if folder.is_dir() else nowhere)
    try:
        return dict(datasets.load_dataset(str(folder) if folder.is_dir() else source.name))
    except Exception as error:  # of the network, of the Hub or of parquet: many types, and none that users could tell apart
        raise task.missing(source.not_had(error)) from None

"""50,000 measured sub-networks of MIT's NAS lab: MCUNetV2's supernet on Visual Wake Words. The user provides the file.

[Han2023] S. Han et al., MIT 6.5940 "TinyML and Efficient Deep Learning Computing", fall 2023, lab 3.
[Lin2021] J. Lin et al., "MCUNetV2: Memory-Efficient Patch-based Inference for Tiny Deep Learning", NeurIPS 2021.

The lab measured 10,000 random sub-networks at each of five resolutions, with weights of one supernet and recalibrated batch
normalisation, on photos that were used neither for training nor for testing. The files are in
https://github.com/CalebDu/MIT6.5940-EfficientML (commit 841333f, ``Lab3-NAS/acc_datasets/src``), 40 of them, about 0.8 MB
each. :func:`gather` makes one small file from them::

    python -c "from nastoolkit.published.mcunet_vww import gather; gather('acc_datasets/src', 'mcunet_vww.npz')"

It has, for each sub-network in the order of the files: ``ks`` and ``e`` ``(n, 20)``, kernel and expansion of every block;
``d`` ``(n, 6)``, the blocks of a stage beyond its base depth; ``wid`` ``(n,)``, the number of the width; ``image_size``
``(n,)``; and ``accuracy`` ``(n,)``, in %. Blocks that the depths leave out are included, but mean nothing. The lab drew only
two of three widths: no network of width 1 was measured. Costs are not in the files, but follow from the networks.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nastoolkit.families import FAMILIES, Family
from nastoolkit.families.mcunet import VWW
from nastoolkit.published.sources import find_made
from nastoolkit.support.files import atomically

FILE = "mcunet_vww.npz"
COLUMNS = {"ks": (20,), "e": (20,), "d": (6,), "wid": (), "image_size": ()}  # with the shape of each for one network
SHA256 = "97249cc566f6eba3cd059a3775be613d729da35a13858fb81f9e3fef43c40b51"  # of all columns and accuracies


@dataclass(frozen=True)
class MeasuredNetworks:
    """Sub-networks and their accuracies.

    Attributes:
        family: Family of the sub-networks, ``mcunet-vww``.
        genotypes: Genotypes ``(n, d)``, all different.
        accuracy_top1: Accuracy ``(n,)`` on photos held out for the search, in %.
    """

    family: Family
    genotypes: np.ndarray
    accuracy_top1: np.ndarray


def mcunet_vww(file: str | Path | None = None) -> MeasuredNetworks:
    """The measured sub-networks, in the order of the lab's files.

    Args:
        file: File that this module's docstring describes, or the folder it is in; by default ``mcunet_vww.npz`` in the folder
            ``NASTOOLKIT_DATA``, or in its folder ``mcunet-vww``.

    Raises:
        FileNotFoundError: There is no such file; the message says what it is.
        ValueError: It is not such a file, or its content is not the published one.
    """
    path = find_made(FILE, "mcunet-vww", "mcunet_vww", file)
    columns = _read(path)
    if (found := content_hash(columns)) != SHA256:
        raise ValueError(f"{path} has other numbers than were published: the hash of its content is {found}, not {SHA256}")
    return MeasuredNetworks(family := FAMILIES["mcunet-vww"](), _genotypes(family, columns), columns["accuracy"].astype(float))


def made_up_networks(n: int = 5000, seed: int = 0) -> MeasuredNetworks:
    """Random sub-networks with invented accuracies, for trying a program without the file: the numbers mean nothing.

    Args:
        n: Number of sub-networks.
        seed: Random seed of the sub-networks and of the noise.
    """
    family, rng = FAMILIES["mcunet-vww"](), np.random.default_rng(seed)
    genotypes = family.space.restrict({"width": VWW.widths[:2]}).sample(n, rng)
    return MeasuredNetworks(family, genotypes, 94 - 10 * np.exp(-family.mmacs(genotypes) / 40) + rng.normal(0, 0.2, n))


def gather(folder: str | Path, file: str | Path) -> Path:
    """Write one small file from the lab's many.

    Args:
        folder: Folder of the published files, ``acc_datasets/src``.
        file: File to write.

    Raises:
        FileNotFoundError: No such files are in the folder.
        ValueError: A file is not one of the lab's.
    """
    paths = sorted(Path(folder).glob("*_acc_table.json"))
    if not paths:
        raise FileNotFoundError(f"there is no *_acc_table.json in {folder}")
    rows = [row for path in paths for row in json.loads(path.read_text())]
    try:
        columns = {name: np.array([network[name] for network, _ in rows], dtype=np.uint8) for name in COLUMNS}
        accuracy = np.array([accuracy for _, accuracy in rows], dtype=np.float32)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{folder} has files that are not the lab's: {error!r}") from error
    with atomically(file) as new, new.open("wb") as opened:
        np.savez_compressed(opened, allow_pickle=False, **columns, accuracy=accuracy)
    return Path(file)


def content_hash(columns: Mapping[str, np.ndarray]) -> str:
    """Hash of the numbers in a file, independent of their compression."""
    digest = hashlib.sha256()
    for name in (*COLUMNS, "accuracy"):
        digest.update(np.ascontiguousarray(columns[name], dtype=np.float32 if name == "accuracy" else np.uint8).tobytes())
    return digest.hexdigest()


def _read(path: Path) -> dict[str, np.ndarray]:
    """All columns, in their shapes."""
    try:
        with np.load(path, allow_pickle=False) as opened:
            columns = {name: opened[name] for name in (*COLUMNS, "accuracy")}
    except (ValueError, KeyError, EOFError, OSError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not a file of MIT's NAS lab, or is cut short: {error!r}") from error
    n = len(np.atleast_1d(columns["accuracy"]))
    if wrong := [name for name, shape in COLUMNS.items() if columns[name].shape != (n, *shape)]:
        raise ValueError(f"{path} has columns {wrong} of other shapes than networks of the lab have")
    return columns


def _genotypes(family: Family, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Canonical genotypes ``(n, d)``."""
    options = {"resolution": columns["image_size"], "width": np.array(VWW.widths)[columns["wid"]]}
    number = 0
    for stage, row in enumerate(VWW.stages, start=1):
        depths = VWW.depths_of(row)
        options[f"stage{stage}.depth"] = np.minimum(min(depths) + columns["d"][:, stage - 1], max(depths))
        for block in range(1, max(depths) + 1):
            options[f"stage{stage}.block{block}.kernel"] = columns["ks"][:, number]
            options[f"stage{stage}.block{block}.expand"] = columns["e"][:, number]
            number += 1
    genes = [np.searchsorted(choice.options, options[choice.name]) for choice in family.space.choices]
    return family.space.canonical(np.stack(genes, axis=1))

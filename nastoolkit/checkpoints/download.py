"""Published supernets: where they are, and downloads that are either complete or not kept.

Sources: the download addresses in the README files of https://github.com/mit-han-lab/once-for-all and
https://github.com/mit-han-lab/hardware-aware-transformers, and in the model cards on https://huggingface.co.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import pooch
import requests

from nastoolkit.checkpoints.tensor_files import read_tensors
from nastoolkit.support.files import atomically

Check = Callable[[Path], object]
REMEDY = "Try again, or download it by other means and give its path as checkpoint."


@dataclass(frozen=True)
class Release:
    """A published file; ``sha256`` if it is known."""

    url: str
    sha256: str | None = None

    @property
    def file_name(self) -> str:
        """Name of the published file."""
        return PurePosixPath(urlsplit(self.url).path).name


ONCE_FOR_ALL = "https://raw.githubusercontent.com/han-cai/files/master/ofa/ofa_nets"
PUBLISHED = {
    "ofa-mbv3-w1.0": Release(f"{ONCE_FOR_ALL}/ofa_mbv3_d234_e346_k357_w1.0"),
    "ofa-mbv3-w1.2": Release(f"{ONCE_FOR_ALL}/ofa_mbv3_d234_e346_k357_w1.2"),
    "ofa-proxyless-w1.3": Release(f"{ONCE_FOR_ALL}/ofa_proxyless_d234_e346_k357_w1.3"),
    "ofa-resnet50": Release("https://huggingface.co/han-cai/ofa/resolve/main/ofa_supernet_resnet50"),
    "hat-wmt": Release("https://www.dropbox.com/s/pkdddxvvpw9a4vq/HAT_wmt14ende_super_space0.pt?dl=1"),
    "hat-iwslt": Release("https://www.dropbox.com/s/yv0mn8ns36gxkhs/HAT_iwslt14deen_super_space1.pt?dl=1"),
    "bert-base": Release("https://huggingface.co/textattack/bert-base-uncased-SST-2/resolve/main/pytorch_model.bin"),
    "vit-b16": Release("https://huggingface.co/google/vit-base-patch16-224/resolve/main/model.safetensors"),
}


def cache_folder() -> Path:
    """Folder of downloads: ``NASTOOLKIT_CACHE``, or the user's cache folder."""
    return Path(os.environ.get("NASTOOLKIT_CACHE") or pooch.os_cache("nastoolkit"))


def cached_file(url: str) -> Path:
    """File for a download from this address, whether it exists or not."""
    return cache_folder() / pooch.utils.unique_file_name(url.removesuffix("?dl=1"))  # other queries may name other files


class _CheckedDownloader(pooch.HTTPDownloader):
    """Checks a download before it is put in place: servers sometimes answer with web pages, or break off silently."""

    def __init__(self, check: Check, progress: bool) -> None:
        super().__init__(progressbar=progress, timeout=60)
        self._check = check

    def __call__(self, url: str, output_file: str, pooch: object, check_only: bool = False) -> bool | None:
        """Download to a file; ValueError if the check fails."""
        file = super().__call__(url, output_file, pooch, check_only)
        try:
            self._check(Path(output_file))
        except ValueError as error:
            raise ValueError(str(error).replace(str(output_file), "what arrived")) from error
        return file


def fetch(
    url: str, sha256: str | None = None, progress: bool = True, remedy: str = REMEDY, check: Check = read_tensors
) -> Path:
    """Download a file, unless it is there already.

    Args:
        url: Its address.
        sha256: Required hash, if it is known.
        progress: Whether to show a bar.
        remedy: What the user can do if it fails.
        check: Raises a ValueError for a file that is not what it should be; used for files with unknown hashes.

    Returns:
        The file in the cache.

    Raises:
        ConnectionError: The download failed, is incomplete, or is another file; no part of it is kept.
    """
    file = cached_file(url)
    check = _no_check if sha256 else check
    _forget_unless(check, file)
    try:
        return Path(pooch.retrieve(url, sha256, file.name, file.parent, downloader=_CheckedDownloader(check, progress)))
    except (requests.RequestException, ValueError) as error:
        what = f"{Release(url).file_name} could not be downloaded from {url}, and nothing of it was kept"
        raise ConnectionError(f"{what}: {error}\n{remedy}") from error


def _no_check(file: Path) -> None:
    """The hash decides."""


def _forget_unless(check: Check, file: Path) -> None:
    """Remove an invalid file that an earlier version kept, so that it is fetched again."""
    try:
        if file.exists():
            check(file)
    except ValueError:
        file.unlink()


def check_hash(file: Path, sha256: str | None) -> Path:
    """The file, if it has the published hash or that is unknown; else raises ValueError."""
    found = pooch.file_hash(str(file))
    if sha256 is not None and found != sha256:
        raise ValueError(f"{file} is not the published file: its sha256 is {found}, not {sha256}")
    return file


def keep_copy(file: Path, url: str) -> Path:
    """Copy a file into the cache as if it had been downloaded from this address, completely or not at all."""
    kept = cached_file(url)
    with atomically(kept) as new:
        shutil.copyfile(file, new)
    return kept

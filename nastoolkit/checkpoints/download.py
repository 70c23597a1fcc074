"""Published supernets: where they are, and downloads that are either complete or not kept.

Where a hash was published, the file must have it. Elsewhere the hash of the first download is kept beside the file, in the
format of ``sha256sum``, and a later download that differs is refused.

Sources: the download addresses in the README files and code of https://github.com/mit-han-lab/once-for-all and
https://github.com/mit-han-lab/hardware-aware-transformers, and in the model cards on https://huggingface.co. The hash of
``ofa-mbv3-w1.0`` is what a third party noted on downloading it; that of the ResNet50 in https://github.com/han-cai/files
stands in its Git LFS pointer.
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
HUB = "https://huggingface.co"


@dataclass(frozen=True)
class Release:
    """A published file.

    Attributes:
        url: Its address.
        sha256: Its hash, if it is known.
        second: Where else the same weights are, if that is known; the file itself may be another.
    """

    url: str
    sha256: str | None = None
    second: Release | None = None

    @property
    def file_name(self) -> str:
        """Name of the published file."""
        return PurePosixPath(urlsplit(self.url).path).name

    @property
    def sources(self) -> tuple[Release, ...]:
        """All places of the file, in the order in which they are tried."""
        return (self, *(self.second.sources if self.second else ()))

    @property
    def address(self) -> str:
        """Address that is asked: of files on the Hugging Face Hub, at the mirror ``HF_ENDPOINT`` if that is set."""
        mirror = os.environ.get("HF_ENDPOINT")
        return self.url.replace(HUB, mirror.rstrip("/"), 1) if mirror and self.url.startswith(f"{HUB}/") else self.url


def _once_for_all(file: str, sha256: str | None = None) -> Release:
    """A file that its authors have on GitHub, and on their own server where that answers."""
    second = Release(f"https://hanlab.mit.edu/files/OnceForAll/ofa_nets/{file}", sha256)
    return Release(f"https://raw.githubusercontent.com/han-cai/files/master/ofa/ofa_nets/{file}", sha256, second)


PUBLISHED = {
    "ofa-mbv3-w1.0": _once_for_all(
        "ofa_mbv3_d234_e346_k357_w1.0", "a7def36bb4e4c688c16d37eb60d5d34b2e6dcf6438c05bc86dea918fda04c6c7"
    ),
    "ofa-mbv3-w1.2": _once_for_all("ofa_mbv3_d234_e346_k357_w1.2"),
    "ofa-proxyless-w1.3": _once_for_all("ofa_proxyless_d234_e346_k357_w1.3"),
    "ofa-resnet50": Release(
        f"{HUB}/han-cai/ofa/resolve/main/ofa_supernet_resnet50",
        second=Release(
            "https://media.githubusercontent.com/media/han-cai/files/master/ofa/ofa_nets/"
            "ofa_resnet50_d0-1-2_e0.2-0.25-0.35_w0.65-0.8-1.0",
            "3406a4c852f4573a58e9a01f35406baa4ad3787044ffadc6ea45571ad2b9123a",
        ),
    ),
    "hat-wmt": Release("https://www.dropbox.com/s/pkdddxvvpw9a4vq/HAT_wmt14ende_super_space0.pt?dl=1"),
    "hat-iwslt": Release("https://www.dropbox.com/s/yv0mn8ns36gxkhs/HAT_iwslt14deen_super_space1.pt?dl=1"),
    "bert-base": Release(f"{HUB}/textattack/bert-base-uncased-SST-2/resolve/main/pytorch_model.bin"),
    "vit-b16": Release(f"{HUB}/google/vit-base-patch16-224/resolve/main/model.safetensors"),
}


def cache_folder() -> Path:
    """Folder of downloads: ``NASTOOLKIT_CACHE``, or the user's cache folder."""
    return Path(os.environ.get("NASTOOLKIT_CACHE") or pooch.os_cache("nastoolkit"))


def cached_file(url: str) -> Path:
    """File for a download from this address, whether it exists or not."""
    return cache_folder() / pooch.utils.unique_file_name(url.removesuffix("?dl=1"))  # other queries may name other files


def hash_record(url: str) -> Path:
    """File that keeps the hash of the first download from this address, whether it exists or not."""
    file = cached_file(url)
    return file.with_name(f"{file.name}.sha256")


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
    url: str | Release, sha256: str | None = None, progress: bool = True, remedy: str = REMEDY, check: Check = read_tensors
) -> Path:
    """Download a file, unless it is there already.

    Args:
        url: Its address, or a release, whose places are tried in turn.
        sha256: Required hash, if it is known; a release has its own.
        progress: Whether to show a bar.
        remedy: What the user can do if it fails.
        check: Raises a ValueError for a file that is not what it should be; used for files with unknown hashes.

    Returns:
        The file in the cache.

    Raises:
        ConnectionError: The download failed, is incomplete, or is another file than the published one or than the first
            download; no part of it is kept.
    """
    release = url if isinstance(url, Release) else Release(url, sha256)
    file = cached_file(release.url)
    if file.exists() and _is_wanted(file, release, check):
        return file
    file.unlink(missing_ok=True)
    failures = []
    for source in release.sources:
        try:
            return _download(source, file, progress, check)
        except (requests.RequestException, ValueError) as error:
            failures.append(f"from {source.address}, and nothing of it was kept: {error}")
    told = "\nnor ".join(failures)
    raise ConnectionError(f"{release.file_name} could not be downloaded {told}\n{remedy}")


def remember(file: Path, source: Release) -> Path:
    """Keep a file's hash if it is the first from this source, and no hash was published.

    Returns:
        The file.

    Raises:
        ValueError: The first one was another.
    """
    if source.sha256:
        return file
    found, record = pooch.file_hash(str(file)), hash_record(source.url)
    first = _recorded(source)
    if first is None:
        with atomically(record) as new:
            new.write_text(f"{found}  {cached_file(source.url).name}\n")
    elif found != first:
        raise ValueError(
            f"{file} differs from the first download: its sha256 is {found}, and was {first}. "
            f"If the new file is the right one, remove {record}"
        )
    return file


def forget(release: Release) -> None:
    """Remove a download, and what is known of its hashes."""
    cached_file(release.url).unlink(missing_ok=True)
    for source in release.sources:
        hash_record(source.url).unlink(missing_ok=True)


def _download(source: Release, file: Path, progress: bool, check: Check) -> Path:
    """One attempt."""

    def acceptable(arrived: Path) -> None:
        if not source.sha256:  # otherwise the hash decides
            check(arrived)
            remember(arrived, source)

    downloader = _CheckedDownloader(acceptable, progress)
    return Path(pooch.retrieve(source.address, source.sha256, file.name, file.parent, downloader=downloader))


def _is_wanted(file: Path, release: Release, check: Check) -> bool:
    """Whether a kept file is from one of the places; one that an earlier version kept may be a web page."""
    found = pooch.file_hash(str(file))
    known = {source.sha256 or _recorded(source) for source in release.sources} - {None}
    if found in known or release.sha256 or _recorded(release):
        return found in known
    try:
        check(file)
    except ValueError:
        return False
    remember(file, release)
    return True


def _recorded(source: Release) -> str | None:
    """Hash of the first download from this source; None if there was none."""
    record = hash_record(source.url)
    return record.read_text().split()[0] if record.exists() else None


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

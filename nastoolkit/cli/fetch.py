"""``nastoolkit fetch``: published supernets and measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nastoolkit.checkpoints import download
from nastoolkit.checkpoints.download import PUBLISHED, Release, check_hash, keep_copy, remember
from nastoolkit.checkpoints.tensor_files import read_tensors
from nastoolkit.cli.options import AsJson
from nastoolkit.cli.terminal import known, show
from nastoolkit.published import DATA_SETS, fetch_data


def fetch(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join((*PUBLISHED, *DATA_SETS))}, or an address.")],
    folder: Annotated[Path | None, typer.Option("--from", help="Folder that has the files already: download nothing.")] = None,
    as_json: AsJson = False,
) -> None:
    """Download a published supernet or published measurements.

    It goes into the cache, where its name alone finds it.
    """
    if name in DATA_SETS:
        show(_fetch_data(name, folder, progress=not as_json), as_json)
        return
    release = Release(name) if "://" in name else known("release or data set", name, {**PUBLISHED, **DATA_SETS})
    if folder is None:
        file = download.fetch(release, progress=not as_json)
    else:
        file = keep_copy(_checked(folder / release.file_name, release), release.url)
    show({"file": str(file), "bytes": file.stat().st_size, "url": release.url}, as_json)


def _checked(file: Path, release: Release) -> Path:
    """The file, if it is the published one; if its hash is not known, a checkpoint that is none but the first."""
    if release.sha256 is None:
        read_tensors(file)
    return remember(check_hash(file, release.sha256), release)


def _fetch_data(name: str, folder: Path | None, progress: bool) -> dict[str, Any]:
    files = list(fetch_data(name, folder, progress).values())
    data, size = DATA_SETS[name], sum(file.stat().st_size for file in files)
    source = f"https://github.com/{data.repository}/tree/{data.commit}/{data.folder}"
    return {"files": [str(file) for file in files], "bytes": size, "source": source, "licence": data.licence}

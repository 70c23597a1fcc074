"""The public files, and where they are on this machine: in a folder, in the cache, or still to be fetched.

Every file is pinned to a commit and to its hash, so that the same numbers can always be read from it again.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from urllib.parse import quote

from nastoolkit.checkpoints.download import Release, cached_file, check_hash, fetch, forget, keep_copy
from nastoolkit.support.names import unknown

REMEDY = (
    "Try again, or get the file by other means and name its folder: NASTOOLKIT_DATA=DIR, or nastoolkit fetch NAME --from DIR."
)
GITHUB = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class DataSet:
    """Files in one folder of a GitHub repository at one commit.

    Attributes:
        repository: Owner and name.
        commit: 40 hexadecimal digits.
        folder: Folder of the files in the repository.
        licence: Its SPDX name.
        sha256: Hash of each file, by file name.
        archive: Name of the tar archive in ``folder`` that has the files; empty if they are there as files.
    """

    repository: str
    commit: str
    folder: str
    licence: str
    sha256: Mapping[str, str]
    archive: str = ""

    def url(self, file: str) -> str:
        """Address of the original file; if it is in an archive, the archive's address followed by the name of the file."""
        place = f"{self.archive}/{file}" if self.archive else file
        return f"{GITHUB}/{self.repository}/{self.commit}/{quote(self.folder)}/{place}"

    def release(self, file: str) -> Release:
        """The original file, or for ``""`` the archive, with a second address: jsDelivr serves any commit of a repository."""
        url, sha256 = self.url(file).rstrip("/"), self.sha256.get(file)
        on_github = f"{GITHUB}/{self.repository}/{self.commit}/"
        if not url.startswith(on_github):
            return Release(url, sha256)
        elsewhere = url.replace(on_github, f"https://cdn.jsdelivr.net/gh/{self.repository}@{self.commit}/", 1)
        return Release(url, sha256, Release(elsewhere, sha256))


DATA_SETS = {
    "hat-latency": DataSet(
        repository="mit-han-lab/hardware-aware-transformers",
        commit="70e5a279d080670208249fdd98ed731fa9bcc466",
        folder="latency_dataset",
        licence="MIT",
        sha256={
            "iwslt14deen_gpu_titanxp_all.csv": "96448ac6ab174e5fccbc668614acc279f842b182fe035c05c3940ad46a5c2f86",
            "wmt14ende_cpu_raspberrypi_all.csv": "28d7d0557b545ceefe0234fedad81b4c503edc211a10a9b3a08ba19523ca7cdb",
            "wmt14ende_cpu_xeon_all.csv": "78c0cef3a590b0efce13f2c5cb338453644d09c056359cbdaed606c513657d60",
            "wmt14ende_gpu_titanxp_all.csv": "7ce39663e513a90ab56cf2911c43977e2b4f426c787a25acaeb5e346fa913e1f",
            "wmt14enfr_cpu_raspberrypi_all.csv": "3e83a13c0b662afa7e24203f929c6a710934e051b43a8e81b99b61286f909cf2",
            "wmt14enfr_cpu_xeon_all.csv": "b79b1719197294ac89a2d995400fdef459b16a95b1085713e512fa0a434e08b0",
            "wmt14enfr_gpu_titanxp_all.csv": "842136bae56cdbd490a49daa03a100202fe9b926d1ddcfd2e005a9a35dcc6cb2",
            "wmt19ende_gpu_titanxp_all.csv": "04d84a44fc2727091586b3fef4b4bc32feef3c3c425734e08f4327549a0bbf2b",
        },
    ),
    "ofa-note10-lut": DataSet(
        repository="gatech-sysml/CompOFA",
        commit="6b53946157b8ee16118187872ed19e45dd9692c4",
        folder="NAS/checkpoints/latency_table@note10",
        licence="Apache-2.0",
        sha256={
            "160_lookup_table.yaml": "a2671a45e9400542679ed03de946b45d6a35010f9ab21834af3e7ba8341d36d1",
            "176_lookup_table.yaml": "34223ae037d5719a5f33261bdfd9341f590a2999edf520f174309605dc06307c",
            "192_lookup_table.yaml": "0ff5ca0649e56ad34a42d6a8a6f20adb5121c8d12d135299397b310472db79e2",
            "208_lookup_table.yaml": "41aa63af766a8298354e6aa5ae69d512ac68656a6e7d0a4fa5dc725c8d438633",
            "224_lookup_table.yaml": "c13a9bcb3f4becae844bce4897129c4e42975984c1029cbd5acb48c970136530",
        },
    ),
    "ofa-accuracy-predictor": DataSet(
        repository="gatech-sysml/CompOFA",
        commit="6b53946157b8ee16118187872ed19e45dd9692c4",
        folder="NAS/checkpoints",
        licence="Apache-2.0",
        sha256={
            "acc_predictor.pth": "48685122a3540636b06699af66cd816456b25f29b69563e2fda9bed4018eeba0",
        },
    ),
    "ofa-i7-8700k-lut": DataSet(
        repository="mikelzc1990/nsganetv2",
        commit="04c495a6ba5d351aae97c18542597f5b2d56212b",
        folder="data",
        licence="Apache-2.0",
        sha256={
            "i7-8700K_lut.yaml": "4cd187ee5466802099f502a4d496cbee270a0b21862351722a527dc3a43f85e6",
        },
    ),
    "ofa-mbv3-w10-imagenet": DataSet(
        repository="IntelLabs/DyNAS-T",
        commit="251cb5e0083077522eb554691f480ba750e63246",
        folder="notebooks/data",
        licence="Apache-2.0",
        sha256={
            "mbnv3w10_evoga_acc.csv": "460efa9d68388f0523248c68996738a4cf1580115299c5223386acefd01c2904",
            "mbnv3w10_evonsga2_acc_macs.csv": "26382008e3311c93cbb1f8de3310ac69a37c650c9692e032c90e04805e523cbe",
            "mbnv3w10_evounsga3_acc_macs_params.csv": "b24f148a72d2f1bb1b3422a2f7f8a1f21e59bf5d47f033c0945840ac5d78384c",
            "mbnv3w10_linasga_acc.csv": "63f986501c47e44f3c7426acbcbf8787662a8aa93683d95461a6f6bb659765f7",
            "mbnv3w10_linasnsga2_acc_macs.csv": "cc49278a179df47e6a8f5906e0bd32a6d2f4d29c0d0424ab0ac14eb4a10f8962",
        },
    ),
    "nas-bench-macro": DataSet(
        repository="xiusu/NAS-Bench-Macro",
        commit="61a2bfc2ca0dce04d0997e6cf498047c27d6acf2",
        folder="data",
        licence="Apache-2.0",
        sha256={
            "nas-bench-macro_cifar10.json": "686dee8363cc21cca8c1f321ad5749454f2d9b9ca5972682e137e539bc522297",
        },
    ),
    "efficienttdnn": DataSet(
        repository="mechanicalsea/sugar",
        commit="11bee4e2509c473eabe4557cacaa27d1b36ff08e",
        folder="tutorials/EfficientTDNN",
        licence="MIT",
        sha256={
            "EER.48.Coarse.pth.tar": "96847409622f3203fd2c6d26e8f07bdd9f0470f2cb8a3fd93fef79ed8afd6c31",
            "tdnn8m2g_latency_v100_80_300.yml": "ce5a8b26bc2d5fb87822baf78776776f320e13560077d93cda426b3386d1f089",
        },
    ),
    "tatoeba-en-de": DataSet(
        repository="DarrenCarvalho/Language-Translation",
        commit="a30fc3ec31687d0ed561047a9c7d7fdb5915f89c",
        folder="data",
        licence="CC-BY-2.0-FR",
        sha256={
            "deu.txt": "ad109252de3e35f8ec8030669ccddf6ee2f5cc1656c1928468e175233c01eb1d",
        },
    ),
    "vader": DataSet(
        repository="cjhutto/vaderSentiment",
        commit="44fc044cd877310ee8278a0eadf34bcd50d41d06",
        folder="additional_resources",
        licence="MIT",
        sha256={
            "_README_.txt": "583d6381c04a4b342ac6e7268066128467785f1f4801c4f7d44afb1ccbaad939",
            "amazonReviewSnippets_GroundTruth.txt": "11a9807a0974a2506a2d3b4851eaf69b3d6d20688ce4923adda2312a4f6dd6c2",
            "movieReviewSnippets_GroundTruth.txt": "c8293b0d942e90e223ea2c0955d969040d1a1be514a978b9af0698940bd13350",
            "nytEditorialSnippets_GroundTruth.txt": "7d8fbcce7dde5d716da53e78f4ef4be6b706e9ef1e1d51887e6d0ad4b69cc27e",
            "tweets_GroundTruth.txt": "dfbe7102e2f92579ed8b19df9a3822491880697c67adf712fb66e520cc05102f",
        },
        archive="hutto_ICWSM_2014.tar.gz",
    ),
}


def find(name: str, folder: str | Path | None = None) -> dict[str, Path]:
    """The files of a data set, by name.

    Args:
        name: A key of ``DATA_SETS``.
        folder: Folder that has them, or has a folder with this name that has them, directly or in a folder there; by default
            the folder ``NASTOOLKIT_DATA``, and otherwise the cache that ``nastoolkit fetch`` fills.

    Raises:
        ValueError: There is no such data set, or a file is not the published one.
        FileNotFoundError: A file is not there; the message says how to get it.
    """
    data = _data_set(name)
    return {file: _found(name, file, data, folder) for file in data.sha256}


def find_made(file: str, name: str, module: str, given: str | Path | None = None) -> Path:
    """A file that the user makes, because no plain original can be fetched.

    Args:
        file: Name of the file.
        name: Name of the data, and of the folder that may hold the file, directly or one level deeper.
        module: Name of the module here whose docstring says how to make the file.
        given: The file or its folder; by default the folder ``NASTOOLKIT_DATA``.

    Raises:
        FileNotFoundError: There is no such file.
    """
    source = Path(given or os.environ.get("NASTOOLKIT_DATA", "."))
    for place in (source, source / file, source / name / file, *sorted(source.glob(f"*/{name}/{file}"))):
        if place.is_file():
            return place
    raise FileNotFoundError(
        f"there is no {file} in {source}: `nastoolkit fetch` cannot bring it; make it from the published files "
        f"(how: nastoolkit/published/{module}.py), and name its folder: NASTOOLKIT_DATA=DIR"
    )


def fetch_data(name: str, folder: str | Path | None = None, progress: bool = True) -> dict[str, Path]:
    """Fetch a data set into the cache; files that are there already are not fetched again.

    Args:
        name: A key of ``DATA_SETS``.
        folder: Take the files from here, as :func:`find` does, and download nothing.
        progress: Whether to show a bar.

    Returns:
        The files in the cache, by name.

    Raises:
        ConnectionError: A download failed; earlier files are kept.
        ValueError: As :func:`find`.
        FileNotFoundError: As :func:`find`.
    """
    data = _data_set(name)
    if folder is None and data.archive:
        return _unpacked(data, progress)
    if folder is None:
        return {file: fetch(data.release(file), progress=progress, remedy=REMEDY) for file in data.sha256}
    return {file: keep_copy(path, data.url(file)) for file, path in find(name, folder).items()}


def _unpacked(data: DataSet, progress: bool) -> dict[str, Path]:
    """The files of an archive, in the cache, from which the archive itself is removed in the end."""
    with suppress(OSError, ValueError):
        return _in_cache(data)
    packed = data.release("")
    try:
        _unpack(fetch(packed, progress=progress, remedy=REMEDY, check=_check_archive), data)
    finally:
        forget(packed)  # the hashes of its files decide, not how they were packed
    return _in_cache(data)


def _in_cache(data: DataSet) -> dict[str, Path]:
    return {file: check_hash(cached_file(data.url(file)), sha256) for file, sha256 in data.sha256.items()}


def _unpack(archive: Path, data: DataSet) -> None:
    """Keep the files of an archive, from whichever of its folders."""
    with tarfile.open(archive) as opened, TemporaryDirectory() as folder:
        members = {PurePosixPath(member.name).name: member for member in opened if member.isfile()}
        if absent := data.sha256.keys() - members.keys():
            raise ConnectionError(f"what arrived from {data.url('')} has no {', '.join(sorted(absent))}\n{REMEDY}")
        for file, sha256 in data.sha256.items():
            content = opened.extractfile(members[file])
            (place := Path(folder) / file).write_bytes(content.read() if content else b"")
            keep_copy(check_hash(place, sha256), data.url(file))


def _check_archive(file: Path) -> None:
    if not tarfile.is_tarfile(file):
        raise ValueError(f"{file} is not an archive")


def _data_set(name: str) -> DataSet:
    if name not in DATA_SETS:
        raise ValueError(unknown("data set", name, DATA_SETS))
    return DATA_SETS[name]


def _found(name: str, file: str, data: DataSet, folder: str | Path | None) -> Path:
    """One file, checked."""
    source = folder or os.environ.get("NASTOOLKIT_DATA")
    places = [Path(source) / name / file, Path(source) / file] if source else []
    places += sorted(Path(source).glob(f"*/{name}/{file}")) if source else []
    if folder is None:
        places.append(cached_file(data.url(file)))
    for place in places:
        if place.is_file():
            return check_hash(place, data.sha256[file])
    raise FileNotFoundError(
        f"{file} of {name!r} is not at {' nor at '.join(map(str, places))}.\n"
        f"Download it with `nastoolkit fetch {name}`, or name the folder that has it: NASTOOLKIT_DATA=DIR"
    )

import hashlib
import json
import re
import sys
import tarfile
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from nastoolkit import cli
from nastoolkit.checkpoints.download import PUBLISHED, cached_file
from nastoolkit.published import DATA_SETS, DataSet, fetch_data, find

CONTENTS = {"first.csv": b"a,b\n1,2\n" * 99, "second.csv": b"c\n3\n" * 99}


@dataclass(frozen=True)
class LocalData(DataSet):
    """Data whose originals are at another address."""

    host: str = ""

    def url(self, file):
        return f"{self.host}/{file}"


@pytest.fixture
def local(server, monkeypatch):
    """The name of a data set of two files that a server has."""
    monkeypatch.delenv("NASTOOLKIT_DATA", raising=False)
    server.files |= {f"/{file}": content for file, content in CONTENTS.items()}
    hashes = {file: hashlib.sha256(content).hexdigest() for file, content in CONTENTS.items()}
    monkeypatch.setitem(DATA_SETS, "local", LocalData("o/r", "0" * 40, "f", "MIT", hashes, host=server.url))
    return "local"


def write(folder):
    folder.mkdir(parents=True)
    for file, content in CONTENTS.items():
        (folder / file).write_bytes(content)
    return folder


def read(files):
    return {file: path.read_bytes() for file, path in files.items()}


def fetch_by_command(*arguments):
    result = CliRunner().invoke(cli.app, ["fetch", *map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_manifest_is_that_of_the_originals(data_folder):
    rows = json.loads((data_folder / "manifest.json").read_text())
    rows = [row for row in rows if row["dataset"] in DATA_SETS and row.get("original", True)]
    found = {
        f"{name}/{file}": (data.url(file), data.repository, data.commit, data.licence, sha256)
        for name, data in DATA_SETS.items()
        for file, sha256 in data.sha256.items()
    }
    for row in rows:  # of an archive's member the path alone is known; a licence may have a remark
        archive = f"https://raw.githubusercontent.com/{row['repo']}/{row['commit']}/{row['path'].split()[0]}"
        row |= {"url": row.get("url", f"{archive}/{row['file'].split('/')[-1]}"), "file": row["file"].removeprefix("small/")}
        row["licence"] = row["licence"].split(" ")[0]
    assert found == {r["file"]: (r["url"], r["repo"], r["commit"], r["licence"], r["sha256"]) for r in rows}
    assert {row["dataset"] for row in rows} == set(DATA_SETS)


def test_every_original_is_found(data_folder):
    for name, data in DATA_SETS.items():
        found = find(name, data_folder)
        assert {path.relative_to(path.parents[1]) for path in found.values()} == {Path(name) / file for file in data.sha256}


def test_every_original_has_a_second_place():
    release = DATA_SETS["nas-bench-macro"].release("nas-bench-macro_cifar10.json")
    commit = "61a2bfc2ca0dce04d0997e6cf498047c27d6acf2"
    assert [source.url for source in release.sources] == [
        f"https://raw.githubusercontent.com/xiusu/NAS-Bench-Macro/{commit}/data/nas-bench-macro_cifar10.json",
        f"https://cdn.jsdelivr.net/gh/xiusu/NAS-Bench-Macro@{commit}/data/nas-bench-macro_cifar10.json",
    ]
    for data in DATA_SETS.values():
        for file, sha256 in data.sha256.items():
            assert [source.sha256 for source in data.release(file).sources] == [sha256, sha256]


def test_releases_and_data_share_one_name_space():
    assert not set(PUBLISHED) & set(DATA_SETS)


def test_data_are_downloaded_once_and_found_by_their_name(server, local):
    with pytest.raises(
        FileNotFoundError, match=r"first.csv of 'local' is not at .*\n.*nastoolkit fetch local.*NASTOOLKIT_DATA"
    ):
        find(local)
    files = fetch_data(local, progress=False)
    assert read(files) == read(find(local)) == CONTENTS
    assert fetch_data(local, progress=False) == files and server.asked == ["/first.csv", "/second.csv"]


def test_a_broken_download_goes_on_with_what_is_missing(server, local, monkeypatch):
    whole = LocalData.url
    monkeypatch.setattr(LocalData, "url", lambda self, file: f"{self.host}{'/cut' * (file == 'second.csv')}/{file}")
    with pytest.raises(ConnectionError, match="second.csv could not be downloaded .*nothing of it was kept(.|\n)*--from DIR"):
        fetch_data(local, progress=False)
    monkeypatch.setattr(LocalData, "url", whole)
    assert read(fetch_data(local, progress=False)) == CONTENTS
    assert server.asked == ["/first.csv", "/cut/second.csv", "/second.csv"]


def test_another_file_than_the_published_one_is_not_kept(server, local):
    server.files["/first.csv"] = b"changed"
    with pytest.raises(ConnectionError, match="first.csv.*hash"):
        fetch_data(local, progress=False)
    with pytest.raises(FileNotFoundError):
        find(local)


@pytest.fixture
def archived(server, local, monkeypatch):
    """The same data as files of an archive; a function that puts other contents into it."""

    def write(contents):
        with tarfile.open(fileobj=(packed := BytesIO()), mode="w:gz") as archive:
            for file, content in contents.items():
                (member := tarfile.TarInfo(f"folder/{file}")).size = len(content)
                archive.addfile(member, BytesIO(content))
        server.files["/all.tar.gz"] = packed.getvalue()

    monkeypatch.setitem(DATA_SETS, local, replace(InArchive(**vars(DATA_SETS[local])), archive="all.tar.gz"))
    return write


class InArchive(LocalData):
    """Data whose originals are in an archive at another address."""

    def url(self, file):
        return f"{self.host}/{self.archive}/{file}"


def test_an_archive_is_unpacked_and_downloaded_once(server, local, archived, tmp_path):
    archived({"readme.txt": b"more", **CONTENTS})
    files = fetch_data(local, progress=False)
    assert read(files) == read(find(local)) == CONTENTS
    assert fetch_data(local, progress=False) == files and server.asked == ["/all.tar.gz"]
    assert sorted(files.values()) == sorted((tmp_path / "cache").iterdir())
    files["first.csv"].write_bytes(b"changed")
    assert read(fetch_data(local, progress=False)) == CONTENTS and len(server.asked) == 2


@pytest.mark.parametrize(
    ("contents", "error", "message"),
    [
        ({"first.csv": CONTENTS["first.csv"]}, ConnectionError, "all.tar.gz/ has no second.csv\n.*--from DIR"),
        (CONTENTS | {"second.csv": b"c"}, ValueError, "second.csv is not the published file"),
        (None, ConnectionError, "all.tar.gz could not be downloaded.*what arrived is not an archive"),
    ],
)
def test_an_archive_of_something_else_is_told_and_not_kept(server, local, archived, tmp_path, contents, error, message):
    server.files["/all.tar.gz"] = b"<html>"
    if contents:
        archived(contents)
    with pytest.raises(error, match=message):
        fetch_data(local, progress=False)
    assert not list((tmp_path / "cache").glob("*all.tar.gz"))
    with pytest.raises(FileNotFoundError):
        find(local)


@pytest.mark.parametrize("place", ["data", "data/local", "data/small/local"])
def test_data_are_taken_from_a_folder(server, local, tmp_path, monkeypatch, place):
    folder = write(tmp_path / place)
    expected = {file: folder / file for file in CONTENTS}
    assert find(local, tmp_path / "data") == expected
    monkeypatch.setenv("NASTOOLKIT_DATA", str(tmp_path / "data"))
    assert find(local) == expected
    copies = fetch_data(local, tmp_path / "data")
    monkeypatch.delenv("NASTOOLKIT_DATA")
    assert find(local) == copies and read(copies) == CONTENTS
    assert not server.asked and not list((tmp_path / "cache").glob("*.part"))


def test_a_changed_file_is_named(server, local, tmp_path, monkeypatch):
    folder = write(tmp_path / "data")
    (folder / "second.csv").write_bytes(b"c\n4\n")
    with pytest.raises(ValueError, match=r"data/second.csv is not the published file: its sha256 is \w+, not \w+"):
        find(local, folder)
    with pytest.raises(ValueError, match="second.csv"):
        fetch_data(local, folder)
    cached = fetch_data(local, progress=False)["first.csv"]
    cached.write_bytes(b"changed")
    with pytest.raises(ValueError, match="first.csv is not the published file"):
        find(local)
    assert read(fetch_data(local, progress=False)) == CONTENTS


def test_a_folder_that_is_named_must_have_the_files(server, local, tmp_path, monkeypatch):
    fetch_data(local, progress=False)
    with pytest.raises(FileNotFoundError, match="nowhere/local/first.csv nor at .*nowhere/first.csv"):
        find(local, tmp_path / "nowhere")
    monkeypatch.setenv("NASTOOLKIT_DATA", str(tmp_path / "nowhere"))
    assert read(find(local)) == CONTENTS


def test_unknown_data_are_told_with_what_is_known():
    for look in (find, fetch_data):
        with pytest.raises(ValueError, match="unknown data set 'hat'; known: hat-latency, ofa-note10-lut"):
            look("hat")


def test_the_command_fetches_data(server, local, tmp_path):
    found = fetch_by_command(local)
    assert found.keys() == {"files", "bytes", "source", "licence"} and found["licence"] == "MIT"
    assert found["bytes"] == sum(map(len, CONTENTS.values())) and found["files"] == list(map(str, find(local).values()))
    assert fetch_by_command(local, "--from", write(tmp_path / "data")) == found


def test_the_command_takes_a_release_from_a_folder(server, tmp_path):
    torch.save({"state_dict": {"input_stem.0.conv.weight": torch.ones(1)}}, tmp_path / "ofa_supernet_resnet50")
    weights = (tmp_path / "ofa_supernet_resnet50").read_bytes()
    found = fetch_by_command("ofa-resnet50", "--from", tmp_path)
    url = PUBLISHED["ofa-resnet50"].url
    assert found == {"file": str(cached_file(url)), "bytes": len(weights), "url": url}
    assert cached_file(url).read_bytes() == weights and not server.asked


def test_the_command_takes_no_other_release_than_the_first(server, tmp_path):
    for number in (1.0, 2.0):
        torch.save({"state_dict": {"input_stem.0.conv.weight": torch.full((1,), number)}}, tmp_path / "ofa_supernet_resnet50")
        result = CliRunner().invoke(cli.app, ["fetch", "ofa-resnet50", "--from", str(tmp_path)])
        assert result.exit_code == (number == 2.0)
    assert "ofa_supernet_resnet50 differs from the first download" in str(result.exception)


def test_a_folder_that_has_no_checkpoint_under_the_name_is_told(server, tmp_path):
    (tmp_path / "ofa_supernet_resnet50").write_bytes(b"<html>")
    result = CliRunner().invoke(cli.app, ["fetch", "ofa-resnet50", "--from", str(tmp_path)])
    assert "ofa_supernet_resnet50 is not a readable checkpoint: it is a web page" in str(result.exception)
    assert not cached_file(PUBLISHED["ofa-resnet50"].url).exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("resnet",),
            "'resnet', did you mean 'ofa-resnet50'.; known: ofa-mbv3-w1.0.*hat-latency",
        ),
        (("ofa-resnet50", "--from", "nowhere"), "nowhere/ofa_supernet_resnet50"),
        (("hat-latency", "--from", "nowhere"), "iwslt14deen_gpu_titanxp_all.csv"),
    ],
)
def test_what_cannot_be_fetched_is_told(monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(sys, "argv", ["nastoolkit", "fetch", *arguments])
    with pytest.raises(SystemExit):
        cli.main()
    told = " ".join(re.sub(r"[│╭╮╰╯─]", " ", capsys.readouterr().err).split())
    assert re.search(message, told) and "Traceback" not in told

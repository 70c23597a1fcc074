import hashlib
import io

import pytest
import torch
from safetensors.torch import save
from typer.testing import CliRunner

from nastoolkit import cli
from nastoolkit.checkpoints import CheckpointError, read_checkpoint, write_checkpoint
from nastoolkit.checkpoints.download import PUBLISHED, Release, cached_file, fetch, hash_record
from nastoolkit.families import FAMILIES
from nastoolkit.supernets import Supernet, load_supernet

CONTENT = save({"first_conv.bn.bias": torch.arange(64_000.0)})
PAGE = b"<!DOCTYPE html>\n<html><body>Too many requests</body></html>"


def pickled(**how):
    file = io.BytesIO()
    torch.save({"state_dict": {"first_conv.bn.bias": torch.arange(64_000.0)}}, file, **how)
    return file.getvalue()


def kept(tmp_path):
    """Everything in the cache but the hashes of first downloads."""
    folder = tmp_path / "cache"
    return [file for file in folder.iterdir() if file.suffix != ".sha256"] if folder.exists() else []


def sha256_of(content):
    return hashlib.sha256(content).hexdigest()


def test_a_file_is_downloaded_once(server, tmp_path):
    server.files["/weights.bin"] = CONTENT
    url, sha256 = f"{server.url}/weights.bin", hashlib.sha256(CONTENT).hexdigest()
    file = fetch(url, sha256, progress=False)
    assert file.read_bytes() == CONTENT and kept(tmp_path) == [file] == [cached_file(url)]
    assert fetch(url, progress=False) == file and server.asked == ["/weights.bin"]


def test_a_download_that_is_cut_off_leaves_nothing(server, tmp_path):
    server.files["/weights.bin"] = CONTENT
    with pytest.raises(ConnectionError, match="weights.bin could not be downloaded from .*nothing of it was kept"):
        fetch(f"{server.url}/cut/weights.bin", progress=False)
    assert kept(tmp_path) == []


@pytest.mark.parametrize("content", [CONTENT, pickled(), pickled(_use_new_zipfile_serialization=False)])
@pytest.mark.parametrize("cut", ["/cut", "/broken"])
def test_a_download_that_breaks_off_leaves_nothing(server, tmp_path, content, cut):
    server.files["/weights.bin"] = content
    url = f"{server.url}{cut}/weights.bin"
    with pytest.raises(ConnectionError, match=f"weights.bin could not be downloaded from {url}, and nothing of it was kept: "):
        fetch(url, progress=False)
    assert kept(tmp_path) == []
    assert fetch(f"{server.url}/weights.bin", progress=False).read_bytes() == content


def test_a_page_in_place_of_the_file_is_told_and_not_kept(server, tmp_path):
    server.files["/weights.bin"] = PAGE
    told = "weights.bin could not be downloaded from .*: what arrived is .* checkpoint: it is a web page\n.*Try"
    with pytest.raises(ConnectionError, match=told):
        load_supernet("digits-mbv3", f"{server.url}/weights.bin")
    result = CliRunner().invoke(cli.app, ["fetch", f"{server.url}/weights.bin"])
    assert result.exit_code == 1 and isinstance(result.exception, ConnectionError)
    assert kept(tmp_path) == []


def test_a_page_that_was_kept_once_is_fetched_anew(server):
    url = f"{server.url}/weights.bin"
    cached_file(url).parent.mkdir(parents=True)
    cached_file(url).write_bytes(PAGE)
    server.files["/weights.bin"] = CONTENT
    assert fetch(url, progress=False).read_bytes() == CONTENT


def test_addresses_that_differ_in_their_query_alone_share_no_file(server):
    for number in (1, 2):
        server.files[f"/uc?id={number}"] = save({"first_conv.bn.bias": torch.full((3,), float(number))})
    files = [fetch(f"{server.url}/uc?id={number}", progress=False) for number in (1, 2)]
    assert [read_checkpoint(file)[0]["stem.bn.bias"][0] for file in files] == [1.0, 2.0]


def test_another_file_than_the_published_one_leaves_nothing(server, tmp_path):
    server.files["/weights.bin"] = CONTENT
    with pytest.raises(ConnectionError, match="hash"):
        fetch(f"{server.url}/weights.bin", "0" * 64, progress=False)
    assert kept(tmp_path) == []


def test_the_first_download_says_what_later_ones_must_be(server, tmp_path):
    url = f"{server.url}/weights.bin"
    server.files["/weights.bin"] = CONTENT
    file = fetch(url, progress=False)
    assert hash_record(url).read_text() == f"{sha256_of(CONTENT)}  {file.name}\n"  # as sha256sum --check reads it
    file.unlink()
    server.files["/weights.bin"] = pickled()
    told = f"what arrived differs from the first download: its sha256 is {sha256_of(pickled())}, and was {sha256_of(CONTENT)}"
    with pytest.raises(ConnectionError, match=f"{told}. If the new file is the right one, remove {hash_record(url)}"):
        fetch(url, progress=False)
    assert kept(tmp_path) == []
    hash_record(url).unlink()
    assert fetch(url, progress=False).read_bytes() == pickled()


def test_a_kept_file_that_changed_is_fetched_again(server):
    url = f"{server.url}/weights.bin"
    server.files["/weights.bin"] = CONTENT
    fetch(url, progress=False).write_bytes(pickled())
    assert fetch(url, progress=False).read_bytes() == CONTENT and len(server.asked) == 2


def test_a_file_that_was_kept_before_hashes_were_stays(server):
    url = f"{server.url}/weights.bin"
    cached_file(url).parent.mkdir(parents=True)
    cached_file(url).write_bytes(CONTENT)
    assert fetch(url, progress=False).read_bytes() == CONTENT and server.asked == []
    assert hash_record(url).read_text().startswith(sha256_of(CONTENT))


@pytest.mark.parametrize("first", [b"", PAGE, CONTENT[:-1]])
def test_the_second_place_is_asked_if_the_first_has_no_such_file(server, first):
    server.files |= {"/first.bin": first, "/second.bin": CONTENT} if first else {"/second.bin": CONTENT}
    release = Release(f"{server.url}/first.bin", second=Release(f"{server.url}/second.bin", sha256_of(CONTENT)))
    for _ in range(2):
        assert fetch(release, progress=False) == cached_file(release.url)
    assert cached_file(release.url).read_bytes() == CONTENT and server.asked == ["/first.bin", "/second.bin"]


def test_if_no_place_has_the_file_each_is_told(server, tmp_path):
    server.files["/second.bin"] = CONTENT
    release = Release(f"{server.url}/first.bin", "0" * 64, Release(f"{server.url}/second.bin", "1" * 64))
    with pytest.raises(
        ConnectionError, match="first.bin could not be downloaded from .*first.bin.*404(.|\n)*nor from .*second.bin"
    ):
        fetch(release, progress=False)
    assert kept(tmp_path) == []


def test_a_mirror_of_the_hub_is_asked_and_the_file_keeps_its_name(server, monkeypatch):
    server.files["/google/weights.bin"] = CONTENT
    monkeypatch.setenv("HF_ENDPOINT", f"{server.url}/")
    url = "https://huggingface.co/google/weights.bin"
    assert fetch(url, progress=False) == cached_file(url) and server.asked == ["/google/weights.bin"]
    assert Release("https://huggingface.company.com/a").address == "https://huggingface.company.com/a"


def test_a_missing_file_and_a_missing_server_are_told(server):
    with pytest.raises(ConnectionError, match="404"):
        fetch(f"{server.url}/nothing", progress=False)
    with pytest.raises(ConnectionError, match="give its path as checkpoint"):
        fetch("http://127.0.0.1:9/weights.bin", progress=False)


def test_a_supernet_loads_from_an_address(server, tmp_path, tiny):
    supernet = Supernet(FAMILIES["digits-mbv3"]())
    file = write_checkpoint(tmp_path / "mine.safetensors", supernet.shared.state_dict(), {})
    server.files["/mine.safetensors"] = file.read_bytes()
    loaded = load_supernet("digits-mbv3", f"{server.url}/mine.safetensors")
    assert loaded.fingerprint == supernet.fingerprint


def test_a_fetched_release_is_what_the_name_alone_loads(server, tmp_path, monkeypatch):
    with pytest.raises(CheckpointError, match="nastoolkit fetch ofa-resnet50"):
        load_supernet("ofa-resnet50")
    file = cached_file(PUBLISHED["ofa-resnet50"].url)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"cut off")
    with pytest.raises(CheckpointError, match="ofa_supernet_resnet50 is not a readable checkpoint"):
        load_supernet("ofa-resnet50")


def test_every_release_is_a_family_and_has_an_address_of_its_own():
    assert set(PUBLISHED) <= set(FAMILIES)
    assert len({release.url for release in PUBLISHED.values()}) == len(PUBLISHED)
    assert all(source.url.startswith("https://") for release in PUBLISHED.values() for source in release.sources)

"""Checkpoints that mean harm, or are broken: refused in one sentence, no code run, little memory taken, nothing written."""

import io
import json
import os
import pickle
import zipfile
from functools import partial

import pytest
import torch
from fuzz import forget_peak, peak_mb
from safetensors.torch import load_file, save_file

from nastoolkit.checkpoints import CheckpointError, read_checkpoint
from nastoolkit.families import FAMILIES
from nastoolkit.supernets import load_supernet, save_supernet

MOST_MB = 200


@pytest.fixture
def refused(monkeypatch, tiny):
    """Asserts that a checkpoint is refused for a reason, and takes little memory."""
    monkeypatch.setitem(FAMILIES, "tiny", lambda: tiny)

    def check(path, reason, family="tiny"):
        forget_peak()
        before = peak_mb()
        with pytest.raises(CheckpointError, match=reason) as error:
            load_supernet(family, path)
        assert peak_mb() - before < MOST_MB
        return str(error.value)

    return check


@pytest.fixture
def good(tmp_path, tiny, supernet_of):
    """A whole checkpoint of the family ``tiny``."""
    return save_supernet(supernet_of(tiny), tmp_path / "net.safetensors")


class Canary:
    """Makes a file when it is unpickled."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.mkdir, (str(self.file),)


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"state_dict": {"a": x}}, lambda x: [x], lambda x: {"model": x}])
@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("net.pt", torch.save),
        ("net.pth", partial(torch.save, _use_new_zipfile_serialization=False)),
        ("net.bin", lambda content, path: path.write_bytes(pickle.dumps(content))),
        ("net.safetensors", torch.save),
    ],
)
def test_pickled_code_is_never_run(tmp_path, refused, name, save, wrap):
    canary = tmp_path / "canary"
    save(wrap(Canary(canary)), tmp_path / name)
    refused(tmp_path / name, "is not a readable checkpoint")
    assert not canary.exists()
    pickle.loads(pickle.dumps(Canary(canary)))  # the canary is a real one
    assert canary.exists()


def rezipped(content, path, change, compression=zipfile.ZIP_STORED):
    """An archive with names and members changed."""
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(path, "w", compression, compresslevel=1) as new:
        for member in old.infolist():
            new.writestr(*change(member.filename, old.read(member)))


def saved(content, **how):
    file = io.BytesIO()
    torch.save(content, file, **how)
    return file.getvalue()


def test_a_zip_bomb_is_not_unpacked(tmp_path, refused):
    def blow_up(name, data):
        return name, bytes(260_000_000) if name.endswith("data/0") else data

    rezipped(saved({"x": torch.zeros(65_000_000, dtype=torch.uint8)}), tmp_path / "net.pt", blow_up, zipfile.ZIP_DEFLATED)
    assert (tmp_path / "net.pt").stat().st_size < 5_000_000
    assert "more than it has" in refused(tmp_path / "net.pt", "would unpack to 26[0-9,]* bytes")


@pytest.mark.parametrize("n_bytes", [5 * 10**9, 2**63, 2**64 - 1])
def test_a_header_that_is_longer_than_the_file_is_not_waited_for(tmp_path, refused, good, n_bytes):
    good.write_bytes(n_bytes.to_bytes(8, "little") + good.read_bytes()[8:])
    refused(good, "is not a readable checkpoint")


def test_a_tensor_that_is_longer_than_the_file_takes_no_memory(tmp_path, refused):
    content = saved({"x": torch.zeros(7)}, _use_new_zipfile_serialization=False)
    (tmp_path / "net.pt").write_bytes(content.replace(b"K\x07", b"J\x00\xca\x9a\x3b"))  # 7 becomes a billion
    refused(tmp_path / "net.pt", "is not a readable checkpoint|more than it has")


def test_one_number_a_billion_times_is_no_embedding(tmp_path, refused):
    names = ("bert.embeddings.word_embeddings.weight", "bert.encoder.layer.0.output.dense.weight")
    torch.save(dict.fromkeys(names, torch.zeros(1, 1).expand(10**8, 768)), tmp_path / "net.bin")
    refused(tmp_path / "net.bin", "does not hold the values of its tensor 'bert.embeddings.word", "bert-base")


def test_an_empty_tensor_with_a_billion_rows_makes_no_large_network(tmp_path, refused):
    names = ("bert.embeddings.word_embeddings.weight", "bert.encoder.layer.0.output.dense.weight")
    save_file({name: torch.zeros(10**9, 0) for name in names}, tmp_path / "net.safetensors")
    refused(tmp_path / "net.safetensors", "embeddings.tokens.weight has shape .1000000000, 0., not", "bert-base")


@pytest.mark.parametrize("make", [lambda: torch.zeros(3, device="meta"), lambda: torch.eye(3).to_sparse()])
def test_a_tensor_without_ordinary_memory_is_refused(tmp_path, refused, make):
    torch.save({"state_dict": {"x": make()}}, tmp_path / "net.pt")
    refused(tmp_path / "net.pt", "does not hold the values of its tensor 'x'|is not a readable checkpoint")


@pytest.mark.parametrize(
    "name", ["../secret.safetensors", "/etc/passwd", "inner/x.safetensors", "..", "x" * 5000, "a\x00b", ""]
)
def test_an_index_leads_to_no_other_folder(tmp_path, refused, name):
    (tmp_path / "model").mkdir()
    save_file({"x": torch.zeros(1)}, tmp_path / "secret.safetensors")
    (tmp_path / "model" / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"x": name}}))
    refused(tmp_path / "model", "lists no files of weights|is not a readable|there is no file")


def test_names_in_an_archive_lead_nowhere(tmp_path, refused):
    (tmp_path / "inner").mkdir()
    rezipped(saved({"x": torch.zeros(3)}), tmp_path / "inner" / "net.pt", lambda name, data: (f"../../{name}", data))
    refused(tmp_path / "inner" / "net.pt", "is not a readable checkpoint|has an unknown format|does not fit")
    assert [path.name for path in tmp_path.rglob("*")] == ["inner", "net.pt"]


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_a_weight_that_is_no_number_is_named(refused, good, bad):
    tensors = load_file(good)
    tensors["stem.conv.weight"][0, 0, 1, 1] = bad
    save_file(tensors, good)
    complaint = refused(good, "stem.conv.weight holds NaN or infinity")
    assert complaint.count("\n") == 1


def test_of_very_many_misfits_the_first_are_named(refused, good):
    tensors = load_file(good)
    save_file({name: tensor.flatten()[:0] for name, tensor in tensors.items()}, good)
    first, *named, rest = refused(good, "does not fit this family").splitlines()
    assert len(named) == 20 and named == sorted(named)
    assert rest == f"  and {len(tensors) - 20} more"


def test_a_weight_of_another_type_is_named(refused, good):
    tensors = load_file(good)
    tensors["stem.conv.weight"] = tensors["stem.conv.weight"].to(torch.int32)
    tensors["stem.bn.bias"] = tensors["stem.bn.bias"].to(torch.complex64)
    tensors["stem.bn.num_batches_tracked"] = torch.tensor(1.5)
    save_file(tensors, good)
    complaint = refused(good, "does not fit this family")
    assert "stem.conv.weight holds torch.int32, not torch.float32" in complaint
    assert "stem.bn.bias holds torch.complex64" in complaint and "num_batches_tracked holds torch.float32" in complaint


@pytest.mark.parametrize("sharing", [["slice"], {"a": 1}, None, 3])
def test_a_sharing_rule_that_is_no_text_is_told(tmp_path, refused, tiny, supernet_of, sharing):
    refused(save_supernet(supernet_of(tiny), tmp_path / "net.safetensors", {"sharing": sharing}), "needs sharing rule")


def test_what_is_no_weight_is_left_aside(tmp_path, good):
    tensors = {"first_conv.bn.bias": torch.ones(2)}
    torch.save({"state_dict": {**tensors, 3: torch.zeros(1), "epoch": 7, "names": ["a"]}}, tmp_path / "net.pt")
    found, _ = read_checkpoint(tmp_path / "net.pt")
    assert list(found) == ["stem.bn.bias"] and torch.equal(found["stem.bn.bias"], torch.ones(2))

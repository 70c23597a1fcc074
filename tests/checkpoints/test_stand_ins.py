"""Files of trainers that keep more than weights: the weights are read, the rest is neither imported nor run."""

import argparse
import datetime
import enum
import sys
import types
from collections import defaultdict, deque
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import torch
from torch.optim.swa_utils import AveragedModel

from nastoolkit.checkpoints import CheckpointError, read_checkpoint
from nastoolkit.checkpoints.stand_ins import StandIn, load
from nastoolkit.families import FAMILIES
from nastoolkit.supernets import load_supernet, save_supernet

WAYS = [torch.save, partial(torch.save, _use_new_zipfile_serialization=False)]
STATE = {"first_conv.bn.bias": torch.arange(3.0), "blocks.1.conv.point_linear.conv.conv.weight": torch.ones(2, 3)}
NAMES = ["stem.bn.bias", "stage1.block1.project.conv.weight"]


@pytest.fixture
def trainer(monkeypatch):
    """The modules of a trainer, which are gone when its files are read."""
    module = types.ModuleType("fairseq.meters")
    monkeypatch.setitem(sys.modules, "fairseq", types.ModuleType("fairseq"))
    monkeypatch.setitem(sys.modules, "fairseq.meters", module)

    def define(name, *bases):
        made = type(name, bases, {"__module__": "fairseq.meters"})
        setattr(module, name, made)
        return made

    yield define
    assert "fairseq.meters" not in sys.modules


def forget():
    del sys.modules["fairseq.meters"], sys.modules["fairseq"]


@pytest.mark.parametrize("save", WAYS)
def test_meters_and_other_objects_beside_the_weights_are_left_aside(tmp_path, trainer, save):
    meter, config, names = trainer("AverageMeter")(), trainer("CfgNode", dict)(lr=1e-3), trainer("Names", list)("ab")
    meter.val, meter.sum = np.float64(3.5), torch.ones(2)
    config.frozen = True
    mode = enum.Enum("Mode", ["A", "B"], module="fairseq.meters")
    sys.modules["fairseq.meters"].Mode = mode
    counts = defaultdict(list, a=[1])
    extra = [meter, config, names, mode.B, counts, deque([1, 2]), {1, 2}, 3j, b"bytes", 10**30, np.arange(3), np.float32(1)]
    extra += [Path("a/b"), datetime.datetime(2026, 1, 1), slice(1, 2), range(3), argparse.Namespace(a=meter), torch.float16]
    extra += [print, np.random.default_rng(0), torch.Generator().get_state(), partial(print, 1), type(meter)]
    save(
        {"args": argparse.Namespace(lr=[1e-7]), "extra_state": {"train_meters": {"wps": meter}, "all": extra}, "model": STATE},
        tmp_path / "x.pt",
    )
    forget()
    tensors, card = read_checkpoint(tmp_path / "x.pt")
    assert list(tensors) == NAMES and card["format"] == "once-for-all"
    assert torch.equal(tensors["stem.bn.bias"], torch.arange(3.0))


@pytest.mark.parametrize("save", WAYS)
def test_what_stands_in_has_a_name_and_nothing_else(tmp_path, trainer, save):
    meter = trainer("AverageMeter")()
    meter.val, meter.children = 3, [meter]
    save({"meter": meter, "items": trainer("CfgNode", dict)(lr=1e-3)}, tmp_path / "x.pt")
    forget()
    read = load(tmp_path / "x.pt")
    assert type(read["meter"]).__name__ == "fairseq.meters.AverageMeter" and isinstance(read["meter"], StandIn)
    assert not vars(read["meter"]) and read["items"] == {"lr": 1e-3}


class Trap:
    """Leaves a file when it is made, called, or given its state."""

    def __init__(self, function, *arguments):
        self.called = function, arguments

    def __reduce__(self):
        return self.called


SPRUNG = []


class OnState:
    def __setstate__(self, state):
        SPRUNG.append(state)


class OnNew:
    def __new__(cls, *arguments):
        SPRUNG.append(arguments)
        return super().__new__(cls)

    def __getnewargs__(self):
        return (1,)


@pytest.mark.parametrize("save", WAYS)
def test_code_beside_the_weights_is_not_run(tmp_path, save):
    canary, state = tmp_path / "canary", OnState()
    state.x = 1
    code = f"open({str(canary)!r}, 'w')"
    traps = [Trap(eval, code), Trap(exec, code), Trap(getattr, "", "x"), Trap(open, str(canary), "w"), state, OnNew()]
    for trap in traps:
        SPRUNG.clear()
        save({"state_dict": STATE, "trap": trap}, tmp_path / "x.pt")
        SPRUNG.clear()
        assert list(read_checkpoint(tmp_path / "x.pt")[0]) == NAMES
        assert not canary.exists() and not SPRUNG


CALLS = {"touch": (Path.touch,), "exit": (sys.exit,), "load": (torch.load,), "hub": (torch.hub.load, "x")}


@pytest.mark.parametrize("trap", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("save", WAYS)
def test_what_might_be_called_is_not(tmp_path, save, trap):
    canary = tmp_path / "canary"
    save({"state_dict": STATE, "trap": Trap(*trap, canary)}, tmp_path / "x.pt")
    with suppress(CheckpointError):
        read_checkpoint(tmp_path / "x.pt")
    assert [path.name for path in tmp_path.iterdir()] == ["x.pt"]


@pytest.mark.parametrize("save", WAYS)
def test_a_file_without_weights_tells_what_it_holds(tmp_path, trainer, save):
    save({"epoch": 3, "meters": [trainer("AverageMeter")()]}, tmp_path / "x.pt")
    save(trainer("Net")(), tmp_path / "net.pt")
    forget()
    with pytest.raises(
        CheckpointError, match=r"no tensors by name, but epoch \(int\), meters .list.; Python objects: fairseq.me"
    ):
        read_checkpoint(tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match="no tensors by name, but fairseq.meters.Net"):
        read_checkpoint(tmp_path / "net.pt")


def test_a_file_that_names_thousands_of_objects_is_refused(tmp_path):
    kinds = [type(f"K{i}", (), {"__module__": __name__}) for i in range(600)]
    with pytest.MonkeyPatch.context() as here:
        for kind in kinds:
            here.setattr(sys.modules[__name__], kind.__name__, kind, raising=False)
        torch.save({"model": STATE, "kinds": kinds}, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match="asks for 60[0-9] kinds of Python objects"):
        read_checkpoint(tmp_path / "x.pt")


def test_threads_read_side_by_side(tmp_path, trainer):
    for name in "ab":
        meter = trainer(f"Meter{name}")()
        meter.x = 1
        torch.save({"model": STATE, "meters": [meter] * 50}, tmp_path / f"{name}.pt")
    forget()
    failed = []

    def read(file):
        try:
            for _ in range(20):
                read_checkpoint(file)
        except CheckpointError as error:
            failed.append(error)

    threads = [Thread(target=read, args=[tmp_path / f"{name}.pt"]) for name in "abab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "model_state_dict", "state_dict_ema", "net", None])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "_orig_mod.module.", "backbone."])
def test_wrappers_and_a_common_prefix_are_taken_off(tmp_path, wrapper, prefix):
    state = {f"{prefix}{name}": tensor for name, tensor in STATE.items()}
    torch.save({"epoch": 3, "optimizer": {"state": {0: torch.ones(1)}}, wrapper: state} if wrapper else state, tmp_path / "x")
    tensors, card = read_checkpoint(tmp_path / "x")
    assert list(tensors) == NAMES and card["format"] == "once-for-all"


def test_a_wrapper_that_holds_no_weights_is_passed_over(tmp_path):
    torch.save({"model": "resnet", "net": {"ks": [3]}, "model_state_dict": {"state_dict": STATE}}, tmp_path / "x.pth")
    assert list(read_checkpoint(tmp_path / "x.pth")[0]) == NAMES


@pytest.fixture
def mine(tiny, supernet_of, monkeypatch):
    monkeypatch.setitem(FAMILIES, "tiny", lambda: tiny)
    return supernet_of(tiny)


@pytest.mark.parametrize("name", ["mine", "mine.pt", "mine-w1.0", "mine.safetensors"])
def test_a_file_is_what_its_content_says(tmp_path, mine, name):
    save_supernet(mine, tmp_path / name)
    assert load_supernet("tiny", tmp_path / name).fingerprint == mine.fingerprint
    torch.save(mine.shared.state_dict(), tmp_path / name)
    assert load_supernet("tiny", tmp_path / name).fingerprint == mine.fingerprint


@pytest.mark.parametrize(
    "state",
    [lambda net: net.state_dict(), lambda net: AveragedModel(net).state_dict()],
)
def test_weights_of_ours_that_pytorch_wrapped_load(tmp_path, mine, state):
    torch.save({"net": state(mine)}, tmp_path / "mine")
    assert load_supernet("tiny", tmp_path / "mine").fingerprint == mine.fingerprint


def test_what_is_in_no_known_format_is_named(tmp_path, mine):
    torch.save({"state_dict": {"body.0.weight": torch.ones(1), "head.bias": torch.ones(1)}}, tmp_path / "x.pt")
    with pytest.raises(
        CheckpointError, match="an unknown format; known: ours, once-for-all.*; it holds 2 tensors: body.0.weight, head"
    ):
        load_supernet("tiny", tmp_path / "x.pt")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html>", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "it is a pointer of Git LFS"),
        (b"", "it is empty"),
        (b"weights", "perhaps cut off"),
    ],
)
@pytest.mark.parametrize("name", ["x.pt", "x.safetensors", "x"])
def test_what_is_no_checkpoint_is_told_for_what_it_is(tmp_path, content, told, name):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=f"{name} is not a readable checkpoint: {told}"):
        read_checkpoint(tmp_path / name)

"""Released key names and synthetic weights, loaded here, against what the original supernet code computed with them.

Tolerances are those that come with the golden files: a relative error of the largest logit, over all sub-networks.
"""

import importlib.util
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from nastoolkit.checkpoints.ofa import our_name
from nastoolkit.supernet import calibrate_batchnorm, load_supernet

RELEASED = {"ofa-mbv3-w1.0": "ofa_mbv3_w1.0", "ofa-mbv3-w1.2": "ofa_mbv3_w1.2"}


@cache
def golden(folder: Path, stem: str):
    return json.loads((folder / f"{stem}.json").read_text()), dict(np.load(folder / f"{stem}.npz"))


def released_state(folder: Path, meta):
    """The checkpoint as released: old infix in the names, weights by the folder's own rule."""
    spec = importlib.util.spec_from_file_location("golden_weights", folder / "weights.py")
    rule = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rule)
    keys = [(rule.released_key(key), shape) for key, shape in rule.read_keys(folder / meta["keys_file"])]
    return {key: torch.from_numpy(np.array(array)) for key, array in rule.synthetic_state(keys).items()}


@pytest.fixture(scope="module", params=RELEASED)
def loaded(request, data_folder, tmp_path_factory):
    folder = data_folder / "golden"
    meta, arrays = golden(folder, RELEASED[request.param])
    path = tmp_path_factory.mktemp("released") / meta["supernet"]
    torch.save({"state_dict": released_state(folder, meta)}, path)
    return load_supernet(request.param, path), meta, arrays


def genotype_of(supernet, settings):
    options = {"resolution": settings["r"]}
    for stage, depth in enumerate(settings["d"], start=1):
        options[f"stage{stage}.depth"] = depth
    for number, (kernel, expand) in enumerate(zip(settings["ks"], settings["e"], strict=True)):
        block = f"stage{number // 4 + 1}.block{number % 4 + 1}"
        options |= {f"{block}.kernel": kernel, f"{block}.expand": expand}
    return supernet.family.space.encode(options)


def images(seed, n, resolution):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, 3, resolution, resolution)).astype(np.float32))


def relative_error(ours, theirs):
    return float(np.abs(ours.numpy() - theirs).max() / np.abs(theirs).max())


def test_params_and_macs_are_exact(loaded):
    supernet, meta, _ = loaded
    for settings in meta["subnets"]:
        genotype = genotype_of(supernet, settings)
        assert supernet.family.params(genotype) == settings["params"]
        assert supernet.family.macs(genotype) == settings["macs"]


@torch.inference_mode()
def test_logits_of_every_sub_network(loaded):
    supernet, meta, arrays = loaded
    for settings, logits in zip(meta["subnets"], arrays["logits"], strict=True):
        outputs = supernet(images(settings["seed"], 2, settings["r"]), genotype_of(supernet, settings))
        assert relative_error(outputs, logits) <= 1e-5, settings["id"]


@torch.inference_mode()
def test_calibration_and_logits_after_it(loaded):
    supernet, meta, arrays = loaded
    recalibration = meta["recalibration"]
    for entry, logits in zip(recalibration["subnets"], arrays["recal_logits"], strict=True):
        settings = meta["subnets"][entry["id"]]
        network = supernet.extract(genotype_of(supernet, settings))
        sizes = zip(recalibration["seeds"], recalibration["batch_sizes"], strict=True)
        calibrate_batchnorm(network, [images(seed, n, settings["r"]) for seed, n in sizes])
        statistics = network.state_dict()
        for name, theirs in arrays.items():
            prefix, _, key = name.partition(":")
            if prefix == f"recal_{entry['id']}" and key:
                np.testing.assert_allclose(statistics[our_name(key)].numpy(), theirs, rtol=1e-4, atol=1e-4)
        assert relative_error(network(images(settings["seed"], 2, settings["r"])), logits) <= 2e-4

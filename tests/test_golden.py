"""Released key names and synthetic weights, loaded here, against what the original supernet code computed with them.

Tolerances are those that come with the golden files: a relative error of the largest logit, over all sub-networks.
"""

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nastoolkit.checkpoints import FORMATS
from nastoolkit.supernet import calibrate_batchnorm, load_supernet


def options_of_mobile_nets(settings):
    """Options by name from Once-for-All's lists: kernels and expansions of all blocks, four to a stage; depths of stages."""
    options = {"resolution": settings["r"]}
    for stage, depth in enumerate(settings["d"], start=1):
        options[f"stage{stage}.depth"] = depth
    for number, (kernel, expand) in enumerate(zip(settings["ks"], settings["e"], strict=True)):
        block = f"stage{number // 4 + 1}.block{number % 4 + 1}"
        options |= {f"{block}.kernel": kernel, f"{block}.expand": expand}
    return options


def options_of_resnet50(settings):
    """Options by name from Once-for-All's lists: stem first in depths, and twice in widths, which are indices."""
    widths = [(0.65, 0.8, 1.0)[index] for index in settings["w"]]
    depths = {"stem.depth": settings["d"][0]} | {f"stage{s}.depth": settings["d"][s] for s in range(1, 5)}
    options = {"resolution": settings["r"], "stem.mid_width": widths[0], "stem.width": widths[1], **depths}
    options |= {f"stage{stage}.width": widths[stage + 1] for stage in range(1, 5)}
    blocks = [f"stage{stage}.block{b}" for stage, n_blocks in enumerate((4, 4, 6, 4), start=1) for b in range(1, n_blocks + 1)]
    return options | {f"{block}.expand": expand for block, expand in zip(blocks, settings["e"], strict=True)}


@dataclass(frozen=True)
class Case:
    stem: str
    tolerance: float
    options: Callable[[dict[str, Any]], dict[str, Any]] = options_of_mobile_nets


CASES = {
    "ofa-mbv3-w1.0": Case("ofa_mbv3_w1.0", 1e-5),
    "ofa-mbv3-w1.2": Case("ofa_mbv3_w1.2", 1e-5),
    "ofa-proxyless-w1.3": Case("ofa_proxyless_w1.3", 5e-5),  # its activations, cut at 6, magnify rounding
    "ofa-resnet50": Case("ofa_resnet50", 1e-5, options_of_resnet50),
}


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


@pytest.fixture(scope="module", params=CASES)
def loaded(request, data_folder, tmp_path_factory):
    folder = data_folder / "golden"
    meta, arrays = golden(folder, CASES[request.param].stem)
    path, state = tmp_path_factory.mktemp("released") / meta["supernet"], released_state(folder, meta)
    torch.save({"state_dict": state}, path)
    supernet = load_supernet(request.param, path)
    path.unlink()
    return supernet, meta, arrays, next(released for released in FORMATS.values() if released.recognise(state))


def genotype_of(supernet, settings):
    return supernet.family.space.encode(CASES[supernet.family.name].options(settings))


def images(seed, n, resolution):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, 3, resolution, resolution)).astype(np.float32))


def relative_error(ours, theirs):
    return float(np.abs(ours.numpy() - theirs).max() / np.abs(theirs).max())


def test_params_and_macs_are_exact(loaded):
    supernet, meta, *_ = loaded
    for settings in meta["subnets"]:
        genotype = genotype_of(supernet, settings)
        assert supernet.family.params(genotype) == settings["params"]
        assert supernet.family.macs(genotype) == settings["macs"]


@torch.inference_mode()
def test_logits_of_every_sub_network(loaded):
    supernet, meta, arrays, _ = loaded
    for settings, logits in zip(meta["subnets"], arrays["logits"], strict=True):
        outputs = supernet(images(settings["seed"], 2, settings["r"]), genotype_of(supernet, settings))
        assert relative_error(outputs, logits) <= CASES[supernet.family.name].tolerance, settings["id"]


@torch.inference_mode()
def test_calibration_and_logits_after_it(loaded):
    supernet, meta, arrays, released = loaded
    recalibration = meta["recalibration"]
    for entry, logits in zip(recalibration["subnets"], arrays["recal_logits"], strict=True):
        settings = meta["subnets"][entry["id"]]
        network = supernet.extract(genotype_of(supernet, settings))
        sizes = zip(recalibration["seeds"], recalibration["batch_sizes"], strict=True)
        calibrate_batchnorm(network, [images(seed, n, settings["r"]) for seed, n in sizes])
        ours = network.state_dict()
        for key, theirs in released.translate(recalibrated(entry, arrays)).items():
            statistic = ours[key].numpy() if theirs.ndim else ours[key].numpy().mean()
            np.testing.assert_allclose(statistic, theirs, rtol=1e-4, atol=1e-4, err_msg=key)
        assert relative_error(network(images(settings["seed"], 2, settings["r"])), logits) <= 2e-4


def recalibrated(entry, arrays):
    """Statistics by released keys: of four layers whole vectors, of all others their means."""
    statistics, prefix = {}, f"recal_{entry['id']}"
    for (layer, _), (mean, var) in zip(entry["bn_layers"], arrays[f"{prefix}_summary"], strict=True):
        statistics |= {f"{layer}.running_mean": mean, f"{layer}.running_var": var}
    return statistics | {key.removeprefix(f"{prefix}:"): a for key, a in arrays.items() if key.startswith(f"{prefix}:")}

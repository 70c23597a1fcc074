"""Released key names and synthetic weights, loaded here, against what the original supernet code computed with them.

Tolerances are those that come with the golden files: a relative error of the largest logit, over all sub-networks.
"""

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nastoolkit.blocks import Inputs
from nastoolkit.checkpoints import FORMATS
from nastoolkit.supernets import calibrate_batchnorm, load_supernet


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


def options_of_hat(settings):
    """Options by name from HAT's lists, of which those of the decoder are as long as its greatest depth."""
    options, names = {}, {"encoder_self_attention": "heads", "decoder_self_attention": "self_heads"}
    names |= {"decoder_ende_attention": "cross_heads", "decoder_arbitrary_ende_attn": "cross_attention"}
    for side, theirs in settings["config"].items():
        for name, value in theirs.items():
            if isinstance(value, int):
                options[f"{side}.layers" if "layer_num" in name else f"{side}.embed_dim"] = value
            else:
                ours = names.get(name.removesuffix("_heads"), "ffn")
                options |= {f"{side}.layer{number}.{ours}": option for number, option in enumerate(value, start=1)}
    return options


def options_of_encoders(settings):
    """Options by name from DyNAS-T's lists, which are as long as its greatest depth."""
    options = {"layers": settings["num_layers"]}
    lists = zip(settings["num_attention_heads"], settings["intermediate_sizes"], strict=True)
    for number, (heads, ffn) in enumerate(lists, start=1):
        options |= {f"layer{number}.heads": heads, f"layer{number}.ffn": ffn}
    return options


def images(seed, n, resolution):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, 3, resolution, resolution)).astype(np.float32))


def two_images(settings, arrays):
    return images(settings["seed"], 2, settings["r"])


def two_large_images(settings, arrays):
    return images(settings["seed"], 2, 224)


def texts(settings, arrays):
    """One of full length in two segments, one padded."""
    return tuple(torch.from_numpy(arrays[name]) for name in ("input_ids", "attention_mask", "token_type_ids"))


def source_and_target(settings, arrays):
    return tuple(torch.from_numpy(arrays[name].astype(np.int64)) for name in ("src", "tgt"))


def encoder_out(network, inputs):
    """The golden file has time first, and 32 channels."""
    return {"encoder_out": network.encode(inputs[0])[-1].transpose(0, 1)[..., :32]}


def statistics_of_layers(network, inputs):
    """Mean and standard deviation of what comes out of every layer, zeros for layers that are not there."""
    seen = []
    for layer in network.encoder:
        layer.register_forward_hook(lambda _, __, x: seen.append(torch.stack([x.mean(), x.std(correction=0)])))
    network(inputs)
    return {"trace": torch.cat([torch.stack(seen), torch.zeros(12 - len(seen), 2)])}


def pooled_and_last_hidden(network, inputs):
    """The golden file has 32 channels of what comes out of the last layer."""
    seen = {}
    network.pooler.register_forward_hook(lambda _, tokens, pooled: seen.update(last_hidden=tokens[0][..., :32], pooled=pooled))
    network(inputs)
    return seen


@dataclass(frozen=True)
class Case:
    """How the golden files of one supernet are read.

    Attributes:
        stem: Of the files' names.
        tolerance: Relative error of the largest output, over all sub-networks.
        options: Options by name from a sub-network's settings.
        inputs: What networks take, from the settings and all arrays.
        features: What else is compared: from an extracted network and its inputs, tensors by the names of golden arrays.
        counts: Exact costs: our method, their name.
        lengths: Fields of the family's table in the golden run, which the costs depend on.
        sizes: Of dimensions that the list of keys leaves open.
        wrapper: Under which name the released file has the tensors.
    """

    stem: str
    tolerance: float = 1e-5
    options: Callable[[dict[str, Any]], dict[str, Any]] = options_of_mobile_nets
    inputs: Callable[[dict[str, Any], dict[str, np.ndarray]], Inputs] = two_images
    features: Callable[[nn.Module, Inputs], dict[str, torch.Tensor]] | None = None
    counts: dict[str, str] = field(default_factory=lambda: {"params": "params", "macs": "macs"})
    lengths: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    wrapper: str = "state_dict"


CASES = {
    "ofa-mbv3-w1.0": Case("ofa_mbv3_w1.0"),
    "ofa-mbv3-w1.2": Case("ofa_mbv3_w1.2"),
    "ofa-proxyless-w1.3": Case("ofa_proxyless_w1.3", 5e-5),  # its activations, cut at 6, magnify rounding
    "ofa-resnet50": Case("ofa_resnet50", options=options_of_resnet50),
    "hat-wmt": Case(
        "hat_space0_v64",
        options=options_of_hat,
        inputs=source_and_target,
        features=encoder_out,
        counts={"params": "params", "macs": "matmul_macs"},
        lengths={"source_length": 7, "target_length": 5},
        sizes={"V": 64},
        wrapper="model",
    ),
    "bert-base": Case(
        "bert_base_sst2",
        options=options_of_encoders,
        inputs=texts,
        features=pooled_and_last_hidden,
        counts={"macs": "matmul_macs"},
        lengths={"length": 16},
        wrapper="model",
    ),
    "vit-b16": Case(
        "vit_b16",
        options=options_of_encoders,
        inputs=two_large_images,
        features=statistics_of_layers,
        counts={"macs": "matmul_conv_macs"},
    ),
}
RECALIBRATED = [name for name in CASES if name.startswith("ofa-")]
WITH_FEATURES = [name for name, case in CASES.items() if case.features]


@cache
def golden(folder: Path, stem: str):
    return json.loads((folder / f"{stem}.json").read_text()), dict(np.load(folder / f"{stem}.npz"))


def released_state(folder: Path, meta, sizes):
    """The checkpoint as released: old infix in the names, weights by the folder's own rule."""
    spec = importlib.util.spec_from_file_location("golden_weights", folder / "weights.py")
    rule = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rule)
    keys = [(rule.released_key(key), shape) for key, shape in rule.read_keys(folder / meta["keys_file"], **sizes)]
    return {key: torch.from_numpy(np.array(array)) for key, array in rule.synthetic_state(keys).items()}


@pytest.fixture(scope="module", params=CASES)
def loaded(request, data_folder, tmp_path_factory):
    folder, case = data_folder / "golden", CASES[request.param]
    meta, arrays = golden(folder, case.stem)
    path, state = tmp_path_factory.mktemp("released") / meta["supernet"], released_state(folder, meta, case.sizes)
    torch.save({case.wrapper: state}, path)
    supernet = load_supernet(request.param, path)
    path.unlink()
    return supernet, meta, arrays, next(released for released in FORMATS.values() if released.recognise(state))


def genotype_of(supernet, settings):
    return supernet.family.space.encode(CASES[supernet.family.name].options(settings))


def relative_error(ours, theirs):
    return float(np.abs(ours.numpy() - theirs).max() / np.abs(theirs).max())


def test_params_and_macs_are_exact(loaded):
    supernet, meta, *_ = loaded
    family, case = supernet.family, CASES[supernet.family.name]
    family = type(family)(family.name, replace(family.table, **case.lengths))
    for settings in meta["subnets"]:
        genotype = genotype_of(supernet, settings)
        assert {ours: getattr(family, ours)(genotype) for ours in case.counts} == {
            ours: settings[theirs] for ours, theirs in case.counts.items()
        }


@pytest.mark.parametrize("loaded", ["bert-base"], indirect=True)
def test_params_of_bert_as_dynast_counts_them(loaded):
    supernet, meta, *_ = loaded
    for settings in meta["subnets"]:
        n_norms, classifier = 2 * settings["num_layers"] + 1, 2 * 768 + 2
        params = supernet.family.params(genotype_of(supernet, settings))
        assert params - n_norms * 2 * 768 - classifier == settings["params_dynast"]


@torch.inference_mode()
def test_logits_of_every_sub_network(loaded):
    supernet, meta, arrays, _ = loaded
    case = CASES[supernet.family.name]
    for settings, logits in zip(meta["subnets"], arrays["logits"], strict=True):
        outputs = supernet(case.inputs(settings, arrays), genotype_of(supernet, settings))
        assert relative_error(outputs, logits) <= case.tolerance, settings["id"]


@torch.inference_mode()
@pytest.mark.parametrize("loaded", WITH_FEATURES, indirect=True)
def test_features_of_every_sub_network(loaded):
    supernet, meta, arrays, _ = loaded
    case = CASES[supernet.family.name]
    for row, settings in enumerate(meta["subnets"]):
        network = supernet.extract(genotype_of(supernet, settings))
        for name, feature in case.features(network, case.inputs(settings, arrays)).items():
            assert relative_error(feature, arrays[name][row]) <= case.tolerance, (settings["id"], name)


@torch.inference_mode()
@pytest.mark.parametrize("loaded", RECALIBRATED, indirect=True)
def test_calibration_and_logits_after_it(loaded):
    supernet, meta, arrays, released = loaded
    recalibration = meta["recalibration"]
    pairs = zip(recalibration["subnets"], arrays["recal_logits"], strict=True)
    for entry, logits in sorted(pairs, key=lambda pair: meta["subnets"][pair[0]["id"]]["r"])[:2]:  # the fewest pixels
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

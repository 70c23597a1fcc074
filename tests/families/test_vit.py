from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import ViTConfig, ViTForImageClassification

from nastoolkit.families import FAMILIES
from nastoolkit.families.vit import B16, VisionTransformerFamily
from nastoolkit.supernets import load_supernet, save_supernet

TINY = replace(
    B16, image_size=24, patch_size=8, dim=32, head_dim=8, layers=(1, 2, 3), heads=(2, 3, 4), ffn=(24, 36, 48), n_classes=5
)
SIZES = {"image_size": 24, "patch_size": 8, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4}
SIZES |= {"intermediate_size": 48, "num_labels": 5}


@pytest.fixture
def tiny_vit(monkeypatch):
    """A family whose largest network is a ``ViTConfig(**SIZES)``."""
    monkeypatch.setitem(FAMILIES, "tiny-vit", partial(VisionTransformerFamily, "tiny-vit", TINY))


@torch.inference_mode()
def assert_same_as_transformers(supernet, theirs):
    genotype = supernet.family.space.largest
    x = supernet.family.example_inputs(genotype, n=2)
    expected = theirs(x).logits
    for outputs in (supernet(x, genotype), supernet.extract(genotype)(x)):
        torch.testing.assert_close(outputs, expected, rtol=0, atol=1e-5)
    assert expected.std() > 0.05


@pytest.mark.parametrize("n_classes", [5, 12])
def test_the_full_genotype_is_the_network_of_transformers(tiny_vit, saved, tmp_path, n_classes):
    theirs = saved(ViTForImageClassification(ViTConfig(**{**SIZES, "num_labels": n_classes})), tmp_path)
    supernet = load_supernet("tiny-vit", tmp_path)
    assert supernet.family.table == replace(TINY, n_classes=n_classes)
    assert_same_as_transformers(supernet, theirs)


@pytest.mark.slow
def test_vit_b16_is_the_network_of_transformers(saved, tmp_path):
    theirs = saved(ViTForImageClassification(ViTConfig(num_labels=1000)), tmp_path)
    supernet = load_supernet("vit-b16", tmp_path)
    assert supernet.family.params(supernet.family.space.largest) == theirs.num_parameters()
    assert_same_as_transformers(supernet, theirs)


def test_the_number_of_subnetworks():
    # A layer has 4 numbers of heads and 3 widths; 10 to 12 layers.
    assert FAMILIES["vit-b16"]().space.size == 12**10 + 12**11 + 12**12 == 9_721_026_183_168


def test_counts_at_the_ends_of_the_space():
    family = FAMILIES["vit-b16"]()
    ends = np.stack([family.space.smallest, family.space.largest])
    assert family.params(ends).tolist() == [29_106_152, 86_567_656]  # the latter is torchvision's vit_b_16
    assert family.macs(ends).tolist() == [5_836_875_264, 17_563_828_224]  # as in the golden files


def test_the_first_layers_are_kept_each_with_its_own_options():
    family = FAMILIES["vit-b16"]()
    options = {"layers": 11}
    for layer in range(1, 12):
        options |= {f"layer{layer}.heads": (6, 8, 10, 12)[layer % 4], f"layer{layer}.ffn": (1024, 2048, 3072)[layer % 3]}
    plan = dict(family.plan(family.space.encode(options)))
    assert list(plan) == ["patches", *(f"encoder.layer{n}" for n in range(1, 12)), "classifier"]
    for layer in range(1, 12):
        spec = plan[f"encoder.layer{layer}"]
        assert (spec.n_heads, spec.ffn) == (options[f"layer{layer}.heads"], options[f"layer{layer}.ffn"])
        assert spec.qkv_dim == 64 * spec.n_heads and spec.dim == 768 and spec.norm_first and spec.length == 197


def test_layers_of_dynast_norm_attention_once_more(supernet_of):
    """Its ViT-B/16 has 18,432 parameters more than others: a scale and a shift of 768 channels in 12 layers."""
    family = FAMILIES["vit-b16"]()
    theirs = VisionTransformerFamily("vit-b16", replace(B16, output_norm=True))
    genotypes = family.space.sample(20, np.random.default_rng(0))
    more = theirs.params(genotypes) - family.params(genotypes)
    assert more.tolist() == [2 * 768 * family.space.decode(genotype)["layers"] for genotype in genotypes]
    np.testing.assert_array_equal(theirs.macs(genotypes), family.macs(genotypes))


def test_a_supernet_of_dynasts_layers_is_saved_and_loaded(tiny_vit, supernet_of, tmp_path):
    supernet = supernet_of(VisionTransformerFamily("tiny-vit", replace(TINY, output_norm=True, eps=1e-6))).eval()
    path = save_supernet(supernet, tmp_path / "net.safetensors")
    loaded = load_supernet("tiny-vit", path)
    assert loaded.family.table == supernet.family.table
    assert any(".output_norm." in name for name in load_file(path))
    for genotype in supernet.family.space.sample(5, np.random.default_rng(0)):
        x = supernet.family.example_inputs(genotype)
        assert torch.equal(loaded(x, genotype), supernet(x, genotype))

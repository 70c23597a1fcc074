from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from nastoolkit.families import FAMILIES
from nastoolkit.families.bert import BASE, SMALL, BertFamily
from nastoolkit.supernets import load_supernet

TINY = replace(
    BASE, vocabulary=60, positions=24, length=16, dim=32, head_dim=8, layers=(1, 2, 3), heads=(2, 3, 4), ffn=(24, 36, 48)
)
SIZES = {"vocab_size": 60, "max_position_embeddings": 24, "hidden_size": 32, "num_hidden_layers": 3}
SIZES |= {"num_attention_heads": 4, "intermediate_size": 48}


@pytest.fixture
def tiny_bert(monkeypatch):
    """A family whose largest network is a ``BertConfig(**SIZES)``."""
    monkeypatch.setitem(FAMILIES, "tiny-bert", partial(BertFamily, "tiny-bert", TINY))


def texts(vocabulary, length, seed=0):
    """One of full length in two segments; one padded behind, one before it."""
    rng = np.random.default_rng(seed)
    input_ids = torch.from_numpy(rng.integers(0, vocabulary, (3, length)))
    attention_mask = torch.ones_like(input_ids)
    attention_mask[1, length // 2 :] = attention_mask[2, :3] = 0
    return input_ids, attention_mask, (torch.arange(length) >= length // 3).long().repeat(3, 1)


@torch.inference_mode()
def assert_same_as_transformers(supernet, theirs, length):
    x = texts(supernet.family.table.vocabulary, length)
    expected = theirs(**dict(zip(("input_ids", "attention_mask", "token_type_ids"), x, strict=True))).logits
    genotype = supernet.family.space.largest
    for outputs in (supernet(x, genotype), supernet.extract(genotype)(x)):
        torch.testing.assert_close(outputs, expected, rtol=0, atol=1e-5)
    assert expected.std() > 0.05


@pytest.mark.parametrize("length", [24, 9])
def test_the_full_genotype_is_the_network_of_transformers(tiny_bert, saved, tmp_path, length):
    theirs = saved(BertForSequenceClassification(BertConfig(**SIZES)), tmp_path)
    assert_same_as_transformers(load_supernet("tiny-bert", tmp_path), theirs, length)


@pytest.mark.slow
def test_bert_base_is_the_network_of_transformers(saved, tmp_path):
    theirs = saved(BertForSequenceClassification(BertConfig()), tmp_path)
    supernet = load_supernet("bert-base", tmp_path)
    assert supernet.family.params(supernet.family.space.largest) == theirs.num_parameters()
    assert_same_as_transformers(supernet, theirs, 128)


def test_classes_tokens_positions_and_segments_are_the_checkpoints(tiny_bert, saved, tmp_path):
    others = {"num_labels": 5, "vocab_size": 70, "max_position_embeddings": 12, "type_vocab_size": 3}
    theirs = saved(BertForSequenceClassification(BertConfig(**{**SIZES, **others})), tmp_path)
    supernet = load_supernet("tiny-bert", tmp_path)
    assert supernet.family.table == replace(TINY, n_classes=5, vocabulary=70, positions=12, types=3, length=12)
    assert_same_as_transformers(supernet, theirs, 12)


def test_the_number_of_subnetworks():
    # A layer has 4 numbers of heads and 3 widths; 6 to 12 layers.
    assert FAMILIES["bert-base"]().space.size == sum(12**layers for layers in range(6, 13)) == 9_726_654_763_008


def test_counts_at_the_ends_of_the_space():
    family = FAMILIES["bert-base"]()
    ends = np.stack([family.space.smallest, family.space.largest])
    assert family.params(ends).tolist() == [40_985_090, 109_483_778]  # the latter is bert-base-uncased with two classes
    per_layer = [128 * (4 * 768 * qkv + 2 * 768 * ffn) + 2 * 128**2 * qkv for qkv, ffn in ((384, 1024), (768, 3072))]
    assert family.macs(ends).tolist() == [n * macs + 768**2 + 768 * 2 for n, macs in zip((6, 12), per_layer, strict=True)]


def test_the_first_layers_are_kept_each_with_its_own_options():
    family = FAMILIES["bert-base"]()
    options = {"layers": 7}
    for layer in range(1, 8):
        options |= {f"layer{layer}.heads": (6, 8, 10, 12)[layer % 4], f"layer{layer}.ffn": (1024, 2048, 3072)[layer % 3]}
    plan = dict(family.plan(family.space.encode(options)))
    assert list(plan) == ["embeddings", *(f"encoder.layer{n}" for n in range(1, 8)), "pooler", "classifier"]
    for layer in range(1, 8):
        spec = plan[f"encoder.layer{layer}"]
        assert (spec.n_heads, spec.ffn) == (options[f"layer{layer}.heads"], options[f"layer{layer}.ffn"])
        assert spec.qkv_dim == 64 * spec.n_heads and spec.dim == 768 and not spec.norm_first


@torch.inference_mode()
def test_padding_changes_nothing(supernet_of):
    supernet = supernet_of(BertFamily("tiny-bert", TINY)).eval()
    genotype = supernet.family.space.sample(1, np.random.default_rng(0))[0]
    input_ids, _, types = texts(60, 10)
    padding = torch.randint(60, (3, 6), generator=torch.Generator().manual_seed(0))
    padded = tuple(torch.cat(parts, 1) for parts in ((input_ids, padding), (types, padding % 2)))
    mask = (torch.arange(16) < 10).long().repeat(3, 1)
    outputs = supernet((padded[0], mask, padded[1]), genotype)
    torch.testing.assert_close(outputs, supernet((input_ids, mask[:, :10], types), genotype), rtol=0, atol=1e-6)
    assert not torch.allclose(outputs, supernet((padded[0], torch.ones_like(mask), padded[1]), genotype), atol=1e-3)


def test_gradients_reach_the_rows_of_the_tokens_alone(supernet_of):
    supernet = supernet_of(BertFamily("tiny-bert", TINY))
    x = texts(60, 10)
    supernet(x, supernet.family.space.largest).square().sum().backward()
    tables = {"tokens": x[0], "positions": torch.arange(10), "types": x[2]}
    for name, rows in tables.items():
        touched = supernet.get_parameter(f"shared.embeddings.{name}.weight").grad.ne(0).any(1)
        present = x[1].bool() if name != "positions" else torch.ones(10, dtype=torch.bool)
        assert set(rows[present].tolist()) <= set(touched.nonzero().flatten().tolist()) <= set(rows.flatten().tolist())


def test_example_inputs_are_texts_of_full_length():
    family = FAMILIES["bert-base"]()
    input_ids, mask, types = family.example_inputs(family.space.smallest, n=3, seed=1)
    assert all(part.dtype == torch.int64 and part.shape == (3, 128) for part in (input_ids, mask, types))
    assert mask.all() and not types.any() and 0 <= input_ids.min() < input_ids.max() < 30_522
    assert torch.equal(input_ids, family.example_inputs(family.space.largest, n=3, seed=1)[0])


def test_thin_encoders_have_layers_that_are_alike_and_spread_over_the_deepest():
    family = FAMILIES["text-bert-thin"]()
    assert family.space.names == ("dim", "layers", "heads", "ratio") and family.space.size == 6 * 4 * 4 * 3
    plan = family.plan(family.space.encode({"dim": 24, "layers": 3, "heads": 2, "ratio": 2.0}))
    layers = [spec for name, spec in plan if name.startswith("encoder.")]
    assert len(layers) == 3 and len(set(layers)) == 1
    assert (layers[0].dim, layers[0].qkv_dim, layers[0].n_heads, layers[0].ffn) == (24, 32, 2, 48)
    kept = {depth: FAMILIES["bert-base-thin"]().table.kept_layers(depth) for depth in (4, 9, 12)}
    assert kept[4] == [1, 4, 7, 10] and kept[9] == [1, 2, 3, 5, 6, 7, 9, 10, 11] and kept[12] == [*range(1, 13)]
    assert FAMILIES["bert-base"]().table.kept_layers(6) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("widths", [{"ratios": (1.0, 2.0)}, {"ffn": ()}])
def test_hidden_units_are_given_in_one_way(widths):
    with pytest.raises(ValueError, match="give hidden units by ffn or by ratios"):
        replace(SMALL, **widths)

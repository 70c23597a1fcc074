from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from nastoolkit.checkpoints.huggingface import translate
from nastoolkit.families import FAMILIES
from nastoolkit.families.bert import SMALL, BertFamily
from nastoolkit.families.masked_bert import MaskedBertFamily, n_masked
from nastoolkit.supernets import Supernet, with_new_head

TABLE = replace(SMALL, vocabulary=60, dim=32, dims=(16, 32), head_dim=8, dropout=0.0)
SIZES = {"vocab_size": 60, "max_position_embeddings": 48, "hidden_size": 32, "num_hidden_layers": 4, "type_vocab_size": 1}
SIZES |= {"num_attention_heads": 4, "intermediate_size": 256}
HEAD = {"transform.dense": "linear", "transform.LayerNorm": "norm"}


@pytest.fixture
def supernet():
    return Supernet(MaskedBertFamily("text-bert-words", TABLE)).eval()


def head_of(theirs):
    """The head's weights by our names, but those of the embeddings."""
    state = theirs.cls.predictions.state_dict()
    layers = {f"{ours}.{part}": state[f"{name}.{part}"] for name, ours in HEAD.items() for part in ("weight", "bias")}
    return {f"words.{name}": tensor for name, tensor in layers.items()} | {"words.bias": state["bias"]}


def encoder_of(theirs):
    return {name: tensor for name, tensor in translate(theirs.state_dict()).items() if name.startswith(("embed", "encoder"))}


@torch.inference_mode()
def test_the_full_genotype_is_the_network_of_transformers(supernet, saved, tmp_path):
    theirs = saved(BertForMaskedLM(BertConfig(**SIZES)), tmp_path)
    supernet.shared.load_state_dict(encoder_of(theirs) | head_of(theirs))
    genotype, generator = supernet.family.largest, torch.Generator().manual_seed(0)
    input_ids, mask, types, _ = supernet.family.example_inputs(genotype, 3)
    mask[1, 20:] = 0
    places = torch.randint(48, (3, 5), generator=generator)
    logits = theirs(input_ids, mask, types).logits
    expected = logits.gather(1, places[..., None].expand(-1, -1, 60))
    x = input_ids, mask, types, places
    for outputs in (supernet(x, genotype), supernet.extract(genotype)(x)):
        torch.testing.assert_close(outputs, expected, rtol=0, atol=1e-5)
    assert expected.std() > 0.05


def test_counts_at_the_ends_of_the_space():
    words, classes = (FAMILIES[name]() for name in ("text-bert-words", "text-bert"))
    assert words.space.fingerprint == classes.space.fingerprint and words.space.size == 3 * sum(12**n for n in (1, 2, 3, 4))
    for genotype, dim in ((words.space.smallest, 32), (words.space.largest, 64)):
        heads = [n_masked(48) * (dim**2 + dim * 4096), dim**2 + 2 * dim]
        assert words.macs(genotype) - classes.macs(genotype) == heads[0] - heads[1]
        heads = [dim * (dim + 1) + 2 * dim + 4096, dim * (dim + 1) + 2 * (dim + 1)]
        assert words.params(genotype) - classes.params(genotype) == heads[0] - heads[1]


def test_every_width_takes_the_first_channels(supernet):
    for genotype in supernet.family.space.sample(5, np.random.default_rng(0)):
        dim = supernet.family.space.decode(genotype)["dim"]
        weights = supernet.weights(genotype)
        shared = supernet.shared.state_dict()
        assert torch.equal(weights["embeddings.tokens.weight"], shared["embeddings.tokens.weight"][:, :dim])
        assert torch.equal(weights["words.linear.weight"], shared["words.linear.weight"][:dim, :dim])


def test_a_classifier_has_the_encoder_of_what_told_words(supernet):
    adapted = with_new_head(supernet, 3)
    assert type(adapted.family) is BertFamily and adapted.family.name == "text-bert" and adapted.family.table.n_classes == 3
    *inputs, _ = supernet.family.example_inputs(supernet.family.largest, 2)
    trained, after = supernet.shared.state_dict(), adapted.shared.state_dict()
    same = [name for name in after if name in trained and torch.equal(after[name], trained[name])]
    assert same == [name for name in after if name.startswith(("embeddings.", "encoder."))]
    assert adapted(tuple(inputs), supernet.family.largest).shape == (2, 3)


def test_the_first_guesses_are_hardly_sure(supernet):
    genotype = supernet.family.largest
    logits = supernet(supernet.family.example_inputs(genotype, 4), genotype)
    assert 0.3 < logits.std() < 2


def test_the_widest_network_has_the_width_of_the_table():
    with pytest.raises(ValueError, match=r"dim must be the largest of dims, got 32 and \(16, 48\)"):
        replace(TABLE, dims=(16, 48))

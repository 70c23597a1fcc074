import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

from nastoolkit.families import FAMILIES
from nastoolkit.families.hat import WMT, HATFamily
from nastoolkit.families.translator import EOS, N_SPECIAL, PAD, sinusoids
from nastoolkit.supernets import Supernet

SMALL = replace(
    WMT,
    vocabulary=96,
    source_length=20,
    target_length=20,
    embed_dims=(32, 64),
    encoder_layers=(2,),
    decoder_layers=(1, 2, 3),
    ffn=(32, 64, 128),
    heads=(2, 4),
    cross_attention=(-1, 1),
    qkv_dim=64,
)
COLUMNS = {"ffn": "ffn", "self_heads": "dec_self_heads", "cross_heads": "dec_ende_heads", "cross_attention": "dec_arb"}


@pytest.fixture(scope="module", params=["shared", "separate"])
def supernet(request):
    """A small one with random biases and norms, its embedding shared or not."""
    source_vocabulary = None if request.param == "shared" else 70
    supernet = Supernet(HATFamily("small", replace(SMALL, source_vocabulary=source_vocabulary))).eval()
    with torch.no_grad():
        for number, parameter in enumerate(supernet.parameters()):
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number)), alpha=0.1)
    return supernet


@pytest.fixture(scope="module")
def published(data_folder):
    with (data_folder / "facts" / "hat_subtransformers_published.csv").open() as file:
        return list(csv.DictReader(file))


def options_of(row):
    """Options by name from a row, whose lists are separated by spaces."""
    options = {f"{side}.embed_dim": int(row[f"{side[:3]}_dim"]) for side in ("encoder", "decoder")}
    options |= {f"{side}.layers": int(row[f"{side[:3]}_layers"]) for side in ("encoder", "decoder")}
    encoder = {"ffn": "enc_ffn", "heads": "enc_heads"}
    for side, columns in (("encoder", encoder), ("decoder", COLUMNS | {"ffn": "dec_ffn"})):
        for ours, theirs in columns.items():
            values = map(int, row[theirs].split())
            options |= {f"{side}.layer{number}.{ours}": value for number, value in enumerate(values, start=1)}
    return options


def test_params_of_all_published_networks(published):
    assert len(published) == 44
    families = {name: FAMILIES[name]() for name in ("hat-wmt", "hat-iwslt")}
    for row in published:
        family = families["hat-iwslt" if "IWSLT" in row["task"] else "hat-wmt"]
        params = family.params(family.space.encode(options_of(row)))
        assert params / 1e6 == pytest.approx(float(row["params_calc_m"]), abs=5.1e-4), row["name"]
        assert params / 1e6 == pytest.approx(float(row["params_m"]), abs=0.0051), row["name"]


@pytest.mark.parametrize(("name", "largest"), [("hat-wmt", 70_900_992), ("hat-iwslt", 55_160_064)])
def test_the_ends_of_the_space(name, largest):
    family = FAMILIES[name]()
    table, options = family.table, family.space.decode(family.space.smallest)
    assert family.params(family.space.largest) == largest == formula(640, max(table.ffn), 6)
    assert family.params(family.space.smallest) == formula(512, min(table.ffn), 1)
    assert options["decoder.layers"] == 1 and options["decoder.layer1.cross_attention"] == -1


def formula(dim, ffn, decoder_layers):
    """Weights, biases and norms of six encoder layers and some decoder layers that are all alike, 512 channels inside."""
    attention, feed_forward = 4 * 512 * dim + 3 * 512 + dim, 2 * dim * ffn + ffn + dim
    return 6 * (attention + feed_forward + 4 * dim) + decoder_layers * (2 * attention + feed_forward + 6 * dim)


@pytest.mark.parametrize("name", ["hat-wmt", "hat-iwslt"])
def test_the_number_of_subnetworks(name):
    encoder, layer = 2 * (3 * 2) ** 6, 3 * 2 * 2 * 3
    size = FAMILIES[name]().space.size
    assert size == encoder * 2 * sum(layer**depth for depth in range(1, 7)) == pytest.approx(4.18e14, rel=1e-3)


def test_genes_stand_in_the_order_of_the_release():
    names = FAMILIES["hat-wmt"]().space.names
    kinds = ["encoder.ffn", "encoder.heads", *(f"decoder.{name}" for name in COLUMNS)]
    runs = [[f"{kind.replace('.', f'.layer{number}.')}" for number in range(1, 7)] for kind in kinds]
    assert names[:2] == ("encoder.embed_dim", "encoder.layers") and names[14:16] == ("decoder.embed_dim", "decoder.layers")
    assert [*names[2:14], *names[16:]] == sum(runs, []) and len(names) == 40


def test_examples_are_words_of_both_vocabularies():
    family = FAMILIES["hat-iwslt"]()
    source, target = family.example_inputs(family.space.smallest, n=400, seed=3)
    assert source.shape == target.shape == (400, 23) and source.dtype == torch.int64
    assert N_SPECIAL <= min(source.min(), target.min()) < 20 and 8_800 < source.max() < 8_848 and 6_600 < target.max() < 6_632
    assert torch.equal(source, family.example_inputs(family.space.largest, n=400, seed=3)[0])


def test_attention_to_more_layers_than_there_are_is_an_error():
    with pytest.raises(ValueError, match="cross_attention=.*asks for more"):
        replace(SMALL, cross_attention=(-1, 1, 2))


def test_positions_count_tokens_from_behind_the_padding_token():
    tokens = torch.tensor([[PAD, PAD, 7, 8, EOS], [9, 5, 6, EOS, PAD]])
    left, right = sinusoids(tokens, 6)
    rates = np.array([1.0, 1e-2, 1e-4])
    expected = [np.concatenate([np.sin(number * rates), np.cos(number * rates)]) for number in (2, 3, 4)]
    np.testing.assert_allclose(left[2:], expected, rtol=1e-5)
    assert torch.equal(left[:2], torch.zeros(2, 6)) and torch.equal(right[:3], left[2:]) and not right[4].any()


def examples(supernet, seed=0):
    return supernet.family.example_inputs(supernet.family.space.largest, 3, seed)


def different_options(supernet, name):
    """Outputs for every option of one choice in the largest network."""
    space, inputs = supernet.family.space, examples(supernet)
    options = space.decode(space.largest)
    choice = next(choice for choice in space.choices if choice.name == name)
    return [supernet(inputs, space.encode(options | {name: option})) for option in choice.options]


@torch.inference_mode()
@pytest.mark.parametrize(
    "name",
    ["encoder.layer2.heads", "decoder.layer1.self_heads", "decoder.layer3.cross_heads", "decoder.layer2.cross_attention"],
)
def test_choices_without_weights_of_their_own_matter(supernet, name):
    outputs = different_options(supernet, name)
    assert len(outputs) == 2 and (outputs[0] - outputs[1]).abs().max() > 1e-3


@torch.inference_mode()
def test_a_token_does_not_see_later_ones(supernet):
    source, target = examples(supernet)
    changed = target.clone()
    changed[:, 12:] = (changed[:, 12:] + 7 - N_SPECIAL) % (SMALL.vocabulary - N_SPECIAL) + N_SPECIAL
    before, after = (supernet((source, tokens), supernet.family.space.largest) for tokens in (target, changed))
    torch.testing.assert_close(after[:, :12], before[:, :12])
    assert ((after[:, 12:] - before[:, 12:]).abs().amax(-1) > 1e-3).all()


@torch.inference_mode()
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_changes_nothing(supernet, side):
    source, target = examples(supernet)
    at = 0 if side == "left" else source.shape[1]
    padded = torch.cat([source[:, :at], torch.full((3, 4), PAD), source[:, at:]], dim=1)
    longer = torch.cat([target, torch.full((3, 4), PAD)], dim=1)
    for genotype in (supernet.family.space.smallest, supernet.family.space.largest):
        expected = supernet((source, target), genotype)
        torch.testing.assert_close(supernet((padded, longer), genotype)[:, : target.shape[1]], expected, rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_encoding_and_decoding_are_the_whole(supernet):
    source, target = examples(supernet)
    genotype = supernet.family.space.largest
    network = supernet.extract(genotype)
    memories = network.encode(source)
    assert [tuple(memory.shape) for memory in memories] == [(3, 20, 64)] * 2
    assert torch.equal(network.decode(target, memories, source), network((source, target)))
    assert network.decode(target[:, :1], memories, source).shape == (3, 1, SMALL.vocabulary)
    last = network.decode(target, memories, source, last=True)
    torch.testing.assert_close(last, network.decode(target, memories, source)[:, -1:])


@torch.inference_mode()
def test_a_layer_reads_as_many_memories_as_its_option_says(supernet):
    space, (source, target) = supernet.family.space, examples(supernet)
    options = space.decode(space.largest)
    for last_only, matters in ((True, False), (False, True)):
        wanted = {f"decoder.layer{number}.cross_attention": -1 if last_only else 1 for number in (1, 2, 3)}
        network = supernet.extract(space.encode(options | wanted))
        first, last = network.encode(source)
        same = torch.allclose(network.decode(target, [0 * first, last], source), network((source, target)))
        assert same is not matters


def test_a_shared_embedding_is_one_tensor_as_wide_as_the_wider_side_needs_it():
    family = HATFamily("small", SMALL)
    options = family.space.decode(family.space.smallest) | {"encoder.embed_dim": 64}
    state = family.build(family.space.encode(options)).state_dict()
    assert [key for key in state if "embedding" in key or "output" in key.split(".")[0]] == ["embedding.weight"]
    assert state["embedding.weight"].shape == (96, 64) and state["decoder.layer1.ffn.expand.weight"].shape == (32, 32)


def test_separate_embeddings_have_vocabularies_of_their_own():
    family = FAMILIES["hat-iwslt"]()
    with torch.device("meta"):
        state = family.build(family.space.largest).state_dict()
    rows = {key: tuple(state[f"{key}.weight"].shape) for key in ("source_embedding", "target_embedding", "output")}
    assert rows == {"source_embedding": (8_848, 640), "target_embedding": (6_632, 640), "output": (6_632, 640)}


def test_the_vocabularies_are_those_of_the_tensors():
    separate, shared = FAMILIES["hat-iwslt"](), FAMILIES["hat-wmt"]()
    tensors = {"source_embedding.weight": torch.zeros(10, 640), "target_embedding.weight": torch.zeros(20, 640)}
    fitting = separate.fitting(tensors)
    assert fitting.table == replace(separate.table, source_vocabulary=10, vocabulary=20) and fitting.name == "hat-iwslt"
    assert shared.fitting({"embedding.weight": torch.zeros(30, 640)}).table == replace(shared.table, vocabulary=30)
    assert shared.fitting({"embedding.weight": torch.zeros(())}).table == shared.fitting(tensors).table == shared.table


def test_dropout_is_in_proportion_to_the_width():
    family = FAMILIES["hat-wmt"]()
    options = family.space.decode(family.space.largest) | {"encoder.embed_dim": 512}
    with torch.device("meta"):
        network = family.build(family.space.encode(options))
    assert network.encoder.layer1.dropout.p == pytest.approx(0.24) and network.decoder.layer1.dropout.p == 0.3
    assert network.embedding.dropout == 0.3


def test_an_embedding_scales_and_drops_by_the_width_in_use():
    block = FAMILIES["hat-wmt"]().plan(FAMILIES["hat-wmt"]().space.largest)[0][1]
    module = replace(block, vocabulary=5, dim=640).build()
    tokens = torch.full((4, 500), 4)
    narrow = module.eval()(tokens, 512)
    expected = 512**0.5 * module.weight[4, :512] + sinusoids(tokens, 640)[..., :512]
    torch.testing.assert_close(narrow, expected)
    torch.manual_seed(0)
    dropped = (module.train()(tokens, 512) == 0).float().mean()
    assert float(dropped) == pytest.approx(0.24, abs=0.01)

"""Configurations in every form that people keep, and the sub-networks that they stand for, known by their costs."""

import csv
import json

import numpy as np
import pytest
import yaml

from nastoolkit.families import FAMILIES
from nastoolkit.published import encode, read_configuration

GOLDEN = {"ofa_mbv3_w1.0": "ofa-mbv3-w1.0", "ofa_mbv3_w1.2": "ofa-mbv3-w1.2", "ofa_proxyless_w1.3": "ofa-proxyless-w1.3"}
GOLDEN |= {"ofa_resnet50": "ofa-resnet50"}
NAT_M1 = {  # subnets/imagenet/net-img@224-flops@225-top1@77.5/net.subnet of NAT's repository, 225 M MACs
    "ks": [3, 3, 3, 3, 3, 5, 5, 3, 5, 5, 5, 5, 5, 3, 3],
    "e": [3, 3, 3, 4, 4, 4, 4, 3, 4, 3, 3, 6, 6, 6, 6],
    "d": [2, 3, 3, 3, 4],
    "r": 224,
    "w": 1.0,
}


@pytest.fixture(scope="module")
def mobile():
    return FAMILIES["ofa-mbv3-w1.0"]()


@pytest.fixture(scope="module")
def proxyless():
    return FAMILIES["ofa-proxyless-w1.3"]()


@pytest.fixture(scope="module")
def hat():
    return FAMILIES["hat-wmt"]()


def read_json(data_folder, stem):
    return json.loads((data_folder / "golden" / f"{stem}.json").read_text())["subnets"]


@pytest.mark.parametrize("stem", GOLDEN)
def test_once_for_alls_lists_of_all_blocks(data_folder, stem):
    family = FAMILIES[GOLDEN[stem]]()
    for net in read_json(data_folder, stem):
        genotype = read_configuration(family, net)
        assert (family.params(genotype), family.macs(genotype)) == (net["params"], net["macs"])


@pytest.mark.parametrize("stem", GOLDEN)
def test_lists_of_the_live_blocks_alone_are_the_same_networks(data_folder, stem):
    family = FAMILIES[GOLDEN[stem]]()
    sizes = (2, 2, 4, 2) if "resnet" in stem else (0,) * 6
    for net in read_json(data_folder, stem):
        depths = net["d"][1:] if "resnet" in stem else net["d"]
        most = (4, 4, 6, 4) if "resnet" in stem else (4, 4, 4, 4, 4, 1)
        places = [
            block <= depth + base for depth, base, n in zip(depths, sizes, most, strict=False) for block in range(1, n + 1)
        ]
        live = {name: [v for v, alive in zip(net[name], places, strict=True) if alive] for name in ("ks", "e") if name in net}
        dead = {name: [v if alive else None for v, alive in zip(net[name], places, strict=True)] for name in live}
        for other in (live, dead, {**dead, "e": [value or 0 for value in dead["e"]]}):
            np.testing.assert_array_equal(read_configuration(family, {**net, **other}), read_configuration(family, net))


def test_published_networks_of_live_blocks(data_folder):
    rows = list(csv.DictReader((data_folder / "facts" / "ofa_specialized_published.csv").open()))
    seen = 0
    for row in [row for row in rows if row["ks"]]:
        numbers = {name: [int(n) for n in row[name].split()] for name in ("ks", "e", "out_channels")}
        stages = [numbers["out_channels"].count(c) for c in dict.fromkeys(numbers["out_channels"])]
        name = {24: "ofa-mbv3-w1.0", 32: "ofa-mbv3-w1.2"}[numbers["out_channels"][0]]
        family = FAMILIES["ofa-proxyless-w1.3" if row["family"].startswith("Proxyless") else name]()
        resolution = int(float(row["r"]))
        known = family.space.choices[0].options
        genotype = read_configuration(
            family, {"ks": numbers["ks"], "e": numbers["e"], "d": stages}, min(resolution, max(known))
        )
        assert [spec.kernel for name, spec in family.plan(genotype) if name.startswith("stage")] == numbers["ks"]
        if resolution in known:
            assert family.macs(genotype) / 1e6 == pytest.approx(float(row["macs"].rstrip("M")), rel=0.01)
            seen += 1
    assert seen >= 6


def test_nats_subnet(mobile, tmp_path):
    (tmp_path / "net.subnet").write_text(json.dumps(NAT_M1))
    genotype = read_configuration(mobile, tmp_path / "net.subnet")
    assert mobile.macs(genotype) / 1e6 == pytest.approx(225, rel=0.015)  # their counter adds layers that have no MACs
    np.testing.assert_array_equal(genotype, encode(mobile.space, NAT_M1["ks"], NAT_M1["e"], NAT_M1["d"], 224))
    with pytest.raises(ValueError, match="net.subnet is not a network of 'ofa-mbv3-w1.2': its width is 1.0, the family's 1.2"):
        read_configuration(FAMILIES["ofa-mbv3-w1.2"](), tmp_path / "net.subnet")


def test_lists_with_the_first_block_and_one_number_for_all(mobile):
    largest = {"ks": [7] * 20, "e": [6] * 20, "d": [4] * 5, "r": [224], "wid": None}
    for other in (
        {"ks": [3, *largest["ks"]], "e": [1, *largest["e"]]},
        {"ks": 7, "e": 6, "d": 4},
        {"r": 224},
        {"wid": "None"},
    ):
        np.testing.assert_array_equal(read_configuration(mobile, largest | other), read_configuration(mobile, largest))


def test_a_last_stage_that_is_fixed_may_be_left_out(proxyless):
    for depths in ([2, 3, 4, 2, 3], [4, 3, 4, 4, 4], [4, 4, 4, 4, 4]):
        n_live = sum(depths)
        whole = read_configuration(proxyless, {"ks": [5] * 20 + [7], "e": [4] * 20 + [6], "d": [*depths, 1], "r": 160})
        lists = {20: depths, n_live: depths, 21: depths, n_live + 1: [*depths, 1]}
        for n, given in lists.items():
            last = n == 21 or len(given) == 6
            found = {"ks": [5] * (n - last) + [7] * last, "e": [4] * (n - last) + [6] * last, "d": given, "r": [160]}
            np.testing.assert_array_equal(read_configuration(proxyless, found), whole)


def net_config(family, genotype, key, **head):
    """What Once-for-All writes to ``net.config`` for a mobile network."""
    blocks = []
    for name, spec in family.plan(genotype):
        if "block" in name:
            layer = {"in_channels": spec.in_channels, "out_channels": spec.out_channels, "kernel_size": spec.kernel}
            ratio = round(spec.mid_channels / spec.in_channels)
            blocks.append({"name": "MobileInvertedResidualBlock", key: {**layer, "expand_ratio": ratio, "mid_channels": None}})
    return {"name": "MobileNetV3", "bn": {"eps": 1e-5}, "blocks": blocks, "classifier": {"out_features": 1000}, **head}


@pytest.mark.parametrize("name", ["ofa-mbv3-w1.0", "ofa-mbv3-w1.2", "ofa-proxyless-w1.3"])
@pytest.mark.parametrize("key", ["mobile_inverted_conv", "conv"])
def test_net_config_of_a_mobile_network(tmp_path, name, key):
    family = FAMILIES[name]()
    for genotype in family.space.sample(20, np.random.default_rng(0)):
        resolution = family.space.decode(genotype)["resolution"]
        (tmp_path / "net.config").write_text(json.dumps(net_config(family, genotype, key, resolution=resolution)))
        np.testing.assert_array_equal(read_configuration(family, tmp_path / "net.config"), genotype)


def test_net_config_without_a_resolution_has_224_pixels(mobile):
    genotype = mobile.space.encode(mobile.space.decode(mobile.space.smallest) | {"resolution": 224})
    config = net_config(mobile, genotype, "conv")
    np.testing.assert_array_equal(read_configuration(mobile, config), genotype)
    assert mobile.space.decode(read_configuration(mobile, config, resolution=160))["resolution"] == 160


def test_net_config_of_other_channels_is_refused(mobile):
    wide = FAMILIES["ofa-mbv3-w1.2"]()
    with pytest.raises(
        ValueError, match="the configuration is not a network of 'ofa-mbv3-w1.0': its blocks have .32, 32, .*not .24"
    ):
        read_configuration(mobile, net_config(wide, wide.space.largest, "conv"))


def resnet_config(family, genotype):
    options, blocks, stem = family.space.decode(genotype), [], []
    for name, spec in family.plan(genotype):
        if name.startswith("stem.conv"):
            stem.append({"name": "ConvLayer", "out_channels": spec.out_channels})
        elif "block" in name:
            ratio = options[f"{name}.expand"]
            blocks.append({"in_channels": spec.in_channels, "out_channels": spec.out_channels, "expand_ratio": ratio})
    return {"name": "ResNets", "input_stem": stem, "blocks": blocks, "image_size": options["resolution"]}


def test_net_config_of_a_resnet():
    family = FAMILIES["ofa-resnet50"]()
    for genotype in family.space.sample(20, np.random.default_rng(0)):
        found = read_configuration(family, resnet_config(family, genotype))
        assert family.plan(found) == family.plan(genotype)  # two widths of the stem's middle are the same channels


def test_a_resnets_widths_are_indices_or_multipliers():
    family, rest = FAMILIES["ofa-resnet50"](), {"d": [1, 0, 1, 2, 0], "e": 0.25, "r": 224}
    by_index = read_configuration(family, {"w": [0, 1, 2, 0, 1, 2], **rest})
    np.testing.assert_array_equal(by_index, read_configuration(family, {"w": [0.65, 0.8, 1.0, 0.65, 0.8, 1.0], **rest}))
    assert family.space.decode(by_index)["stem.depth"] == 0  # the release keeps the stem's second convolution at 2 alone


def hat_yaml(row):
    """HAT's own file of a published network."""
    lists = {name: [int(n) for n in row[name].split()] for name in row if name.endswith(("ffn", "heads", "arb"))}
    return yaml.safe_dump(
        {
            "encoder-embed-dim-subtransformer": int(row["enc_dim"]),
            "decoder-embed-dim-subtransformer": int(row["dec_dim"]),
            "encoder-embed-dim": 640,  # the supernet's
            "train-subtransformer": True,
            "encoder-layer-num-subtransformer": int(row["enc_layers"]),
            "decoder-layer-num-subtransformer": int(row["dec_layers"]),
            "encoder-ffn-embed-dim-all-subtransformer": lists["enc_ffn"],
            "decoder-ffn-embed-dim-all-subtransformer": lists["dec_ffn"],
            "encoder-self-attention-heads-all-subtransformer": lists["enc_heads"],
            "decoder-self-attention-heads-all-subtransformer": lists["dec_self_heads"],
            "decoder-ende-attention-heads-all-subtransformer": lists["dec_ende_heads"],
            "decoder-arbitrary-ende-attn-all-subtransformer": lists["dec_arb"],
        }
    )


def test_hats_published_files(data_folder, tmp_path):
    rows = list(csv.DictReader((data_folder / "facts" / "hat_subtransformers_published.csv").open()))
    families = {name: FAMILIES[name]() for name in ("hat-wmt", "hat-iwslt")}
    assert len(rows) == 44
    for row in rows:
        (tmp_path / "net.yml").write_text(hat_yaml(row))
        family = families["hat-iwslt" if "iwslt" in row["name"] else "hat-wmt"]
        try:
            genotype = read_configuration(family, tmp_path / "net.yml")
        except ValueError as error:
            pytest.fail(f"{row['name']}: {error}")
        assert round(family.params(genotype) / 1e6, 2) == float(row["params_m"])


def test_hats_search_writes_encoder_and_decoder(data_folder, hat):
    for net in read_json(data_folder, "hat_space0_v64"):
        assert hat.params(read_configuration(hat, net)) == hat.params(read_configuration(hat, net["config"])) > 1e6
        short = {
            side: {k: v[: part[f"{side}_layer_num"]] if isinstance(v, list) else v for k, v in part.items()}
            for side, part in net["config"].items()
        }
        np.testing.assert_array_equal(read_configuration(hat, short), read_configuration(hat, net))


@pytest.mark.parametrize(("stem", "name"), [("bert_base_sst2", "bert-base"), ("vit_b16", "vit-b16")])
def test_dynas_lists_of_encoders(data_folder, stem, name):
    family = FAMILIES[name]()
    for net in read_json(data_folder, stem):
        options = family.space.decode(read_configuration(family, net))
        assert options["layers"] == net["num_layers"] and options["layer1.heads"] == net["num_attention_heads"][0]


def test_options_by_name_and_our_own_card(mobile, tmp_path):
    genotype = mobile.space.sample(1, np.random.default_rng(0))[0]
    options = mobile.space.decode(genotype)
    (tmp_path / "network.json").write_text(json.dumps({"family": "x", "genotype": [0], "options": options, "macs": 3}))
    (tmp_path / "options.yaml").write_text(yaml.safe_dump(options))
    for source in (options, tmp_path / "network.json", tmp_path / "options.yaml"):
        np.testing.assert_array_equal(read_configuration(mobile, source), genotype)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({**NAT_M1, "ks": NAT_M1["ks"][:-1]}, "a list 'kernel' of 14 blocks, not of 20 or 15"),
        ({**NAT_M1, "d": [2, 3, 3]}, "depths of 3 stages, not of 5"),
        ({**NAT_M1, "r": 240}, r"its resolution 240 is none of \(128, .*name another one"),
        ({**NAT_M1, "d": [2, 3, 3, 3, 5]}, "no option 5"),
        ({**NAT_M1, "ks": [9] * 15}, "'stage1.block1.kernel' has no option 9"),
        ({"ks": [3], "d": None}, "in no form that is known"),
        ({"hello": 1}, "unknown choices .'hello'"),
        ({"encoder-embed-dim-subtransformer": 512}, "unknown choices"),
    ],
)
def test_what_is_no_configuration_is_told(mobile, config, told):
    with pytest.raises(ValueError, match=f"the configuration is not a network of 'ofa-mbv3-w1.0': .*{told}"):
        read_configuration(mobile, config)


@pytest.mark.parametrize(
    "text", ["", "[1, 2]", "7", "a: [", "!!python/object/apply:os.mkdir [x]", "\x00", "null", "'text'", "d: " + "[" * 3000]
)
def test_a_file_that_is_none_is_named(mobile, tmp_path, text):
    (tmp_path / "x.config").write_text(text)
    with pytest.raises(ValueError, match="x.config is (not a network|neither JSON nor YAML)"):
        read_configuration(mobile, tmp_path / "x.config")

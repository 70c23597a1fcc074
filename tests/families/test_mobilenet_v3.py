import ast
import csv

import numpy as np
import pytest

from nastoolkit.families import FAMILIES

# Counts of the released supernets' largest and smallest sub-networks: run in the code of github.com/mit-han-lab/once-for-all
# at commit f03b267, convolutions and linear layers counted as torchprofile does.
RELEASED = [
    ("ofa-mbv3-w1.0", "largest", 224, 7_664_760, 566_170_656),
    ("ofa-mbv3-w1.0", "smallest", 128, 3_410_792, 41_476_224),
    ("ofa-mbv3-w1.2", "largest", 224, 10_701_632, 843_101_040),
    ("ofa-mbv3-w1.2", "smallest", 160, 4_602_456, 100_320_888),
]

# Rows of the search logs of DyNAS-T (github.com/IntelLabs/DyNAS-T at commit 251cb5e, tests): kernels, expansions, depths,
# params, MACs at 224 pixels.
LOGGED = [
    ("57553337553773335555", "43444634434336664344", "23243", 5_029_656, 255_502_624),
    ("73375333737773753333", "36636366664346433644", "32232", 4_536_768, 244_945_104),
    ("75577777775355555773", "66466663666466446666", "44444", 7_077_384, 473_497_632),
]


def encode(family, kernels, expands, depths, resolution):
    """A genotype from Once-for-All's lists: 20 kernels and expansions, stage after stage, those of missing blocks included."""
    options = {"resolution": resolution}
    for stage, depth in enumerate(depths, start=1):
        options[f"stage{stage}.depth"] = depth
    for number, (kernel, expand) in enumerate(zip(kernels, expands, strict=True)):
        block = f"stage{number // 4 + 1}.block{number % 4 + 1}"
        options |= {f"{block}.kernel": kernel, f"{block}.expand": expand}
    return family.space.encode(options)


@pytest.mark.parametrize(("name", "end", "resolution", "params", "macs"), RELEASED)
def test_the_ends_of_the_released_spaces(name, end, resolution, params, macs):
    family = FAMILIES[name]()
    genotype = getattr(family.space, end)
    assert family.space.decode(genotype)["resolution"] == resolution
    assert (family.params(genotype), family.macs(genotype)) == (params, macs)


@pytest.mark.parametrize(("name", "n_resolutions"), [("ofa-mbv3-w1.0", 25), ("ofa-mbv3-w1.2", 17)])
def test_the_number_of_subnetworks(name, n_resolutions):
    # [Cai2020], Section 3.1: ((3 x 3)^2 + (3 x 3)^3 + (3 x 3)^4)^5, "roughly 2 x 10^19", at each of 25 input sizes.
    space = FAMILIES[name]().space
    assert space.size == n_resolutions * (9**2 + 9**3 + 9**4) ** 5
    assert space.restrict({"resolution": (192,)}).size == 7371**5


def test_the_wide_supernet_has_the_released_channels():
    # The first layers of ofa_mbv3_d234_e346_k357_w1.2, top to bottom.
    plan = dict(FAMILIES["ofa-mbv3-w1.2"]().plan(FAMILIES["ofa-mbv3-w1.2"]().space.smallest))
    stages = [plan[f"stage{stage}.block1"].out_channels for stage in range(1, 6)]
    assert [plan["stem"].out_channels, plan["first_block"].out_channels, *stages] == [24, 24, 32, 48, 96, 136, 192]
    assert (plan["final_expand"].out_channels, plan["feature_mix"].out_channels) == (1152, 1536)


def test_the_rows_of_mobilenet_v3():
    # [Howard2019], Table 1: stride, squeeze-excite and non-linearity of each stage; Once-for-All keeps them.
    plan = dict(FAMILIES["ofa-mbv3-w1.0"]().plan(FAMILIES["ofa-mbv3-w1.0"]().space.largest))
    first = [plan[f"stage{stage}.block1"] for stage in range(1, 6)]
    assert [spec.stride for spec in first] == [2, 2, 2, 1, 2]
    assert [spec.squeeze_excite for spec in first] == [False, True, False, True, True]
    assert [spec.act for spec in first] == ["relu", "relu", "h_swish", "h_swish", "h_swish"]
    assert [spec.input_size for spec in first] == [112, 56, 28, 14, 14] and plan["pool"].input_size == 7
    assert all(plan[f"stage{stage}.block{block}"].residual for stage in range(1, 6) for block in (2, 3, 4))


def test_a_stage_keeps_its_first_blocks():
    family = FAMILIES["ofa-mbv3-w1.0"]()
    genotype = encode(family, [3] * 20, [3] * 20, [2, 3, 4, 2, 3], 128)
    blocks = [name for name, _ in family.plan(genotype) if name.startswith("stage")]
    depths = {1: 2, 2: 3, 3: 4, 4: 2, 5: 3}
    assert blocks == [f"stage{stage}.block{block + 1}" for stage, depth in depths.items() for block in range(depth)]


@pytest.mark.parametrize(("kernels", "expands", "depths", "params", "macs"), LOGGED)
def test_counts_of_published_networks(kernels, expands, depths, params, macs):
    family = FAMILIES["ofa-mbv3-w1.0"]()
    genotype = encode(family, *(map(int, digits) for digits in (kernels, expands, depths)), 224)
    assert (family.params(genotype), family.macs(genotype)) == (params, macs)


def test_counts_of_all_published_networks(data_folder):
    family, genotypes, counts = FAMILIES["ofa-mbv3-w1.0"](), [], []
    for path in sorted((data_folder / "ofa-mbv3-w10-imagenet").glob("*.csv")):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                net = ast.literal_eval(row["Sub-network"])
                genotypes.append(encode(family, net["ks"], net["e"], net["d"], *net["r"]))
                counts.append((int(row["Model Parameters"]), int(row["MACs"])))
    genotypes, (params, macs) = np.array(genotypes), np.array(counts).T
    assert len(genotypes) == 2373 and len(np.unique(genotypes, axis=0)) == 2162
    np.testing.assert_array_equal(family.params(genotypes), params)
    np.testing.assert_array_equal(family.macs(genotypes), macs)

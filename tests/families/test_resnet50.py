from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from nastoolkit.benchmarks.members import members
from nastoolkit.families import FAMILIES
from nastoolkit.families.mobilenet_v3 import DIGITS as MOBILE
from nastoolkit.families.mobilenet_v3 import MobileNetV3Family
from nastoolkit.families.resnet50 import DIGITS, ResNet50Family
from nastoolkit.objectives import Objective
from nastoolkit.studies import optimize

# Counts of sub-networks of ofa_resnet50: run in the code of github.com/mit-han-lab/once-for-all at commit f03b267,
# convolutions and linear layers counted as torchprofile does. Its stem depth 2 keeps the second convolution, 0 leaves it out.
RELEASED = [  # stem depth, depths, expansion, middle width of the stem, other widths, resolution, params, MACs
    (2, 2, 0.35, 1.0, 1.0, 224, 48_105_992, 7_491_643_904),
    (2, 2, 0.35, 1.0, 1.0, 128, 48_105_992, 2_447_630_336),
    (0, 2, 0.25, 0.8, 0.8, 160, 19_668_992, 1_567_852_800),
    (2, 0, 0.35, 1.0, 0.65, 160, 12_158_520, 1_047_321_600),
    (0, 0, 0.2, 0.65, 0.65, 224, 6_539_280, 962_192_128),
    (0, 0, 0.2, 0.65, 0.65, 128, 6_539_280, 315_079_552),
]


@pytest.fixture(scope="module")
def family():
    return FAMILIES["ofa-resnet50"]()


def encode(family, stem_depth, depth, expand, mid_width, width, resolution):
    """The genotype with the same depth, expansion and width in every stage."""
    last = {"depth": depth, "expand": expand, "width": width}
    options = {name: last[name.rpartition(".")[2]] for name in family.space.names if name.startswith("stage")}
    stem = {"stem.depth": stem_depth, "stem.mid_width": mid_width, "stem.width": width}
    return family.space.encode({"resolution": resolution, **stem, **options})


@pytest.mark.parametrize(("stem_depth", "depth", "expand", "mid_width", "width", "resolution", "params", "macs"), RELEASED)
def test_counts_of_the_released_networks(family, stem_depth, depth, expand, mid_width, width, resolution, params, macs):
    genotype = encode(family, stem_depth, depth, expand, mid_width, width, resolution)
    assert (family.params(genotype), family.macs(genotype)) == (params, macs)


def test_the_ends_of_the_space(family):
    assert family.space.largest.tolist() == encode(family, 2, 2, 0.35, 1.0, 1.0, 224).tolist()
    assert family.space.smallest.tolist() == encode(family, 0, 0, 0.2, 0.65, 0.65, 128).tolist()


def test_the_number_of_subnetworks(family):
    # Stem: 2 depths, 9 widths; stages: 3 widths and 3^b expansions of b = 2, 3, 4 blocks, in the third stage of 4, 5, 6.
    per_resolution = 2 * 9 * (3 * (3**2 + 3**3 + 3**4)) ** 3 * (3 * (3**4 + 3**5 + 3**6))
    assert family.space.restrict({"resolution": (192,)}).size == per_resolution == pytest.approx(2.459e12, rel=1e-4)
    assert family.space.size == 25 * per_resolution


def test_the_published_size_counts_two_widths_apart_that_are_one(family):
    assert family.space.n_different * 3 == family.space.size * 2
    row = {"stem.mid_width": 0.65}
    other = family.space.decode(family.space.largest) | {"stem.mid_width": 0.8}
    np.testing.assert_array_equal(family.space.encode(other), family.space.encode(other | row))


def test_the_number_of_subnetworks_of_the_miniature():
    # Stem: 2 depths, 2 different middle widths, 3 widths. Two expansions are one at the least width of the first stage.
    first_stage = (2 + 2**2 + 2**3) + 2 * (3 + 3**2 + 3**3)
    size = 3 * 2 * 2 * 3 * first_stage * (3 * (3 + 3**2 + 3**3)) ** 2
    assert FAMILIES["digits-resnet50"]().space.size == size == 45_337_968


@pytest.mark.parametrize(
    "small",
    [
        ResNet50Family("small", replace(DIGITS, resolutions=(24, 32), depths=(0, 1), stages=DIGITS.stages[:1])),
        ResNet50Family(
            "narrow", replace(DIGITS, resolutions=(24,), widths=(0.5, 0.6, 0.75), depths=(0, 1), stages=DIGITS.stages[:1])
        ),
        MobileNetV3Family(
            "mobile", replace(MOBILE, depths=(1, 2), kernels=(3,), expands=(1.0, 1.1, 1.5), stages=MOBILE.stages[:2])
        ),
    ],
    ids=lambda family: family.name,
)
def test_every_subnetwork_is_counted_once(small):
    genotypes = product(*(range(len(choice.options)) for choice in small.space.choices))
    plans = {small.plan(np.array(genotype)) for genotype in genotypes}
    listed = members(small.space)
    assert small.space.size == len(plans) == len(listed)
    assert {small.plan(genotype) for genotype in listed} == plans


@pytest.mark.parametrize("algorithm", ["random", "nsga2", "linas", "default"])
def test_no_search_measures_a_subnetwork_twice(algorithm, tmp_path):
    family = FAMILIES["digits-resnet50"]()
    kept = {c.name: c.options[:1] for c in family.space.choices if "stage1" not in c.name and c.name != "stem.mid_width"}
    space = family.space.restrict({**kept, "stage1.depth": (0, 1)})
    measured = []

    def evaluate(genotypes):
        measured.extend(map(family.plan, genotypes))
        return family.params(genotypes)[:, None] / 1e3

    objectives = [Objective("params", "max"), Objective("mmacs", "min", exact=family.mmacs)]
    how = {"population": 20, "progress": False, "store": tmp_path / "a.sqlite"}
    history = optimize(space, evaluate, objectives, algorithm, 200, **how)
    assert len(measured) == len(set(measured)) == len(history) == space.size == 2 * (2 + 2**2 + 2 * (3 + 3**2))


def test_rows_of_the_table(family):
    plan = dict(family.plan(family.space.largest))
    first = [plan[f"stage{stage}.block1"] for stage in range(1, 5)]
    assert [plan[f"stem.conv{layer}"].out_channels for layer in (1, 2, 3)] == [32, 32, 64]
    assert [spec.out_channels for spec in first] == [256, 512, 1024, 2048]
    assert [spec.mid_channels for spec in first] == [88, 176, 360, 720]  # of the released file
    assert [spec.stride for spec in first] == [1, 2, 2, 2]
    assert [spec.input_size for spec in first] == [56, 56, 28, 14] and plan["pool"].input_size == 7
    downsampled = [name for name, spec in plan.items() if name.startswith("stage") and spec.downsample]
    assert downsampled == [f"stage{stage}.block1" for stage in range(1, 5)]


@pytest.mark.parametrize(
    ("width", "stem", "stages"), [(0.65, (24, 40), (168, 336, 664, 1328)), (0.8, (24, 48), (208, 408, 816, 1640))]
)
def test_channels_are_rounded_as_released(family, width, stem, stages):
    plan = dict(family.plan(encode(family, 0, 0, 0.2, width, width, 128)))
    assert (plan["stem.conv1"].out_channels, plan["stem.conv3"].out_channels) == stem
    assert tuple(plan[f"stage{stage}.block1"].out_channels for stage in range(1, 5)) == stages


def test_a_stage_keeps_its_first_blocks(family):
    options = family.space.decode(encode(family, 0, 2, 0.2, 1.0, 1.0, 128))
    depths = {1: 0, 2: 1, 3: 2, 4: 0}
    options |= {f"stage{stage}.depth": depth for stage, depth in depths.items()}
    names = [name for name, _ in family.plan(family.space.encode(options))]
    blocks = [f"stage{s}.block{b + 1}" for s, n in ((1, 2), (2, 3), (3, 6), (4, 2)) for b in range(n)]
    assert names == ["stem.conv1", "stem.conv3", "stem.pool", *blocks, "pool", "classifier"]


def test_widths_of_one_stage_reach_the_next(family):
    options = family.space.decode(family.space.largest)
    plan = dict(family.plan(family.space.encode({**options, "stage2.width": 0.8, "stem.mid_width": 0.65, "stem.width": 0.65})))
    assert [plan[f"stem.conv{layer}"].in_channels for layer in (1, 2, 3)] == [3, 24, 24]
    assert [plan[f"stage{stage}.block1"].in_channels for stage in range(1, 5)] == [40, 256, 408, 1024]
    assert {plan[f"stage2.block{block}"].in_channels for block in (2, 3, 4)} == {408}


def test_two_middle_widths_of_the_stem_are_one_and_no_other_options(family):
    # 0.65 x 32 and 0.8 x 32 round to 24 in the release, whose count of sub-networks has both.
    space = family.space
    for name, choice in zip(space.names, space.choices, strict=True):
        options = space.decode(space.largest)
        plans = {family.plan(space.encode({**options, name: option})) for option in choice.options}
        assert len(plans) == len(choice.options) - (name == "stem.mid_width")

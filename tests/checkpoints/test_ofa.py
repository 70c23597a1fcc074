"""Key names of Once-for-All's files, elastic and not; that whole files load is proved in test_golden.py."""

import re

import pytest
import torch

from nastoolkit.checkpoints import FORMATS, ofa, ofa_resnet50
from nastoolkit.families import FAMILIES
from nastoolkit.supernets import load_supernet

MOBILE = [
    ("first_conv.bn.running_mean", "stem.bn.running_mean"),
    ("blocks.0.mobile_inverted_conv.depth_conv.conv.weight", "first_block.depthwise.conv.weight"),
    ("blocks.1.mobile_inverted_conv.inverted_bottleneck.conv.conv.weight", "stage1.block1.expand.conv.weight"),
    ("blocks.4.conv.inverted_bottleneck.bn.bn.weight", "stage1.block4.expand.bn.weight"),
    ("blocks.5.mobile_inverted_conv.depth_conv.conv.conv.weight", "stage2.block1.depthwise.conv.weight"),
    ("blocks.5.mobile_inverted_conv.depth_conv.conv.7to5_matrix", "stage2.block1.depthwise.conv.7to5_matrix"),
    ("blocks.20.conv.depth_conv.se.fc.reduce.bias", "stage5.block4.excite.reduce.bias"),
    ("blocks.21.conv.point_linear.conv.conv.weight", "stage6.block1.project.conv.weight"),
    ("final_expand_layer.conv.weight", "final_expand.conv.weight"),
    ("feature_mix_layer.bn.bias", "feature_mix.bn.bias"),
    ("classifier.linear.bias", "classifier.linear.bias"),
    # the teacher, without choices
    ("blocks.1.mobile_inverted_conv.inverted_bottleneck.conv.weight", "stage1.block1.expand.conv.weight"),
    ("blocks.1.mobile_inverted_conv.depth_conv.bn.running_var", "stage1.block1.depthwise.bn.running_var"),
    ("blocks.1.mobile_inverted_conv.point_linear.conv.weight", "stage1.block1.project.conv.weight"),
]
RESNET50 = [
    ("input_stem.0.conv.conv.weight", "stem.conv1.conv.weight"),
    ("input_stem.1.conv.conv.conv.weight", "stem.conv2.conv.weight"),
    ("input_stem.1.conv.bn.bn.running_var", "stem.conv2.bn.running_var"),
    ("input_stem.2.bn.bn.bias", "stem.conv3.bn.bias"),
    ("blocks.0.conv1.conv.conv.weight", "stage1.block1.conv1.conv.weight"),
    ("blocks.0.downsample.conv.conv.weight", "stage1.block1.downsample.conv.weight"),
    ("blocks.3.conv2.bn.bn.weight", "stage1.block4.conv2.bn.weight"),
    ("blocks.4.downsample.bn.bn.weight", "stage2.block1.downsample.bn.weight"),
    ("blocks.13.conv3.conv.conv.weight", "stage3.block6.conv3.conv.weight"),
    ("blocks.17.conv3.conv.conv.weight", "stage4.block4.conv3.conv.weight"),
    ("classifier.linear.linear.weight", "classifier.linear.weight"),
    # without choices
    ("input_stem.1.conv.conv.weight", "stem.conv2.conv.weight"),
    ("blocks.0.conv1.conv.weight", "stage1.block1.conv1.conv.weight"),
    ("classifier.linear.weight", "classifier.linear.weight"),
]


@pytest.mark.parametrize(
    ("released", "theirs", "ours"), [*((ofa, *row) for row in MOBILE), *((ofa_resnet50, *row) for row in RESNET50)]
)
def test_names(released, theirs, ours):
    assert list(released.translate({theirs: torch.zeros(1)})) == [ours]


@pytest.mark.parametrize(("released", "rows"), [(ofa, MOBILE), (ofa_resnet50, RESNET50)])
def test_each_format_knows_its_own(released, rows):
    keys = dict(rows)
    assert [other for other in FORMATS.values() if other.recognise(keys)] == [released]


def released_name(ours):
    """A name in the teacher, the network of one choice: nested once, no transforms of kernels."""
    name = re.sub(r"^stem\.", "first_conv.", ours)
    name = re.sub(r"^(final_expand|feature_mix)\.", r"\1_layer.", name)
    name = re.sub(r"^first_block\.", "blocks.0.mobile_inverted_conv.", name)
    name = re.sub(r"^stage(\d)\.block(\d)\.", lambda m: f"blocks.{4 * int(m[1]) + int(m[2]) - 4}.mobile_inverted_conv.", name)
    parts = {".expand.": ".inverted_bottleneck.", ".depthwise.": ".depth_conv.", ".project.": ".point_linear."}
    for part, theirs in parts.items():
        name = name if ".excite." in name else name.replace(part, theirs)
    return name.replace(".excite.", ".depth_conv.se.fc.")


def test_a_teacher_loads_with_kernels_cropped(tmp_path):
    family = FAMILIES["ofa-mbv3-w1.0"]()
    own = family.build(family.space.largest).state_dict()
    torch.save({"state_dict": {released_name(name): tensor for name, tensor in own.items()}}, tmp_path / "ofa_D4_E6_K7")
    supernet = load_supernet("ofa-mbv3-w1.0", tmp_path / "ofa_D4_E6_K7")
    shared = supernet.shared.state_dict()
    assert all(torch.equal(shared[name], tensor) for name, tensor in own.items())
    smaller = supernet.extract(family.space.smallest).state_dict()["stage1.block1.depthwise.conv.weight"]
    assert torch.equal(smaller, own["stage1.block1.depthwise.conv.weight"][: len(smaller), :, 2:-2, 2:-2])

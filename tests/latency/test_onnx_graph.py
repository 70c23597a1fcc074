import numpy as np
import pytest

from nastoolkit.latency.backends.onnx_graph import block_times, node_shares


def test_nodes_belong_to_the_block_whose_path_they_have_and_others_to_the_block_before():
    nodes = [
        ("ReorderInput", 1),
        ("/stem/conv/Conv_kernel_time", 10),
        ("/stage1/block1/expand/Conv_kernel_time", 100),
        ("ReorderOutput_token_3", 1000),
        ("/stage1/block10/expand/Conv", 10_000),
        ("/stage1/block1/project/Conv", 100_000),
        ("output_nchwc", 1_000_000),
    ]
    assert block_times(nodes, ["stem", "stage1.block1", "stage1.block10"]) == [11, 101_100, 1_010_000]


def test_shares_are_medians_over_runs_and_add_up_to_one():
    runs = [[("/a/Conv", 1.0), ("/b/Conv", 3.0)], [("/a/Conv", 10.0), ("/b/Conv", 30.0)], [("/a/Conv", 9.0), ("/b/Conv", 1.0)]]
    np.testing.assert_allclose(node_shares(runs, ["a", "b"]), [0.25, 0.75])


@pytest.mark.parametrize(("nodes", "told"), [(("/a/x", "/b/x", "/d/x"), True), (("/a/x", "MatMul_1", "MatMul_2"), False)])
def test_a_few_blocks_without_nodes_are_fused_but_many_are_not_told(nodes, told):
    assert (node_shares([[(node, 1.0) for node in nodes]], ["a", "b", "c", "d"]) is not None) == told

import pytest

from nastoolkit.measurements.backends.onnx_runtime import _block_totals


def kernel(name, dur):
    return {"name": f"{name}_kernel_time", "dur": dur, "ts": 0}


def test_nodes_belong_to_the_block_whose_path_they_have_and_others_to_the_block_before():
    kernels = [
        kernel("ReorderInput", 1),
        kernel("/stem/conv/Conv", 10),
        kernel("/stage1/block1/expand/Conv", 100),
        kernel("ReorderOutput_token_3", 1000),
        kernel("/stage1/block10/expand/Conv", 10_000),
        kernel("/stage1/block1/project/Conv", 100_000),
        kernel("output_nchwc", 1_000_000),
    ]
    totals = _block_totals(kernels, ["stem", "stage1.block1", "stage1.block10"])
    microseconds = {"stem": 11, "stage1.block1": 101_100, "stage1.block10": 1_010_000}
    assert totals == pytest.approx({name: 1e-6 * value for name, value in microseconds.items()})

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from nastoolkit.benchmarks import BENCHMARKS
from nastoolkit.figures import new_figure, save_figure
from nastoolkit.latency.backends import BACKENDS
from nastoolkit.search import ALGORITHMS
from nastoolkit.support import display_names
from nastoolkit.support.display_names import algorithm_name, hardware_name, quantity_label, readable


def test_every_algorithm_backend_and_benchmark_has_a_name_of_its_own():
    for name, registry in (("ALGORITHMS", ALGORITHMS), ("BACKENDS", BACKENDS), ("BENCHMARKS", BENCHMARKS)):
        names = getattr(display_names, name)
        assert names.keys() == registry.keys() and len(set(names.values())) == len(names)
    assert algorithm_name("mine") == "mine"


@pytest.mark.parametrize(
    ("name", "unit", "label"),
    [
        ("accuracy_top1", "%", "accuracy (top-1, %)"),
        ("latency_ms", "ms", "latency (ms)"),
        ("mmacs", "MMACs", "MACs (millions)"),
        ("params", "", "parameters"),
        ("params", "million", "parameters (millions)"),
        ("double", "", "double"),
        ("cost", "ms", "cost (ms)"),
        ("wait_ms", "ms", "wait_ms"),
        ("latency", "share of the largest", "latency (share of the largest)"),
    ],
)
def test_a_label_has_words_and_a_unit(name, unit, label):
    assert quantity_label(name, unit) == label


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("accuracy_top1 [%], test", "accuracy (top-1, test, %)"),
        ("accuracy_top1 [%] of ImageNet", "accuracy (top-1, ImageNet, %)"),
        ("predicted accuracy in %", "predicted accuracy (%)"),
        ("latency of torch 128 1, in ms", "latency of PyTorch, batch 128, 1 thread (ms)"),
        ("onnxruntime-int8 1 2", "ONNX Runtime INT8, batch 1, 2 threads"),
        ("MMACs", "MACs (millions)"),
        ("MMACs of a path", "MMACs of a path"),
        ("latency_ms", "latency (ms)"),
        ("linas, seed 1", "LINAS, seed 1"),
        ("nsga2", "NSGA-II"),
        ("concurrent (linas)", "concurrent (LINAS)"),
        ("random", "random"),
        ("front\nofa-mbv3-w12-macs", "front\nwide Once-for-All"),
        ("nas-bench-201-cells", "nas-bench-201-cells"),
        ("hypervolume in % MMACs", "hypervolume in % MMACs"),
        ("", ""),
    ],
)
def test_labels_of_figures_are_readable(text, shown):
    assert readable(text) == shown == readable(shown)


def test_a_saved_figure_has_the_names_and_its_points_keep_theirs(tmp_path):
    figure, (axis,) = new_figure()
    axis.plot([0, 1], [0, 1], label="linas")
    axis.set(xlabel="latency_ms", ylabel="accuracy_top1 [%], test", title="torch 1 1")
    axis.legend()
    save_figure(figure, pd.DataFrame({"latency_ms": [1.0]}), tmp_path / "one")
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("latency (ms)", "accuracy (top-1, test, %)")
    assert axis.get_title() == hardware_name("torch", 1, 1) and axis.get_legend().get_texts()[0].get_text() == "LINAS"
    assert (tmp_path / "one.csv").read_text().startswith("latency_ms")
    plt.close(figure)


def test_so_has_the_legend_of_a_whole_figure(tmp_path):
    figure, (axis,) = new_figure()
    axis.plot([0, 1], [0, 1], label="nsga2")
    legend = figure.legend()
    save_figure(figure, pd.DataFrame(), tmp_path / "one")
    assert [text.get_text() for text in legend.get_texts()] == ["NSGA-II"]
    plt.close(figure)

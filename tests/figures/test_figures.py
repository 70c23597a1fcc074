from dataclasses import replace
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection

from nastoolkit.blocks import describe_block
from nastoolkit.figures import (
    COLOURS,
    draw_network,
    new_figure,
    output_folder,
    plot_agreement,
    plot_bands,
    plot_breakdown,
    plot_clusters,
    plot_forest,
    plot_fronts,
    plot_genes,
    plot_growing_front,
    plot_hypervolume,
    plot_hypervolume_bands,
    plot_importance,
    plot_intervals,
    plot_learning_curve,
    plot_matrix,
    plot_medians,
    plot_options,
    plot_progress,
    plot_ratio_lines,
    plot_ratios,
    plot_repeated_front,
    plot_residuals,
    save_figure,
)
from nastoolkit.figures.colours import colours_of
from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.statistics import counted

SPACE = SearchSpace([Choice("a", tuple(range(9))), Choice("b", tuple(range(9)))])
OBJECTIVES = (Objective("accuracy_top1", "max", "%"), Objective("latency_ms", "min", "ms"))


def history(seed, n=12):
    rng = np.random.default_rng(seed)
    genotypes = np.array([divmod(index, 9) for index in rng.permutation(81)[:n]])
    return History(SPACE, OBJECTIVES, genotypes, np.column_stack([rng.uniform(70, 80, n), rng.uniform(1, 9, n)]))


def test_a_figure_has_the_asked_columns():
    figure, axes = new_figure(columns=3, height=2.0)
    assert len(axes) == 3 and figure.axes == list(axes)
    np.testing.assert_allclose(figure.get_size_inches(), (10.2, 2.0))
    assert plt.rcParams["axes.spines.top"] is False and plt.rcParams["pdf.fonttype"] == 42


def test_three_files_of_a_figure(tmp_path):
    figure, (axis,) = new_figure()
    points = pd.DataFrame({"x": [1, 2, 3], "y": [0.1, 1 / 3, 2e-9], "search": ["linas", "linas", "random, uniform"]})
    axis.plot(points.x, points.y)
    files = save_figure(figure, points, tmp_path / "new" / "fig10.hypervolume")
    assert [file.name for file in files] == [f"fig10.hypervolume.{suffix}" for suffix in ("pdf", "png", "csv")]
    assert [file.read_bytes()[:4] for file in files[:2]] == [b"%PDF", b"\x89PNG"]
    pd.testing.assert_frame_equal(pd.read_csv(files[2]), points)


def test_fronts_are_those_of_the_histories():
    histories, (_, (axis,)) = {"linas": history(0), "random": history(1, n=5)}, new_figure()
    frame = plot_fronts(axis, histories)
    assert frame.columns.tolist() == ["latency_ms", "accuracy_top1", "search", "on_front"]
    assert frame.search.tolist() == ["linas"] * 12 + ["random"] * 5
    for label, searched in histories.items():
        rows = frame[frame.search == label]
        np.testing.assert_array_equal(rows[["accuracy_top1", "latency_ms"]], searched.values)
        front = rows[rows.on_front].sort_values("accuracy_top1", ascending=False)
        np.testing.assert_array_equal(front[["accuracy_top1", "latency_ms"]], searched.front().values)
        assert 0 < len(front) < len(rows)
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("latency (ms)", "accuracy (top-1, %)")
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["linas", "random"]
    for line, searched in zip(axis.lines, histories.values(), strict=True):
        np.testing.assert_array_equal(line.get_xydata()[::-1], searched.front().values[:, ::-1])


def test_no_search_is_left_out_for_want_of_colours():
    histories = {f"search {number}": history(number) for number in range(len(COLOURS) + 2)}
    _, axes = new_figure(columns=2)
    assert set(plot_fronts(axes[0], histories).search) == set(histories)
    assert set(plot_hypervolume(axes[1], histories, (70.0, 9.0)).search) == set(histories)


def test_hypervolumes_are_the_curves_of_the_histories():
    histories, (_, (axis,)) = {"linas": history(0), "random": history(1, n=5)}, new_figure()
    frame = plot_hypervolume(axis, histories, (70.0, 9.0))
    assert frame.columns.tolist() == ["search", "evaluations", "hypervolume"]
    for label, searched in histories.items():
        rows = frame[frame.search == label]
        assert rows.evaluations.tolist() == list(range(1, len(searched) + 1))
        np.testing.assert_array_equal(rows.hypervolume, searched.hypervolume_curve((70.0, 9.0)))
    assert frame.hypervolume.iloc[11] == histories["linas"].hypervolume((70.0, 9.0)) > 0


def test_a_growing_front_is_the_fronts_so_far_and_every_measured_point_once():
    searched, known, (_, (axis,)) = history(0), history(1), new_figure()
    frame = plot_growing_front(axis, searched, [4, 12], known)
    assert [text.get_text() for text in axis.legend().get_texts()] == ["known front", "4", "12"]
    for line, label, done in zip(axis.lines, ("known front", "4", "12"), (known, searched[:4], searched), strict=True):
        np.testing.assert_array_equal(line.get_xydata()[::-1], done.front().values[:, ::-1])
        np.testing.assert_array_equal(frame[frame.evaluations == label].iloc[:, :2], line.get_xydata())
    dots = np.concatenate([np.asarray(part.get_offsets()) for part in axis.collections])
    np.testing.assert_array_equal(dots[:, ::-1], searched.values)


def test_agreement_returns_what_it_draws():
    measured = pd.DataFrame({"table_ms": [1.0, 3.0], "measured_ms": [1.5, 2.5], "params": [1, 2]})
    _, (axis,) = new_figure()
    frame = plot_agreement(axis, measured, "table_ms", "measured_ms", "title")
    pd.testing.assert_frame_equal(frame, measured[["table_ms", "measured_ms"]])
    np.testing.assert_array_equal(axis.collections[0].get_offsets(), frame)
    np.testing.assert_array_equal(axis.lines[0].get_xydata(), [[1, 1], [3, 3]])
    assert (axis.get_xlabel(), axis.get_ylabel(), axis.get_title()) == ("table_ms", "measured_ms", "title")


SCORES = pd.DataFrame(
    {"n_train": [10, 10, 20, 20, 10], "device": list("aabba"), "tau": [0.5, 0.7, 0.8, 0.8, 0.1], "by": ["svr"] * 4 + ["mlp"]}
)


def test_a_band_is_a_standard_deviation_around_the_mean():
    _, (axis,) = new_figure()
    points = plot_bands(axis, SCORES, "n_train", "tau", "by")
    np.testing.assert_allclose(axis.lines[0].get_xydata(), [[10, 0.6], [20, 0.8]])
    low, high = (
        axis.collections[0].get_paths()[0].vertices[:, 1].min(),
        axis.collections[0].get_paths()[0].vertices[:, 1].max(),
    )
    assert (low, high) == pytest.approx((0.6 - 0.02**0.5, 0.8))
    assert points["mean"].tolist() == pytest.approx([0.6, 0.8, 0.1]) and points["size"].tolist() == [2, 2, 1]
    assert [text.get_text() for text in axis.legend().get_texts()] == ["svr", "mlp"]


def test_intervals_stand_in_rows_from_top_to_bottom():
    _, (axis,) = new_figure()
    points = plot_intervals(axis, SCORES, "tau", "device", "by")
    assert points["mean"].tolist() == pytest.approx([0.6, 0.8, 0.1])
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a", "b"] and axis.get_ylim() == (1.5, -0.5)
    svr, mlp = (container.lines[0].get_xydata() for container in axis.containers)
    np.testing.assert_allclose(svr[:, 1] - [0, 1], svr[0, 1])
    assert -0.5 < svr[0, 1] < mlp[0, 1] < 0.5


def test_medians_have_intervals_and_the_infinite_none():
    frame = pd.DataFrame({"row": list("aaabbb"), "by": "x", "times": [1.0, 2.0, 8.0, 3.0, np.inf, np.inf]})
    _, (axis,) = new_figure()
    points = plot_medians(axis, frame, "times", "row", "by")
    assert points[["row", "low", "size"]].to_numpy().tolist() == [["a", 1.0, 3], ["b", 3.0, 3]]
    np.testing.assert_array_equal(axis.containers[0].lines[0].get_xydata(), [[2.0, 0.0], [np.nan, 1.0]])


def test_ratios_that_hang_on_unknown_ones_have_no_marker_and_open_ends_leave_the_axes():
    theirs = counted([100] * 6, 100)
    ratios = {("linas", "low"): theirs / counted([50] * 6, 100), ("linas", "high"): theirs / counted([20, np.inf] * 3, 100)}
    _, (axis,) = new_figure()
    points = plot_ratios(axis, ratios, "times fewer")
    assert points.center[0] == 2 and np.isnan(points.center[1]) and "3 of 6" in points.text[1]
    assert points[["low", "high"]].to_numpy().tolist() == [[2, 2], [0, 5]]
    np.testing.assert_array_equal(axis.containers[0].lines[0].get_xydata(), [[2.0, 0.0], [np.nan, 1.0]])
    (bars,) = axis.collections
    assert bars.get_segments()[1][0, 0] < axis.get_xlim()[0] and bars.get_segments()[1][1, 0] == 5
    assert axis.get_xscale() == "log"


FOREST = pd.DataFrame(
    {
        "claim": list("abcde"),
        "value": [0.5, None, -3, 2, 1000],
        "low": [0.25, None, -4, 1.5, 900],
        "high": [1, None, -2, np.inf, 1100],
        "verdict": ["agrees", "inconclusive", "no effect", "stronger", "outdated"],
        "text": ["1 of 2", "? of 1", "", "", ""],
    }
)


def test_a_forest_has_a_row_for_each_claim_and_arrows_where_an_interval_has_no_end():
    _, (axis,) = new_figure()
    plot_forest(axis, FOREST, "ours over theirs")
    assert [label.get_text() for label in axis.get_yticklabels()] == list("abcde")
    left, right = axis.get_xlim()
    lines = {line.get_segments()[0][0, 1]: line.get_segments()[0][:, 0].tolist() for line in axis.collections}
    assert lines == {0: [0.25, 1], 1: [left, right], 2: [left, left], 3: [1.5, right], 4: [right, right]}
    arrows = {way: [row for line in axis.lines if line.get_marker() == way for row in line.get_ydata()] for way in "<>"}
    assert arrows == {"<": [1, 2], ">": [1, 3, 4]} and axis.get_xscale() == "log" and left < 0.25 < 30 < right


def test_a_forest_has_the_colours_of_the_verdicts_and_hollow_markers_for_what_is_undecided():
    _, (axis,) = new_figure()
    plot_forest(axis, FOREST, "")
    handles, words = axis.get_legend_handles_labels()
    drawn = dict(zip(words, handles, strict=True))
    assert words == FOREST.verdict.tolist() and len({(line.get_marker(), line.get_color()) for line in handles}) == 5
    assert [word for word in words if drawn[word].get_markerfacecolor() == "white"] == ["inconclusive", "outdated"]
    values = {word: line.get_xdata().tolist()[0] for word, line in drawn.items()}
    assert values["agrees"] == 0.5 and values["stronger"] == 2
    assert np.isnan([values[word] for word in ("inconclusive", "no effect", "outdated")]).all()
    assert [text.get_text() for text in axis.texts] == FOREST.text.tolist()


def test_a_learning_curve_has_errors_and_ranks_over_the_sizes():
    columns = {"n_train": [10, 10, 20], "predictor": "svr", "mape_percent": [4.0, 2.0, 1.0], "kendall_tau": [0.4, 0.6, 0.9]}
    _, axes = new_figure(columns=2)
    points = plot_learning_curve(axes, pd.DataFrame(columns))
    np.testing.assert_allclose(axes[0].lines[0].get_xydata(), [[10, 3], [20, 1]])
    np.testing.assert_allclose(axes[1].lines[0].get_xydata(), [[10, 0.5], [20, 0.9]])
    assert list(points.quantity) == ["mape_percent"] * 2 + ["kendall_tau"] * 2
    assert [label.get_text() for label in axes[0].get_xticklabels()] == ["10", "20"] and axes[1].get_ylim() == (0.5, 1)


def test_a_matrix_has_the_text_of_each_cell_at_its_place_and_readable():
    values = pd.DataFrame([[0.0, 9.0, np.nan], [1.0, 2.0, 3.0]], ["torch, batch 1", "MACs"], ["a", "b", "c"])
    texts = pd.DataFrame([["c1", "a1", "b1"], ["c0", "a0", "b0"]], ["MACs", "torch, batch 1"], ["c", "a", "b"])
    _, (axis,) = new_figure()
    plot_matrix(axis, values, texts, "lost in %")
    np.testing.assert_array_equal(axis.images[0].get_array().filled(np.nan), values)
    places = {text.get_text(): (*text.get_position(), text.get_color()) for text in axis.texts}
    assert places["a0"] == (0, 0, "black") and places["b0"] == (1, 0, "white") and places["c0"] == (2, 0, "black")
    assert places["a1"][:2] == (0, 1) and len(places) == 6
    assert [label.get_text() for label in axis.get_yticklabels()] == ["torch\nbatch 1", "MACs"]
    assert axis.get_title() == "lost in %"


def test_a_drawn_network_is_its_plan(tiny):
    plan, (_, (axis,)) = tiny.plan(tiny.space.largest), new_figure()
    frame = draw_network(axis, plan, lambda spec: spec.macs / 1e6, "MMACs")
    assert frame.columns.tolist() == ["block", "MMACs", "settings"]
    assert frame.block.tolist() == [name for name, _ in plan] == [text.get_text() for text in axis.get_yticklabels()]
    assert frame.settings.tolist() == [describe_block(spec) for _, spec in plan] == [text.get_text() for text in axis.texts]
    np.testing.assert_array_equal(frame.MMACs, [spec.macs / 1e6 for _, spec in plan])
    np.testing.assert_array_equal(frame.MMACs, [bar.get_width() for bar in axis.patches])
    assert axis.yaxis_inverted()


def test_a_relative_output_folder_starts_at_the_repository_from_any_folder_of_it(tmp_path, monkeypatch):
    (tmp_path / "clone" / "experiments").mkdir(parents=True)
    (tmp_path / "clone" / "experiments" / "run.py").touch()
    (tmp_path / "clone" / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "clone" / "notebooks")
    assert output_folder("runs/a") == tmp_path / "clone" / "runs" / "a"
    monkeypatch.chdir(tmp_path)
    assert output_folder("runs/a") == tmp_path / "runs" / "a" and (tmp_path / "runs" / "a").is_dir()
    assert output_folder(tmp_path / "b") == tmp_path / "b"


def test_progress_is_coloured_by_evaluation():
    figure, (axis,) = new_figure()
    searched = history(3)
    points = plot_progress(axis, searched)
    drawn = axis.collections[0]
    np.testing.assert_array_equal(drawn.get_offsets(), searched.values[:, ::-1])
    np.testing.assert_array_equal(drawn.get_array(), np.arange(1, 13))
    assert points[points.on_front].accuracy_top1.tolist() == sorted(
        searched.front().values[:, 0], key=list(points.accuracy_top1).index
    )
    assert [other.get_ylabel() for other in figure.axes] == ["accuracy (top-1, %)", "evaluation"]


def test_shares_of_options_and_a_cross_on_those_that_a_smaller_space_lacks(tmp_path):
    space = SearchSpace(
        [Choice("stage1.depth", (1, 2)), Choice("stage1.block1.kernel", (3, 5, 7)), Choice("stage2.block1.kernel", (3, 5, 7))]
    ).restrict({"stage2.block1.kernel": (5,)})
    genotypes = np.array([[0, 2, 1], [0, 2, 1], [1, 0, 1], [1, 2, 1]])
    past = History(space, OBJECTIVES, genotypes, np.zeros((4, 2)))
    figure, (axis,) = new_figure()
    points = plot_options(axis, past, space.restrict({"stage1.block1.kernel": (3, 7)}))
    assert points.place.unique().tolist() == ["stage1", "stage1.block1"]  # where one option is left nothing is chosen
    assert points.option.tolist() == ["depth 1", "depth 2", "kernel 3", "kernel 5", "kernel 7"]
    assert points.share.tolist() == [0.5, 0.5, 0.25, 0, 0.75]
    assert [text.get_text() for text in axis.texts].count("×") == 1
    save_figure(figure, points, tmp_path / "options")


def test_a_repeated_front_is_that_of_the_means_with_deviations_as_bars():
    first = history(0)
    repeats = [replace(first, values=first.values + shift) for shift in ([0, 0], [2, 1], [4, 2])]
    _, (axis,) = new_figure()
    frame = plot_repeated_front(axis, repeats)
    np.testing.assert_allclose(frame[["accuracy_top1", "latency_ms"]], first.values + [2, 1])
    np.testing.assert_allclose(frame[["accuracy_top1_std", "latency_ms_std"]], [[2, 1]] * len(first))
    front = frame[frame.on_front].sort_values("accuracy_top1", ascending=False)
    np.testing.assert_allclose(front[["accuracy_top1", "latency_ms"]], first.front().values + [2, 1])
    (bars,) = axis.containers
    np.testing.assert_allclose([np.ptp(ends[:, 0]) for ends in segments(bars, 0)], 2)
    np.testing.assert_allclose([np.ptp(ends[:, 1]) for ends in segments(bars, 1)], 4)
    with pytest.raises(ValueError, match="two or more measurements of the same"):
        plot_repeated_front(axis, [first])
    with pytest.raises(ValueError, match="two or more measurements of the same"):
        plot_repeated_front(axis, [first, history(1)])


def segments(bars, direction):
    """The bars of an error-bar plot, across (0) or up (1)."""
    return bars.lines[2][direction].get_segments()


def test_hypervolume_bands_are_over_the_seeds():
    histories, (_, (axis,)) = {"linas": [history(0), history(1)], "random": [history(2), history(3)]}, new_figure()
    points = plot_hypervolume_bands(axis, histories, (70.0, 9.0))
    for label, seeds in histories.items():
        curves = np.array([one.hypervolume_curve((70.0, 9.0)) for one in seeds])
        rows = points[points.search == label]
        assert rows.evaluations.tolist() == list(range(1, 13)) and (rows["size"] == 2).all()
        np.testing.assert_allclose(rows["mean"], curves.mean(axis=0))
        np.testing.assert_allclose(rows["std"], curves.std(axis=0, ddof=1))
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["linas", "random"]


def test_a_line_of_many_points_has_few_markers():
    _, (axis,) = new_figure()
    plot_bands(axis, pd.DataFrame({"n": range(200), "y": 1.0, "by": "a"}), "n", "y", "by")
    assert len(axis.lines[0].get_xydata()) == 200 and 200 / axis.lines[0].get_markevery() < 20


CONDITIONAL = SearchSpace([Choice("depth", (2, 3)), Choice("kernel", (3, 5, 7), when=("depth", (3,))), Choice("one", (1,))])


def test_genes_of_a_front_are_lines_through_their_options_that_stop_where_a_choice_is_dead():
    genotypes, values = np.array([[0, 0, 0], [1, 2, 0], [1, 0, 0]]), np.array([[70.0, 1], [80, 3], [75, 2]])
    figure, (axis,) = new_figure()
    frame = plot_genes(axis, History(CONDITIONAL, OBJECTIVES, genotypes, values))
    assert frame.accuracy_top1.tolist() == [80, 75, 70] and frame.kernel.fillna(0).tolist() == [7, 3, 0]
    assert [label.get_text() for label in axis.get_xticklabels()] == [
        "depth",
        "kernel",
    ]  # where one option is left nothing is chosen
    (lines,) = [part for part in axis.collections if isinstance(part, LineCollection)]
    heights = np.array([line[:, 1] for line in lines.get_segments()[:2]])
    np.testing.assert_allclose(heights, [[1, 1], [1, 0]], atol=0.1)
    assert len(lines.get_segments()[2]) == 1 and lines.get_array().tolist() == [80, 75, 70]
    assert [text.get_text() for text in axis.texts] == ["2", "3", "3", "5", "7"]
    assert [other.get_ylabel() for other in figure.axes][1] == "accuracy (top-1, %)"


def test_genes_of_a_restricted_space_and_of_no_front():
    space = CONDITIONAL.restrict({"kernel": (5, 7)})
    _, axes = new_figure(columns=2)
    for axis, n in zip(axes, (1, 0), strict=True):
        plot_genes(axis, History(space, OBJECTIVES, np.array([[0, 0, 0]])[:n], np.array([[70.0, 1]])[:n]))
        assert [text.get_text() for text in axis.texts] == ["2", "3", "5", "7"]


def test_importance_is_bars_from_the_greatest():
    frame = pd.DataFrame({"choice": ["b", "a"], "importance": [2.0, 0.5], "std": [0.2, 0.1]})
    _, (axis,) = new_figure()
    pd.testing.assert_frame_equal(plot_importance(axis, frame, "added error"), frame)
    assert [bar.get_width() for bar in axis.patches] == [2.0, 0.5] and axis.yaxis_inverted()
    assert [label.get_text() for label in axis.get_yticklabels()] == ["b", "a"] and axis.get_xlabel() == "added error"
    np.testing.assert_allclose([np.ptp(ends[:, 0]) for ends in segments(axis.containers[0], 0)], [0.4, 0.2])


def test_residuals_are_what_the_prediction_misses():
    frame = pd.DataFrame({"predicted": [1.0, 2.0, 4.0], "measured": [1.5, 2.0, 3.0]})
    _, axes = new_figure(columns=2)
    points = plot_residuals(axes, frame, "predicted", "measured")
    assert points.residual.tolist() == [0.5, 0.0, -1.0]
    np.testing.assert_array_equal(axes[0].collections[0].get_offsets(), frame)
    np.testing.assert_array_equal(axes[1].collections[0].get_offsets(), points[["predicted", "residual"]])
    (band,) = axes[1].patches
    assert (band.get_y(), band.get_height()) == pytest.approx((-1 / 6 - points.residual.std(), 2 * points.residual.std()))
    assert axes[0].get_title() == "Kendall tau 1.00, MAPE 22 %"


def test_a_breakdown_is_the_blocks_of_each_network_end_to_end(tiny):
    plans = {"large": tiny.plan(tiny.space.largest), "small": tiny.plan(tiny.space.smallest)}
    _, (axis,) = new_figure()
    frame = plot_breakdown(axis, plans, lambda spec: spec.macs / 1e6, "MMACs")
    assert frame.block.tolist() == [name for plan in plans.values() for name, _ in plan]
    for row, (network, plan) in enumerate(plans.items()):
        bars = [bar for bar in axis.patches if round(bar.get_y() + bar.get_height() / 2) == row]
        np.testing.assert_allclose([bar.get_width() for bar in bars], [spec.macs / 1e6 for _, spec in plan])
        np.testing.assert_allclose(bars[-1].get_x() + bars[-1].get_width(), frame[frame.network == network].MMACs.sum())
        assert len({bar.get_facecolor() for bar in bars}) == frame[frame.network == network].stage.nunique()
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["stage1", "stage2", "other blocks"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["large", "small"] and axis.yaxis_inverted()


def test_a_median_that_is_not_known_is_left_out():
    known, open_ended = counted([2, 4, 8], 10), counted([np.inf, np.inf, 5], 10)
    reference = counted([4, 8, 8], 10)
    ratios = {("a", 10): reference / known, ("a", 20): reference / open_ended}
    figure, (axis,) = new_figure()
    points = plot_ratio_lines(axis, ratios, "evaluations", "times_fewer", "search")
    assert list(points) == ["search", "evaluations", "times_fewer", "low", "high"]
    assert points.times_fewer[0] == 2 and np.isnan(points.times_fewer[1])
    assert axis.get_xscale() == axis.get_yscale() == "log"
    figure.canvas.draw()


def test_clusters_have_their_sizes_in_the_legend():
    figure, (axis,) = new_figure()
    points = plot_clusters(axis, history(0, n=5), [0, 1, -1, 0, 0])
    assert list(points) == ["latency_ms", "accuracy_top1", "cluster"]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["noise: 1", "cluster 1: 3", "cluster 2: 1"]


def test_an_algorithm_has_one_colour_in_every_figure():
    first, second = colours_of(["linas", "random", "ours"]), colours_of(["NSGA-II", "random search", "LINAS, seed 1", "bayes"])
    assert first[0] == second[2] and first[1] == second[1] and len(set(second)) == 4
    assert colours_of(["nsga2", "Bayesian optimisation"]) == [second[0], second[3]]
    assert len(set(colours_of(["linas", "random", "bayes", "weaknas", "nsga2", "nat", "default", "full"]))) == 8
    assert first[2] not in (first[0], first[1])
    assert colours_of(["full (nsga2)", "concurrent (linas)"])[1] == first[0]
    assert len(set(colours_of(["linas (a)", "linas (b)", "linas (c)"]))) == 3
    assert colours_of(["a", "b"]) == list(COLOURS[:2])


@pytest.mark.parametrize(("low", "high"), [(0.095, 0.72), (20, 1500), (1.0, 2.2), (3e5, 8e6), (0.011, 0.019)])
def test_labels_of_a_logarithmic_axis_do_not_overlap(tmp_path, low, high):
    figure, axes = new_figure(3)
    for axis in axes:
        axis.plot([low, high], [1, 2])
        axis.set_xscale("log")
    save_figure(figure, pd.DataFrame(), tmp_path / "log")
    labels = [label for label in axes[0].get_xticklabels(which="both") if label.get_text()]
    boxes = sorted((label.get_window_extent() for label in labels), key=lambda box: box.x0)
    shown = [box for box in boxes if axes[0].bbox.x0 - 1 <= (box.x0 + box.x1) / 2 <= axes[0].bbox.x1 + 1]
    assert len(shown) >= 2 and all(left.x1 < right.x0 for left, right in pairwise(shown))

"""What notebooks show for objects: tables that are right, compact and escaped."""

import pickle
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from nastoolkit.blocks import describe_block
from nastoolkit.families import Plan
from nastoolkit.history import History
from nastoolkit.latency import LookupTable, Timing
from nastoolkit.objectives import Objective
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.support import tables as html

OBJECTIVES = (Objective("accuracy_top1", "max", "%"), Objective("cost", "min", "ms"))
SPACE = SearchSpace(
    [
        Choice("stage1.depth", (2, 3)),
        Choice("stage1.kernel", (3, 5), when=("stage1.depth", (3,))),
        Choice("act", ("<b>&", "relu")),
        Choice("width", tuple(range(40))),
    ]
)


def rows(shown):
    """The cells of all rows; an error if it is not well-formed."""
    return [["".join(cell.itertext()) for cell in row] for row in ElementTree.fromstring(shown).iter("tr")]


@pytest.fixture
def history():
    genotypes = np.array([[0, 0, 0, 7], [1, 1, 0, 7], [1, 0, 0, 7], [0, 0, 0, 7]])
    return History(SPACE, OBJECTIVES, genotypes, np.array([[72.0, 20.0], [76.54321, 28.0], [np.nan, 29.0], [70.0, 10.0]]))


def test_a_history_shows_its_front_with_units_and_what_all_have_in_common(history):
    shown = history._repr_html_()
    places, names, *front = rows(shown)
    assert names == ["accuracy (top-1, %)", "cost (ms)", "depth", "kernel"] and places[-1] == "stage1"
    assert front == [["76.54", "28", "3", "5"], ["72", "20", "2", ""], ["70", "10", "2", ""]]
    text = "".join(ElementTree.fromstring(shown).itertext())
    assert "4 evaluations, 1 failed, 3 on the front" in text and "All of them have act <b>&, width 7." in text


def test_a_choice_may_have_the_name_of_an_objective(history):
    named = replace(history, objectives=(OBJECTIVES[0], replace(OBJECTIVES[1], name="stage1.kernel")))
    frame = named.to_frame()
    assert frame.columns.is_unique and frame["stage1.kernel"].tolist() == history.values[:, 1].tolist()
    assert frame["choice.stage1.kernel"].fillna(0).tolist() == [0, 5, 3, 0]
    places, names, *front = rows(named._repr_html_())
    assert names == ["accuracy (top-1, %)", "kernel (ms)", "depth", "kernel"] and places[-1] == "choice.stage1"
    assert front == [["76.54", "28", "3", "5"], ["72", "20", "2", ""], ["70", "10", "2", ""]]


def test_a_history_without_a_front_shows_that(history):
    shown = history[:0]._repr_html_()
    assert len(rows(shown)) == 2 and "0 evaluations, 0 on the front" in shown


def test_a_long_front_is_cut_in_the_middle():
    genotypes = np.array([[0, 0, 0, index] for index in range(40)])
    values = np.column_stack([np.arange(40.0), np.arange(40.0)])
    front = rows(History(SPACE, OBJECTIVES, genotypes, values)._repr_html_())[2:]
    assert len(front) == 13 and set(front[6]) == {"..."} and front[0][0] == "39" and front[-1][0] == "0"


def test_a_plan_is_a_tuple_that_shows_each_block_with_its_costs(tiny):
    plan = tiny.plan(tiny.space.largest)
    plain = tuple((name, spec) for name, spec in plan)
    assert isinstance(plan, Plan) and plan == plain and hash(plan) == hash(plain) and {plain: 1}[plan] == 1
    assert pickle.loads(pickle.dumps(plan)) == plan and not hasattr(plan, "__dict__")
    header, *blocks = rows(plan._repr_html_())
    assert header == ["block", "settings", "MMACs", "params"]
    wanted = [[name, describe_block(spec), f"{spec.macs / 1e6:.4g}", f"{spec.params:,}"] for name, spec in plan]
    assert blocks == wanted
    assert f"{tiny.params(tiny.space.largest):,} params" in plan._repr_html_()


def test_a_supernet_shows_its_family_its_ends_and_its_weights(tiny, supernet_of):
    supernet = supernet_of(tiny)
    shown = dict(rows(supernet._repr_html_()))
    assert shown["family"] == "tiny" and shown["space"] == f"{tiny.space.size} sub-networks"
    for end in ("smallest", "largest"):
        genotype = getattr(tiny.space, end)
        assert shown[end] == f"{tiny.params(genotype):,} params, {tiny.mmacs(genotype):.4g} MMACs"
    assert shown["fingerprint of the weights"] == supernet.fingerprint and shown["sharing rule"] == "slice"


def test_a_lookup_table_shows_what_it_was_made_on_and_its_error(tiny, tmp_path):
    timings = {spec: Timing(0.1, 0.001, 5) for spec in tiny.block_specs}
    conditions = {"backend": "torch", "batch_size": 4, "threads": 2, "cpu": "A <fast> & wide one"}
    table = LookupTable(tiny, timings, conditions)
    shown = dict(rows(table._repr_html_()))
    assert shown["hardware"] == "PyTorch, batch 4, 2 threads" and shown["blocks"] == f"{len(timings)} timed"
    assert shown["machine"] == "A <fast> & wide one" and shown["error"] == "not known: call validate()"
    checked = LookupTable(tiny, timings, conditions, {"resolution": [32]}, mape_percent=3.14159)
    with pytest.warns(UserWarning, match="other conditions: cpu"):
        kept = dict(rows(LookupTable.load(checked.save(tmp_path / "table.json"), tiny)._repr_html_()))
    assert kept["error"] == "MAPE 3.1 % of the clock" and kept["within"] == "{'resolution': [32]}"


def test_titles_and_notes_are_escaped():
    assert "<script>" not in html.facts("<script>", {"<script>": "<script>"})
    assert rows(html.facts("a & b", {"x": "<y>"})) == [["x", "<y>"]]

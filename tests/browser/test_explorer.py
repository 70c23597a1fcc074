import json

import onnxruntime
import pytest
from explorer_page import SOON, ExplorerPage
from guard import width_of
from lab import errors, open_notebook, run_all_cells, show_cell
from playwright.sync_api import expect

from nastoolkit import FAMILIES
from nastoolkit.explorer.totals_view import shown

pytestmark = pytest.mark.browser
KEYS = 4 * ["ArrowLeft", "ArrowLeft", "ArrowRight", "ArrowRight"]  # the quickest counts: the machine may be busy


def macs_of(genes):
    """What the page shows as a sub-network's MACs."""
    return shown("macs", float(FAMILIES["digits-mbv3"]().macs([[int(gene) for gene in genes.split(",")]])[0]))


def use(explorer, folder):
    """What a visitor does: move a slider, click points, measure, search for one generation, download the network."""
    macs, block = explorer.total("macs"), explorer.block("stage1.block3")
    explorer.drag("stage1-depth", 0.0)
    expect(block).to_have_count(0)
    before = macs.inner_text()
    explorer.drag("stage1-depth", 1.0)
    expect(block).to_be_visible()
    expect(macs).not_to_have_text(before)
    assert min(explorer.redraw_ms("stage1-depth", KEYS)) < 1000

    first, second, *_ = explorer.points()
    for genes in (first, second):
        explorer.click_point(genes)
        expect(macs).to_have_text(macs_of(genes))
    explorer.press("measure")
    expect(explorer.note("latency_ms")).not_to_have_text("not measured", timeout=SOON)
    explorer.press("step")
    expect(explorer.page.locator("circle.point.newest").first).to_be_attached(timeout=SOON)
    explorer.press("stop")

    files = explorer.download(folder)
    assert json.loads(files[".json"].read_text())["genotype"] == [int(gene) for gene in second.split(",")]
    assert onnxruntime.InferenceSession(files[".onnx"]).get_inputs()
    assert files[".safetensors"].stat().st_size > 0


def test_the_explorer_in_jupyterlab(lab, open_page, keep, tmp_path):
    page = open_page()
    open_notebook(page, lab, "explorer")
    assert errors(run_all_cells(page, seconds=600)) == []
    show_cell(page, "Explorer(")
    explorer = ExplorerPage(page)
    use(explorer, tmp_path)
    show_cell(page, "Explorer(")
    keep(page, "explorer_lab")


@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_the_app(app, open_page, guard, phone, keep, tmp_path, device):
    page = open_page(phone if device == "phone" else None)
    page.goto(app.url(""))
    explorer = ExplorerPage(page)
    if device == "desktop":
        assert explorer.front_is_in_sight()
    use(explorer, tmp_path)
    assert width_of(page) == page.viewport_size["width"]
    keep(page.locator(".explorer") if device == "desktop" else page, f"app_{device}")
    assert not guard.exceptions

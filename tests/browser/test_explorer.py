import json
import re
from math import cos, pi, sin
from pathlib import Path

import onnxruntime
import pytest
from explorer_page import SOON, ExplorerPage
from guard import width_of
from lab import errors, open_notebook, run_all_cells, show_cell
from playwright.sync_api import expect

from nastoolkit import FAMILIES
from nastoolkit.benchmarks.digits_mbv3_table import DigitsTable
from nastoolkit.explorer.totals_view import shown

pytestmark = pytest.mark.browser
SIZES = [(390, 844), (820, 1180), (1280, 720), (1440, 900)]
ZERO = [(0.5 + 0.22 * sin(t * pi / 8), 0.5 - 0.32 * cos(t * pi / 8)) for t in range(17)]
PLAYGROUND = Path(__file__).resolve().parents[2] / "experiments/app/voila/templates/offline/static/playground.html"
KEYS = 4 * ["ArrowLeft", "ArrowLeft", "ArrowRight", "ArrowRight"]  # the quickest counts: the machine may be busy


def macs_of(genes):
    """What the page shows as a sub-network's MACs."""
    return shown("macs", float(FAMILIES["digits-mbv3"]().macs([[int(gene) for gene in genes.split(",")]])[0]))


def play(explorer):
    """What a curious visitor does: draw a digit, pin a network, race two algorithms, keep a link."""
    explorer.stroke(ZERO)
    expect(explorer.answer("largest")).to_have_text("0", timeout=SOON)
    explorer.press("take")
    expect(explorer.page.locator(".explorer-answer.right, .explorer-answer.wrong")).to_have_count(3, timeout=SOON)

    explorer.press("pin")
    expect(explorer.page.locator(".explorer-pair.same").first).to_be_visible()
    first, *_, last = explorer.points()
    explorer.click_point(first)
    expect(explorer.page.locator(".explorer-pair:not(.same)").first).to_be_visible()
    expect(explorer.page).to_have_url(re.compile(f"&network={first.replace(',', '.')}&"))
    explorer.page.evaluate("hash => { location.hash = hash; }", f"network={last.replace(',', '.')}")
    expect(explorer.total("macs")).to_have_text(macs_of(last))

    explorer.page.locator(".explorer-panel select").first.select_option("NSGA-II")
    explorer.press("race")
    expect(explorer.page.locator(".explorer-race-picture ~ p")).to_contain_text("3 seeds", timeout=SOON)


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
    page.goto(app.url(""), wait_until="commit")
    stored = page.frame_locator("#meanwhile")  # which is there while the kernel starts
    if device == "desktop":
        stored.locator("circle.on-front").first.click()
        expect(stored.locator(".explorer-total[data-total=latency] .value")).to_have_text(re.compile("ms"))
    explorer = ExplorerPage(page)
    expect(page.locator("#meanwhile")).to_have_count(0)
    if device == "desktop":
        assert explorer.fronts_out_of_sight(SIZES) == []
    play(explorer)
    use(explorer, tmp_path)
    assert width_of(page) == page.viewport_size["width"] and explorer.too_wide() == []
    page.locator(".explorer-space").evaluate("menu => menu.scrollIntoView()")
    keep(page, f"app_{device}")
    assert not guard.exceptions


def test_the_playground_needs_no_kernel(open_page, guard, phone, keep):
    table = DigitsTable()
    best = table.evaluate(table.genotypes).max()
    for device in (None, phone):
        page = open_page(device)
        page.goto(PLAYGROUND.as_uri())
        latency, shown_macs = (page.locator(f".explorer-total[data-total={name}] .value") for name in ("latency", "macs"))
        before = latency.inner_text()
        page.locator("circle.on-front").first.click()
        expect(latency).not_to_have_text(before)
        page.locator("#budget").fill("200")
        expect(page.locator(".explorer-total[data-total=accuracy] .value")).to_have_text(f"{best:.2f} %")
        before = shown_macs.inner_text()
        page.get_by_role("button", name="1", exact=True).first.click()
        expect(shown_macs).not_to_have_text(before)
        expect(page.locator('.explorer-card.empty[data-block="stage1.block3"]')).to_be_visible()
        expect(page.locator(".explorer-answer.right, .explorer-answer.wrong")).to_have_count(3)
        before = page.locator("#answers").inner_html()
        page.get_by_role("button", name="Take another").click()
        assert page.locator("#answers").inner_html() != before
        page.get_by_role("button", name="Race").click()
        expect(page.locator("#standing")).to_contain_text("needs", timeout=SOON)
        told = shown_macs.inner_text()
        page.get_by_role("button", name="3", exact=True).first.click()
        expect(shown_macs).not_to_have_text(told)
        address, told = page.url, shown_macs.inner_text()
        page.goto("about:blank")
        page.goto(address)
        expect(shown_macs).to_have_text(told)
        assert width_of(page) == page.viewport_size["width"]
    keep(page, "playground_phone")
    assert guard.exceptions + guard.console == []

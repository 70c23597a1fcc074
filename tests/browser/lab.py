"""A notebook in JupyterLab: open it, run it, and ask what came out. All through the page, as a reader of it would see it."""

from typing import Any

from playwright.sync_api import Page
from servers import Server

READY = """path => {
    const widget = window.jupyterapp?.shell.currentWidget;
    if (widget?.context?.path !== path || !widget.context.isReady) return false;
    return widget.sessionContext.session?.kernel?.status === "idle";
}"""
RUN = """() => {
    window.ran = undefined;
    window.jupyterapp.commands.execute("notebook:run-all-cells").then(ok => window.ran = ok, why => window.ran = String(why));
}"""
CELLS = """() => Array.from(window.jupyterapp.shell.currentWidget.content.model.cells)
    .filter(cell => cell.type === "code").map(cell => cell.toJSON())"""

SHOW = """async text => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    const isMeant = cell => cell.model.type === "code" && cell.model.sharedModel.source.includes(text);
    notebook.activeCellIndex = notebook.widgets.findIndex(isMeant);
    await notebook.scrollToItem(notebook.activeCellIndex, "start");
}"""


def open_notebook(page: Page, server: Server, name: str) -> None:
    """Open ``<name>.ipynb``, without the list of files beside it, and wait until its kernel has nothing to do."""
    page.goto(server.url(f"lab/workspaces/{name}/tree/{name}.ipynb"))  # of its own: no other notebook is opened again
    page.wait_for_function(READY, arg=f"{name}.ipynb", timeout=300_000)
    page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")


def run_all_cells(page: Page, seconds: float) -> list[dict[str, Any]]:
    """Run all cells, at most that long, and give the code cells as they are stored in a notebook."""
    page.evaluate(RUN)
    page.wait_for_function("window.ran !== undefined", timeout=1000 * seconds)
    return page.evaluate(CELLS)


def errors(cells: list[dict[str, Any]]) -> list[str]:
    """What the cells say of their errors; a cell that was not run is one."""
    said = [output["evalue"] for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
    return said + [f"not run: {cell['source']}" for cell in cells if cell["source"] and not cell["execution_count"]]


def show_cell(page: Page, text: str) -> None:
    """Scroll to the first code cell that contains a text."""
    page.evaluate(SHOW, text)

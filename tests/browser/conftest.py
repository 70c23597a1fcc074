import os
import shutil
from pathlib import Path

import pytest
from guard import OFFLINE, Guard
from playwright.sync_api import expect, sync_playwright
from servers import jupyterlab, voila, write_notebook

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "runs" / "browser"
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
FAILED = pytest.StashKey[bool]()
expect.set_options(timeout=60_000)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium without a window and without a network."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium here; on Debian: apt install chromium")
    shutil.rmtree(SCREENSHOTS / "failed", ignore_errors=True)
    with sync_playwright() as playwright:
        sandbox = os.geteuid() != 0  # which root cannot have
        browser = playwright.chromium.launch(executable_path=chromium, chromium_sandbox=sandbox, args=[OFFLINE])
        yield browser
        browser.close()


@pytest.fixture
def guard():
    """What the test's pages ask for and complain of; the test fails if one needs another machine."""
    guard = Guard()
    yield guard
    assert not guard.outside


@pytest.fixture
def open_page(browser, guard, request):
    """Opens a blank page, on a desktop unless told; keeps a screenshot of it as it is when the test fails."""
    pages = []

    def open_one(device=None):
        context = browser.new_context(**(device or DESKTOP))
        context.set_default_timeout(60_000)
        context.set_default_navigation_timeout(300_000)  # Voila's page is complete when its notebook has run
        guard.watch(context)
        pages.append(context.new_page())
        return pages[-1]

    yield open_one
    for number, page in enumerate(pages):
        if request.node.stash.get(FAILED, False):
            page.screenshot(path=SCREENSHOTS / "failed" / f"{request.node.name}_{number}.png")
        page.context.close()


@pytest.fixture(scope="session")
def keep():
    """Keeps a screenshot as ``runs/browser/<name>.png``, of which `make claims` takes what the documentation shows."""
    return lambda shown, name: shown.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")


@pytest.fixture(scope="session")
def phone():
    """A phone for ``open_page``."""
    return PHONE


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """JupyterLab on the quickstart and the explorer, with smoke parameters."""
    folder = tmp_path_factory.mktemp("lab")
    write_notebook("quickstart", folder)
    write_notebook("explorer", folder)
    with jupyterlab(folder) as server:
        yield server


@pytest.fixture(scope="session")
def app(tmp_path_factory):
    """The explorer as an app, with smoke parameters."""
    with voila(write_notebook("explorer", tmp_path_factory.mktemp("app"))) as server:
        yield server

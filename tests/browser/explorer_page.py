"""The explorer in a browser, driven as by hand: in JupyterLab and in the app alike."""

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

SOON = 300_000  # ms, for what measures or exports on a machine that is busy
# Milliseconds from a key on a slider until the picture after its effect is drawn; as window.redraw_ms.
TIME_KEY = """selector => {
    const shown = () => document.querySelector(selector).textContent;
    const before = shown();
    let pressed = 0;
    window.redraw_ms = undefined;
    addEventListener("keydown", () => { pressed = performance.now(); }, {once: true, capture: true});
    const look = () => {
        if (pressed && shown() !== before) window.redraw_ms = performance.now() - pressed;
        else requestAnimationFrame(look);
    };
    look();
}"""


class ExplorerPage:
    """The explorer on a page that shows it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.wait_for_selector(".explorer-total", timeout=SOON)

    def total(self, name: str) -> Locator:
        """The number of a tile: ``macs``, ``params``, ``latency_ms`` or ``accuracy``."""
        return self.page.locator(f".explorer-total[data-total={name}] .value")

    def note(self, name: str) -> Locator:
        """What a tile says below its number."""
        return self.page.locator(f".explorer-total[data-total={name}] .note")

    def front_is_in_sight(self) -> bool:
        """Whether the whole front is on a small screen that begins with the explorer, beside the controls."""
        before = self.page.viewport_size
        self.page.set_viewport_size({"width": 1280, "height": 720})
        self.page.locator(".explorer").evaluate("explorer => explorer.scrollIntoView()")
        front = self.page.locator(".explorer-front-picture").bounding_box()
        self.page.set_viewport_size(before)
        return front["y"] >= 0 and front["y"] + front["height"] <= 720

    def block(self, name: str) -> Locator:
        """The card of a block that is not left out."""
        return self.page.locator(f'.explorer-card[data-block="{name}"]:not(.empty)')

    def drag(self, choice: str, share: float) -> None:
        """Drag the slider of a choice to a share of its length, with the mouse."""
        slider = self.page.locator(f".explorer-choice-{choice} .noUi-target")
        handle = slider.locator(".noUi-handle")
        handle.scroll_into_view_if_needed()
        start, track = handle.bounding_box(), slider.bounding_box()
        mouse, height = self.page.mouse, start["y"] + start["height"] / 2
        mouse.move(start["x"] + start["width"] / 2, height)
        mouse.down()
        mouse.move(track["x"] + share * track["width"], height, steps=8)
        mouse.up()

    def redraw_ms(self, choice: str, keys: list[str]) -> list[float]:
        """Milliseconds from each key on the slider of a choice until the page shows another number of MACs."""
        self.page.locator(f".explorer-choice-{choice} .noUi-handle").focus()
        times = []
        for key in keys:
            self.page.evaluate(TIME_KEY, ".explorer-total[data-total=macs] .value")
            self.page.keyboard.press(key)
            times.append(self.page.wait_for_function("window.redraw_ms").json_value())
        return times

    def points(self) -> list[str]:
        """The genes of the sub-networks that were looked at, as the points carry them."""
        points = self.page.locator("circle.point").all()
        return sorted({point.get_attribute("data-genes") for point in points})

    def click_point(self, genes: str) -> None:
        """Click the point of a sub-network."""
        self.page.locator(f'circle.point[data-genes="{genes}"]').last.click()

    def press(self, button: str) -> None:
        """Press ``measure``, ``play``, ``step``, ``stop`` or ``make-files``."""
        self.page.locator(f"button.explorer-{button}").click()

    def download(self, folder: Path) -> dict[str, Path]:
        """Have the files of the current sub-network made, and save them; paths by suffix."""
        self.press("make-files")
        links = self.page.locator(".explorer-files a[download]")
        expect(links.first).to_be_visible(timeout=SOON)
        paths = {}
        for link in links.all():
            with self.page.expect_download() as event:
                link.click()
            path = folder / event.value.suggested_filename
            event.value.save_as(path)
            paths[path.suffix] = path
        return paths

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
ON_TOP = """() => Array.from(document.querySelectorAll("circle.point")).filter(point => {
    const box = point.getBoundingClientRect();
    return document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2) === point;
}).map(point => point.dataset.genes)"""
TOO_WIDE = """() => Array.from(document.querySelectorAll(".explorer *")).filter(part => {
    const box = part.getBoundingClientRect();
    return box.width > 0 && box.right > innerWidth + 1;
}).map(part => part.outerHTML.slice(0, 100))"""
TO_END = "part => part.scrollIntoView({block: 'end'})"  # to the window's end: at its top, what stays in sight covers parts


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

    def fronts_out_of_sight(self, sizes: list[tuple[int, int]]) -> list[tuple[str, int]]:
        """Places from which the whole front cannot be seen, at each width: the page's top, and each group of controls."""
        before, lost = self.page.viewport_size, []
        for width, height in sizes:
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.wait_for_timeout(1000)  # for the picture of the new width
            for number, place in enumerate(
                [self.page.locator(".explorer"), *self.page.locator(".explorer-choices > *").all()]
            ):
                place.evaluate("place => place.scrollIntoView({block: place.matches('.explorer') ? 'start' : 'end'})")
                front = self.page.locator(".explorer-front-picture").bounding_box()
                if front["y"] < 0 or front["y"] + front["height"] > height:
                    lost.append((f"place {number}, at {front['y']:.0f}", width))
        self.page.set_viewport_size(before)
        return lost

    def too_wide(self) -> list[str]:
        """Parts that reach beyond the window's right edge: for them the page would scroll sideways."""
        return self.page.evaluate(TOO_WIDE)

    def stroke(self, places: list[tuple[float, float]]) -> None:
        """Draw a line through places in 0..1 on an empty square."""
        self.press("clear")
        square = self.page.locator(".explorer-sketch-canvas")
        square.evaluate(TO_END)
        box = square.bounding_box()
        points = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in places]
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*point, steps=6)
        self.page.mouse.up()

    def answer(self, network: str) -> Locator:
        """What ``smallest``, ``chosen`` or ``largest`` takes the drawing for."""
        return self.page.locator(f".explorer-answer[data-network={network}] b")

    def block(self, name: str) -> Locator:
        """The card of a block that is not left out."""
        return self.page.locator(f'.explorer-card[data-block="{name}"]:not(.empty)')

    def drag(self, choice: str, share: float) -> None:
        """Drag the slider of a choice to a share of its length, with the mouse."""
        slider = self.page.locator(f".explorer-choice-{choice} .noUi-target")
        handle = slider.locator(".noUi-handle")
        handle.evaluate(TO_END)
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
        """The genes of the sub-networks that can be clicked, as their points carry them; others lie below these."""
        self.page.locator(".explorer-front-picture").evaluate(TO_END)
        return sorted(set(self.page.evaluate(ON_TOP)))

    def click_point(self, genes: str) -> None:
        """Click the point of a sub-network."""
        self.page.locator(f'circle.point[data-genes="{genes}"]').last.click()

    def press(self, button: str) -> None:
        """Press a button: ``measure``, ``play``, ``step``, ``stop``, ``make-files``, ``race``, ``take`` or ``pin``."""
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

from gallery import update_screenshots
from PIL import Image


def test_screenshots_that_the_documentation_shows_are_renewed(tmp_path):
    runs, docs = tmp_path / "runs" / "browser", tmp_path / "docs" / "screenshots"
    for folder, names in {runs: ("app.png", "other.png"), docs: ("app.png", "kept.png")}.items():
        folder.mkdir(parents=True)
        for name in names:
            Image.new("RGB", (2, 2), "white" if folder == runs else "black").save(folder / name)
    assert update_screenshots(tmp_path) == ["docs/screenshots/app.png"]
    colours = {path.name: Image.open(path).convert("RGB").getpixel((0, 0)) for path in docs.iterdir()}
    assert colours == {"app.png": (255, 255, 255), "kept.png": (0, 0, 0)}

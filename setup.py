"""What pyproject.toml cannot say: the wheel carries the notebooks and the app's template, and its description has whole links.

The repository's address is not written anywhere: GitHub's workflows tell it, as ``GITHUB_REPOSITORY``. Elsewhere the links of
the description stay as they are in the README.
"""

import os
import re
import tomllib
from pathlib import Path
from shutil import copytree, ignore_patterns

from setuptools import setup
from setuptools.command.build_py import build_py

CARRIED = ("notebooks", "experiments/app")  # for the commands `nastoolkit notebooks` and `nastoolkit explore`


class WithNotebooks(build_py):
    """The package's files, and the notebooks beside them."""

    def run(self) -> None:
        """Build as usual, then copy; an editable installation finds the notebooks in its clone."""
        super().run()
        if not self.editable_mode:
            for part in CARRIED:
                target = Path(self.build_lib, "nastoolkit", "_notebooks", part)
                copytree(part, target, dirs_exist_ok=True, ignore=ignore_patterns(".ipynb_checkpoints"))


def with_whole_links(text: str, repository: str, version: str) -> str:
    """Markdown whose relative links and pictures lead to the files of a version on GitHub."""
    pictures, files = (f"https://{host}/{repository}" for host in ("raw.githubusercontent.com", "github.com"))
    text = re.sub(r"(!\[[^\]]*\]\()(?!https?:)([^)\s]+)", rf"\g<1>{pictures}/v{version}/\g<2>", text)
    return re.sub(r"(\]\()(?!https?:|#)([^)\s]+)", rf"\g<1>{files}/blob/v{version}/\g<2>", text)


def about() -> dict[str, object]:
    """The long description, and the project's addresses if they are known."""
    text, repository = Path("README.md").read_text(encoding="utf-8"), os.environ.get("GITHUB_REPOSITORY", "")
    told: dict[str, object] = {"long_description_content_type": "text/markdown", "project_urls": {}}
    if not repository:
        return told | {"long_description": text}
    version = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    home, owner_and_name = f"https://github.com/{repository}", repository.partition("/")
    site = f"https://{owner_and_name[0].lower()}.github.io/{owner_and_name[2]}/"
    urls = {"Source": home, "Documentation": site, "Issues": f"{home}/issues", "Changes": f"{home}/blob/main/CHANGELOG.md"}
    return told | {"long_description": with_whole_links(text, repository, version), "project_urls": urls}


if __name__ == "__main__":
    setup(cmdclass={"build_py": WithNotebooks}, **about())

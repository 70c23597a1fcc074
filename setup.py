"""What pyproject.toml cannot say: the wheel carries the notebooks and the app's template too, in ``nastoolkit/_notebooks``."""

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


setup(cmdclass={"build_py": WithNotebooks})

"""The wheel works where there is no clone: what it holds, and what its commands do from another folder."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from badges import install_cell

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "nastoolkit", "notebooks", "experiments/app")
PROGRAM = """
import nastoolkit
from nastoolkit import BENCHMARKS, load_supernet
from pathlib import Path

assert Path(nastoolkit.__file__).parents[1] == Path("site").resolve(), nastoolkit.__file__
table = BENCHMARKS["digits-mbv3-table"]()
print(load_supernet("digits-mbv3").family.name, len(table.evaluate(table.space.smallest[None])))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the unpacked wheel alone."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / "source" / name)
    options = ["--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", str(folder / "source"), *options], check=True)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder


def run(folder, *command):
    environment = os.environ | {"PYTHONPATH": str(folder / "site")}
    ran = subprocess.run([sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout


@pytest.mark.slow
def test_the_package_its_supernets_and_its_table_work(site):
    assert run(site, "-c", PROGRAM) == "digits-mbv3 1\n"


@pytest.mark.slow
def test_its_commands_find_the_notebooks(site):
    told = run(site, "-m", "nastoolkit.cli", "notebooks", "mine")
    n_notebooks = len([path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts])
    assert f"notebooks: {n_notebooks}" in told and (site / "mine" / "quickstart.ipynb").exists()
    assert "lessons: " in run(site, "-m", "nastoolkit.cli", "students", "class")
    assert f"of: {3 * len(list((site / 'class').iterdir()))}" in run(
        site, "-m", "nastoolkit.cli", "students", "class", "--mark"
    )
    assert list((site / "site").glob("*.dist-info/licenses/LICENSE"))
    assert (site / "site/nastoolkit/_notebooks/experiments/app/voila/templates/offline/conf.json").exists()


@pytest.mark.slow
def test_the_install_cell_installs_it_where_there_is_none(site):
    """In an environment that has all other packages."""
    run(site, "-m", "venv", "--without-pip", "empty")
    (packages,) = site.glob("empty/lib/python*/site-packages")
    for installed in Path(sysconfig.get_path("purelib")).iterdir():
        if "nastoolkit" not in installed.name:
            (packages / installed.name).symlink_to(installed)
    (wheel,) = site.glob("*.whl")
    code = f"{install_cell(f'nastoolkit[notebooks] @ {wheel.as_uri()}').source}\nimport nastoolkit\nprint(nastoolkit.__file__)"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"PIP_NO_INDEX": "1"}
    command = [site / "empty/bin/python", "-c", code]
    ran = subprocess.run(command, cwd=site, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert Path(ran.stdout.splitlines()[-1]).parents[1] == packages

"""No code from data, no shell, no door that takes what is no genotype, no server open to others."""

import ast
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from nastoolkit.latency import LookupTable, Timing
from nastoolkit.objectives import Objective
from nastoolkit.search.random_search import Random
from nastoolkit.space import SearchSpace
from nastoolkit.studies import optimize
from nastoolkit.supernets import Supernet

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = [path for folder in ("nastoolkit", "experiments", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]
NOTEBOOKS = [path for path in sorted((ROOT / "notebooks").rglob("*.ipynb")) if ".ipynb_checkpoints" not in path.parts]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
PROGRAMS = [*SCRIPTS, ROOT / "docs" / "conf.py", *NOTEBOOKS, *PAGES]
CELL = re.compile(
    r"^```(?:python|\{code-cell\}|\{code-block\} python)[^\n]*\n(?::[^\n]*\n)*(.+?)^```", re.MULTILINE | re.DOTALL
)
ENTRY = r"^    \"[\w-]+\": \w+,$"  # to add to a registry: alone it is no program
UNSAFE = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "asyncio.create_subprocess_shell"}
UNSAFE |= {"subprocess.getoutput", "subprocess.getstatusoutput", "pandas.read_pickle"}
UNSAFE |= {"yaml.load_all", "yaml.full_load", "yaml.full_load_all", "yaml.unsafe_load", "yaml.unsafe_load_all"}
UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
LOADERS = {"yaml.SafeLoader", "yaml.CSafeLoader"}
# What workers get, or a canary.
PICKLING = ("checkpoints/test_hostile", "contracts/test_benchmarks", "contracts/test_families", "measurements/test_accuracy")
PICKLING += ("families/test_bits", "tasks/test_hub", "tasks/test_images", "support/test_tables", "support/test_extras")
PICKLING += ("supernets/test_supernet", "tasks/test_task_family", "tasks/test_cue_tasks", "tasks/test_flow_task")
ALLOWED = {f"tests/{name}.py": {"import pickle"} for name in PICKLING}
ALLOWED["tests/checkpoints/test_stand_ins.py"] = {"eval", "exec"}  # named in files, where nobody calls them
ALLOWED["tests/figures/test_doc_examples.py"] = {"exec", "compile"}  # of a page of these docs
ALLOWED["tests/experiments/test_badges.py"] = {"exec"}  # of a cell that it makes
ALLOWED["tests/experiments/test_checks.py"] = {"exec"}  # of these notebooks
ALLOWED["tests/teaching/test_marks.py"] = {"exec"}  # of the notebooks that it makes


def code_of(path):
    if path.suffix == ".py":
        return path.read_text()
    if path.suffix == ".md":
        return re.sub(ENTRY, "", "\n".join(CELL.findall(path.read_text())), flags=re.MULTILINE)
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return "\n".join(re.sub(r"^(\s*)[%!].*$", r"\1pass", cell, flags=re.MULTILINE) for cell in cells)


def unsafe(code):
    """What a program does, or keeps to do, that could run code from data, or a shell."""
    nodes, found = list(ast.walk(ast.parse(code))), set()
    known = dict(name for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for name in _imported(node))
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found |= {f"import {name}" for name in modules if name.split(".")[0] in UNSAFE_MODULES}
            found |= {"import *" for alias in node.names if alias.name == "*"}
        elif isinstance(node, ast.Name | ast.Attribute):
            found |= {_origin(node, known)} & UNSAFE
        elif isinstance(node, ast.Call):
            found |= _unsafe_arguments(node, known)
    return found


def _imported(node):
    """Names, and what an import makes them stand for."""
    if isinstance(node, ast.Import):
        return [(alias.asname, alias.name) for alias in node.names if alias.asname]
    return [(alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names]


def _origin(node, known):
    """The full name of what a name stands for."""
    first, dot, rest = ast.unparse(node).partition(".")
    return f"{known.get(first, first)}{dot}{rest}".removeprefix("builtins.")


def _unsafe_arguments(call, known):
    """Calls that are safe with the right arguments only."""
    name, words = _origin(call.func, known), {word.arg: word.value for word in call.keywords}
    if any(word in words and ast.unparse(words[word]) != "False" for word in ("shell", "allow_pickle")):
        return {f"{name}(shell or allow_pickle)"}
    if name == "torch.load" and ("weights_only" not in words or ast.unparse(words["weights_only"]) != "True"):
        return {"torch.load without weights_only=True"}
    loaders = {_origin(loader, known) for loader in [*call.args[1:], *words.values()]}
    return {"yaml.load without SafeLoader"} if name == "yaml.load" and not loaders & LOADERS else set()


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_runs_code_from_data_or_a_shell(path):
    assert unsafe(code_of(path)) == ALLOWED.get(str(path.relative_to(ROOT)), set())


def test_the_pages_have_code_that_is_checked():
    assert all("import" in code_of(ROOT / "docs" / name) for name in ("plots.md", "how_to_cluster.md", "how_to_search.md"))


@pytest.mark.parametrize(
    "code",
    [
        "eval(text)",
        "exec(text)",
        "list(map(eval, texts))",
        "import builtins\nbuiltins.exec(text)",
        "import pickle",
        "from pickle import loads",
        "import joblib.externals",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "from torch import load\nload(path)",
        "from torch import load as read\nread(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "subprocess.run(text, shell=True)",
        "subprocess.run(text, shell=flag)",
        "subprocess.getoutput(text)",
        "from subprocess import getstatusoutput as run\nrun(text)",
        "os.system(text)",
        "from os import system\nsystem(text)",
        "import os as safe\nsafe.popen(text)",
        "from os import *",
        "yaml.load(text)",
        "yaml.load(text, yaml.Loader)",
        "yaml.load(text, Loader=yaml.UnsafeLoader)",
        "from yaml import load\nload(text)",
        "from yaml import Loader as SafeLoader, load\nload(text, SafeLoader)",
        "import yaml as y\ny.unsafe_load(text)",
        "import pandas as pd\npd.read_pickle(path)",
    ],
)
def test_the_check_sees_what_is_unsafe(code):
    assert unsafe(code)


@pytest.mark.parametrize(
    "code",
    [
        "network.eval()",
        "ast.literal_eval(text)",
        "from yaml import CSafeLoader as Fast, load\nload(text, Fast)",
        "yaml.load(text, Loader=yaml.SafeLoader)",
        "from torch import load\nload(path, weights_only=True)",
        "re.compile(x)",
        "from re import compile\ncompile(x)",
        "subprocess.run(words, shell=False)",
    ],
)
def test_the_check_lets_pass_what_is_safe(code):
    assert not unsafe(code)


def _warm_started(space, objectives, genotypes):
    return optimize(space, None, objectives, budget=1, warm_start=np.asarray(genotypes), progress=False)


@pytest.fixture(scope="module")
def doors(tiny):
    """Whatever takes genotypes, by name."""
    space, supernet = tiny.space, Supernet(tiny)
    timings = {spec: Timing(1.0, 0.1, 5) for spec in tiny.block_specs}
    table = LookupTable(tiny, timings, {"backend": "torch", "batch_size": 1, "threads": 1})
    inputs = tiny.example_inputs(space.smallest)
    objectives = [Objective("params", "min", exact=tiny.params)]
    taken = [space.check, space.check_one, space.canonical, space.alive, space.decode, space.one_hot, tiny.plan, tiny.build]
    taken += [tiny.params, tiny.macs, tiny.mmacs, tiny.size_mb, tiny.input_shape, supernet.extract, table.latency_ms]
    named = {f"{type(getattr(door, '__self__', door)).__name__}.{door.__name__}": door for door in taken}
    named["Supernet"] = lambda genotype: supernet(inputs, genotype)
    named["LookupTable.time_networks"] = lambda genotypes: table.time_networks(np.atleast_2d(genotypes), seconds=0)
    named["Algorithm.suggest"] = lambda genotypes: Random(space, objectives).suggest(np.atleast_2d(genotypes))
    named["warm_start"] = lambda genotypes: _warm_started(space, objectives, genotypes)
    return named


def bad_genotypes(space: SearchSpace):
    """What is no genotype of a space."""
    genotype, most = space.smallest, max(len(choice.options) for choice in space.choices)
    yield from (genotype.astype(kind) for kind in (float, bool, str, complex, object))
    yield from (genotype[:-1], np.append(genotype, 0), genotype[:0], np.array(0), np.zeros((1, 1, len(genotype)), dtype=int))
    yield from (
        genotype + most,
        genotype - 1,
        np.full_like(genotype, 2**62),
        np.full(genotype.shape, 2**64 - 1, dtype=np.uint64),
    )
    yield from (genotype * np.nan, genotype.astype("datetime64[D]"), None, "0,0", [])


def test_every_door_takes_a_genotype_and_refuses_all_else(doors, tiny):
    for name, door in doors.items():
        door(tiny.space.smallest)
        for bad in bad_genotypes(tiny.space):
            try:
                door(bad)
            except ValueError:
                continue
            pytest.fail(f"{name} took {bad!r}")


def test_repair_takes_numbers_of_any_size_but_no_nan(tiny):
    space, points = tiny.space, np.full((1, tiny.space.n_genes), np.inf)
    np.testing.assert_array_equal(
        space.repair(points)[0], space.canonical(np.array([len(c.options) - 1 for c in space.choices]))
    )
    np.testing.assert_array_equal(space.repair(-points)[0], space.repair(0 * np.ones_like(points))[0])
    with pytest.raises(ValueError, match="NaN"):
        space.repair(points * np.nan)


LOOPBACK = ("localhost", "127.0.0.1", "::1")


def test_the_servers_that_make_starts_keep_to_this_machine_and_ask_for_a_token():
    lines = (ROOT / "Makefile").read_text().splitlines()
    commands = [line.split() for line in lines if line.startswith("\t") and re.search(r"-m (jupyterlab|voila)\b", line)]
    assert len(commands) >= 1
    for words in commands:
        options = dict(word.lstrip("-").partition("=")[::2] for word in words if word.startswith("--"))
        for name, value in options.items():
            assert not name.lower().endswith("ip") or value in LOOPBACK, words
            assert not re.search(r"password|allow|auth|disable|origin", name), words
            assert "token" not in name or (name, value) == ("token", ""), words
        assert "voila" not in words or "token" in options, words  # which Voila makes only if it is asked to

"""No code from data, no shell, no door that takes what is no genotype, no server open to others."""

import ast
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from nastoolkit.measurements import LookupTable, Timing
from nastoolkit.objectives import Objective
from nastoolkit.search import optimize
from nastoolkit.search.random import Random
from nastoolkit.space import SearchSpace
from nastoolkit.supernet import Supernet

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = [path for folder in ("nastoolkit", "experiments") for path in sorted((ROOT / folder).rglob("*.py"))]
NOTEBOOKS = [path for path in sorted((ROOT / "notebooks").rglob("*.ipynb")) if ".ipynb_checkpoints" not in path.parts]
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "yaml.unsafe_load", "yaml.full_load"}
UNSAFE_CALLS |= {
    "yaml.load_all",
    "yaml.unsafe_load_all",
    "pickle.load",
    "pickle.loads",
    "pickle.Unpickler",
    "pandas.read_pickle",
}
UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}


def code_of(path):
    if path.suffix == ".py":
        return path.read_text()
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return "\n".join(re.sub(r"^(\s*)[%!].*$", r"\1pass", cell, flags=re.MULTILINE) for cell in cells)


def unsafe(code):
    """What a program does that could run code from data, or a shell."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found += [f"import {name}" for name in names if name.split(".")[0] in UNSAFE_MODULES]
        elif isinstance(node, ast.Call):
            found += _unsafe_call(ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}, node)
    return found


def _unsafe_call(name, words, call):
    last = name.rpartition(".")[2]
    if name in UNSAFE_CALLS or last == "read_pickle":
        return [name]
    if words.get("shell", "False") != "False" or words.get("allow_pickle", "False") != "False":
        return [f"{name}(shell or allow_pickle)"]
    if name == "torch.load" and words.get("weights_only") != "True":
        return ["torch.load without weights_only=True"]
    loaders = [ast.unparse(argument) for argument in call.args[1:]] + [words.get("Loader", "")]
    if name == "yaml.load" and "SafeLoader" not in loaders:
        return ["yaml.load without SafeLoader"]
    return []


@pytest.mark.parametrize("path", SCRIPTS + NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_runs_code_from_data_or_a_shell(path):
    assert not unsafe(code_of(path))


@pytest.mark.parametrize(
    "code",
    [
        "eval(text)",
        "exec(text)",
        "import pickle",
        "from pickle import loads",
        "import joblib.externals",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "subprocess.run(text, shell=True)",
        "subprocess.run(text, shell=flag)",
        "os.system(text)",
        "yaml.load(text)",
        "yaml.load(text, yaml.Loader)",
        "yaml.load(text, Loader=yaml.UnsafeLoader)",
        "pd.read_pickle(path)",
    ],
)
def test_the_check_sees_what_is_unsafe(code):
    assert unsafe(code)


@pytest.mark.parametrize(
    "code",
    [
        "network.eval()",
        "ast.literal_eval(text)",
        "yaml.load(text, SafeLoader)",
        "torch.load(path, weights_only=True)",
        "re.compile(x)",
    ],
)
def test_the_check_lets_pass_what_is_safe(code):
    assert not unsafe(code)


def test_safe_loader_is_pyyamls_own():
    from nastoolkit.public import block_latency

    assert block_latency.SafeLoader.__module__.startswith("yaml.") and "Safe" in block_latency.SafeLoader.__name__


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


def test_jupyters_own_settings_are_the_safe_ones():
    server = pytest.importorskip("jupyter_server.serverapp").ServerApp()
    assert server.ip in LOOPBACK and not server.allow_remote_access
    provider = server.identity_provider_class(parent=server)
    assert len(provider.token) >= 32 and provider.auth_enabled

"""Tests mirror the package: tests of a module have its name, in the folder of its name, or the table names its tests."""

from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
PACKAGE = TESTS.parent / "nastoolkit"
COVERED_BY = {  # a module, or a pattern of modules without tests of their name: the tests that run it
    "answers.py": "systems/test_encas.py",
    "benchmarks/*.py": "contracts/test_benchmarks.py",
    "checkpoints/dynast_vit.py": "test_golden.py",
    "checkpoints/ofa_resnet50.py": "test_golden.py",
    "checkpoints/tensor_files.py": "checkpoints/test_hostile.py",
    "cli/*.py": "cli/test_cli.py",
    "explorer/*.py": "explorer/test_views.py",
    "explorer/search_*.py": "explorer/test_search.py",
    "families/*.py": "contracts/test_families.py",
    "figures/*.py": "figures/test_figures.py",
    "measurements/proxies/*.py": "measurements/proxies/test_proxy.py",
    "latency/backends/*.py": "contracts/test_backends.py",
    "latency/*.py": "latency/test_lookup_table.py",
    "published/block_latency.py": "published/test_once_for_all.py",
    "search/*.py": "contracts/test_algorithms.py",
    "predictors/*_process.py": "search/test_bayes.py",
    "predictors/*.py": "predictors/test_regressors.py",
    "support/counts.py": "studies/test_optimize.py",
    "support/workers.py": "studies/test_processes.py",
    "support/json_types.py": "studies/test_grid.py",
    "canonical.py": "test_space.py",
    "choices.py": "test_space.py",
    "twins.py": "test_space.py",
    "search/improvement.py": "search/test_bayes.py",
    "search/optuna_*.py": "search/test_optuna.py",
    "studies/*.py": "studies/test_optimize.py",
    "studies/re[ps]*.py": "faults/test_stores.py",
    "studies/schema.py": "studies/test_store.py",
    "studies/store_file.py": "studies/test_store.py",
    "supernets/*.py": "supernets/test_supernet.py",
    "systems/card.py": "contracts/test_systems.py",
    "tasks/*.py": "contracts/test_tasks.py",
}
UNNAMED = [
    module
    for module in (path.relative_to(PACKAGE) for path in sorted(PACKAGE.rglob("*.py")) if not path.name.startswith("__"))
    if not (TESTS / module.with_name(f"test_{module.name}")).exists()
]


@pytest.mark.parametrize("module", UNNAMED, ids=str)
def test_a_module_without_tests_of_its_name_is_covered_by_others(module):
    covering = [TESTS / tests for pattern, tests in COVERED_BY.items() if module.match(pattern)]
    assert covering, f"tests/{module.with_name(f'test_{module.name}')} is missing, or a line in COVERED_BY"
    assert all(tests.exists() for tests in covering)


@pytest.mark.parametrize("pattern", COVERED_BY)
def test_the_table_names_nothing_else(pattern):
    assert any(module.match(pattern) for module in UNNAMED)

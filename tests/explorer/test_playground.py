import base64
from pathlib import Path

import numpy as np
import pytest

from nastoolkit.explorer.playground import STEPS, codes_of, playground_data, write_playground
from nastoolkit.explorer.stored import Stored
from nastoolkit.families import FAMILIES

SHIPPED = Path(__file__).resolve().parents[2] / "experiments/app/voila/templates/offline/static/playground.html"


@pytest.fixture(scope="module")
def family():
    return FAMILIES["digits-mbv3"]()


@pytest.fixture(scope="module")
def data(family):
    return playground_data(family, Stored(family))


def numbers(text, kind):
    return np.frombuffer(base64.b64decode(text), dtype=kind)


def test_the_page_that_ships_is_what_the_code_writes(tmp_path):
    why = f"make it again: python -m nastoolkit.explorer.playground {SHIPPED.relative_to(SHIPPED.parents[6])}"
    assert write_playground(tmp_path / "new" / "page.html").read_text() == SHIPPED.read_text(), why


def test_nothing_is_fetched_from_anywhere():
    text = SHIPPED.read_text()
    assert "http:" not in text and "https:" not in text and "/*script*/" not in text and "</script>" in text


def test_every_stored_network_is_there_with_its_values(family, data):
    stored = Stored(family)
    genotypes = stored.genotypes_within(stored.space)[::97]
    free = [stored.space.names.index(choice["name"]) for choice in data["choices"]]
    codes = numbers(data["codes"], "<u4")
    assert len(codes) == len(np.unique(codes)) == 10_648
    rows = np.searchsorted(codes, codes_of(stored.space, free, genotypes))
    expected = {
        "accuracy": stored.evaluate(genotypes)[:, 0],
        "latency": stored.table.latency_ms(genotypes),
        "macs": family.macs(genotypes),
        "params": family.params(genotypes),
    }
    for name, column in expected.items():
        kept = numbers(data["values"][name]["data"], "<u2")[rows] * data["values"][name]["step"]
        np.testing.assert_allclose(kept, column, atol=STEPS[name] / 2 * 1.001)


def test_the_blocks_of_each_network_add_up_to_its_latency(family, data):
    stored = Stored(family)
    genotype = stored.genotypes_within(stored.space)[1234]
    options = {choice.name: choice.options[gene] for choice, gene in zip(family.space.choices, genotype, strict=True)}
    total = 0.0
    for slot in data["slots"]:
        block = slot["blocks"][",".join(str(slot["fixed"].get(name, options[name])) for name in slot["choices"])]
        total += 0.0 if block is None else block[1]
    assert total == pytest.approx(float(stored.table.latency_ms(genotype)), abs=0.001)

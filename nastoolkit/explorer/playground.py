"""A page to play with before anything is installed: the stored networks, one HTML file, no kernel and no other server.

python -m nastoolkit.explorer.playground FILE
"""

from __future__ import annotations

import json
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from nastoolkit.blocks import describe_block
from nastoolkit.explorer.packing import packed
from nastoolkit.explorer.played import FILE as PLAYED
from nastoolkit.explorer.stored import Stored
from nastoolkit.families import Family, family_named
from nastoolkit.space import SearchSpace
from nastoolkit.support.display_names import BACKENDS
from nastoolkit.support.files import atomically

HERE = Path(__file__).parent
STEPS = {"accuracy": 0.05, "latency": 0.0005, "macs": 1000.0, "params": 10.0}  # of the numbers, which are stored as integers


def write_playground(file: Path, family_name: str = "digits-mbv3") -> Path:
    """Write the page."""
    family = family_named(family_name)
    content = json.dumps(playground_data(family, Stored(family)), separators=(",", ":"))
    page = (HERE / "playground.html").read_text()
    parts = {"/*style*/": (HERE / "explorer.css").read_text(), "/*script*/": (HERE / "playground.js").read_text()}
    for place, text in {**parts, '"data"': content.replace("</", "<\\/")}.items():
        page = page.replace(place, text)
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomically(file) as new:
        new.write_text(page)
    return file


def playground_data(family: Family, stored: Stored) -> dict[str, Any]:
    """All that the page knows: the choices that are free, the values of all networks, the blocks of each slot, and what is
    played.
    """
    space, table, played = stored.space, stored.table, json.loads(PLAYED.read_text())
    free = [gene for gene, allowed in enumerate(space.allowed) if len(allowed) > 1]
    genotypes = stored.genotypes_within(space)
    codes = codes_of(space, free, genotypes)
    order = np.argsort(codes)
    values = {
        "accuracy": stored.evaluate(genotypes)[:, 0],
        "latency": table.latency_ms(genotypes),
        "macs": family.macs(genotypes),
        "params": family.params(genotypes),
    }
    return {
        "machine": f"{BACKENDS[str(table.conditions['backend'])]}, one image, one thread, on an {table.conditions['cpu']}",
        "choices": [_choice(space, gene) for gene in free],
        "codes": packed(codes[order], np.uint32),
        "values": {
            name: {"step": STEPS[name], "data": packed(column[order] / STEPS[name], np.uint16)}
            for name, column in values.items()
        },
        "played": {**played, "readers": codes_of(space, free, np.array(played["readers"])).tolist()},
        "slots": [_slot(family, stored, slot.name, slot.choices) for slot in family.slots],
    }


def codes_of(space: SearchSpace, free: list[int], genotypes: np.ndarray) -> np.ndarray:
    """A number ``(n,)`` for each genotype ``(n, d)``: the ranks of its free genes' options, as digits; 0 for a dead gene."""
    codes = np.zeros(len(genotypes), dtype=np.int64)
    alive = space.alive(genotypes)
    for gene in free:
        allowed = space.allowed[gene]
        ranks = np.searchsorted(allowed, genotypes[:, gene])
        codes = codes * len(allowed) + np.where(alive[:, gene], ranks, 0)
    return codes


def _choice(space: SearchSpace, gene: int) -> dict[str, Any]:
    choice = space.choices[gene]
    when = None if choice.when is None else [choice.when[0], list(choice.when[1])]
    return {"name": choice.name, "options": [choice.options[index] for index in space.allowed[gene]], "when": when}


def _slot(family: Family, stored: Stored, name: str, choices: tuple[str, ...]) -> dict[str, Any]:
    """A slot's blocks by the options of its choices, joined by commas; null where it is empty."""
    space, slot = stored.space, next(slot for slot in family.slots if slot.name == name)
    genes = [space.names.index(choice) for choice in choices]
    options = [[space.choices[gene].options[index] for index in space.allowed[gene]] for gene in genes]
    blocks = {}
    for picked in product(*options):
        spec = slot.spec(*picked)
        blocks[",".join(map(str, picked))] = spec and [
            describe_block(spec), round(stored.table.timings[spec].median_ms, 4), int(spec.macs), int(spec.params)
        ]  # fmt: skip
    fixed = {choice: values[0] for choice, values in zip(choices, options, strict=True) if len(values) == 1}
    return {"name": name, "choices": list(choices), "fixed": fixed, "blocks": blocks}


if __name__ == "__main__":
    print(write_playground(Path(sys.argv[1])))

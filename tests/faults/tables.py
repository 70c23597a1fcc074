"""A lookup table in the making, to be killed: ``python tables.py FILE N_CONTEXTS`` prints ``begins``, then what FILE kept."""

import json
import sys
from dataclasses import replace
from pathlib import Path

from nastoolkit.families.mobilenet_v3 import DIGITS, MobileNetV3Family
from nastoolkit.latency import LookupTable
from nastoolkit.latency.contexts import Contexts

FAMILY = MobileNetV3Family("narrow", replace(DIGITS, depths=(1, 2), kernels=(3,), expands=(2,), stages=DIGITS.stages[:1]))

if __name__ == "__main__":
    timings = Contexts.timings

    def tell(runs, specs):
        found = timings(runs, specs)
        print(json.dumps([runs.done, [timing.median_ms for timing in found.values()]]))
        return found

    Contexts.timings = tell
    print("begins", flush=True)
    file, n_contexts = Path(sys.argv[1]), int(sys.argv[2])
    table = LookupTable.measure(FAMILY, n_contexts=n_contexts, resume=file, progress=False)
    table.save(file.with_suffix(".json"))

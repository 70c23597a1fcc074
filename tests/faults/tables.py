"""A lookup table in the making, to be killed: ``python tables.py FILE`` prints a line when it begins, then what it kept."""

import json
import sys
from dataclasses import replace

from nastoolkit.families.mobilenet_v3 import DIGITS, MobileNetV3Family
from nastoolkit.measurements import LookupTable
from nastoolkit.measurements.contexts import Contexts

FAMILY = MobileNetV3Family("narrow", replace(DIGITS, depths=(1, 2), kernels=(3,), expands=(2,), stages=DIGITS.stages[:1]))

if __name__ == "__main__":
    timings = Contexts.timings

    def tell(runs, specs):
        found = timings(runs, specs)
        print(json.dumps([runs.done, [timing.median_ms for timing in found.values()]]))
        return found

    Contexts.timings = tell
    print("begins", flush=True)
    LookupTable.measure(FAMILY, n_contexts=20, resume=sys.argv[1], progress=False)

"""Names of quantities, algorithms, benchmarks and hardware settings as people read them, for figures, tables and the explorer.

Columns of frames, files, options and stores keep the short names: they are what one types.
"""

from __future__ import annotations

import re

QUANTITIES = {  # what it is, what it was found on, its unit
    "accuracy": ("accuracy", "", "%"),
    "accuracy_top1": ("accuracy", "top-1", "%"),
    "accuracy_test": ("accuracy", "test images", "%"),
    "accuracy_validation": ("accuracy", "validation images", "%"),
    "bleu": ("BLEU", "", ""),
    "bops": ("bit operations", "", ""),
    "eer": ("equal error rate", "", "%"),
    "energy_mj": ("energy", "", "mJ"),
    "error_top1": ("error", "top-1", "%"),
    "latency_ms": ("latency", "", "ms"),
    "macro_f1": ("macro F1", "", "%"),
    "macs": ("MACs", "", ""),
    "mmacs": ("MACs", "", "millions"),
    "params": ("parameters", "", ""),
    "params_m": ("parameters", "", "millions"),
    "peak_kb": ("peak memory", "", "kB"),
    "peak_kib": ("peak memory", "", "KiB"),
    "size_kb": ("size", "", "kB"),
    "size_mb": ("size", "", "MB"),
}
COUNTED_IN = {"M": "millions", "million": "millions", "MMACs": "millions"}  # units that the words already tell
ALGORITHMS = {  # by their keys in ``nastoolkit.search.ALGORITHMS``
    "agemoea": "AGE-MOEA",
    "bayes": "Bayesian optimisation",
    "cmaes": "CMA-ES",
    "ctaea": "C-TAEA",
    "full": "training of every network",
    "ga": "genetic algorithm",
    "linas": "LINAS",
    "mocmaes": "MO-CMA-ES",
    "moead": "MOEA/D",
    "nat": "NAT",
    "nsga2": "NSGA-II",
    "nsga3": "NSGA-III",
    "ofa_evolution": "evolution of Once-for-All",
    "optuna_nsga2": "NSGA-II of Optuna",
    "optuna_tpe": "TPE of Optuna",
    "random": "random search",
    "regularised_evolution": "regularised evolution",
    "rnsga2": "R-NSGA-II",
    "smsemoa": "SMS-EMOA",
    "spea2": "SPEA2",
    "unsga3": "U-NSGA-III",
    "weaknas": "WeakNAS",
}
BENCHMARKS = {  # by their keys in ``nastoolkit.benchmarks.BENCHMARKS``
    "digits-mbv3-table": "digits supernet",
    "efficient-tdnn-v100": "EfficientTDNN on a V100",
    "mcunet-vww": "MCUNet",
    "nas-bench-201": "NAS-Bench-201",
    "nas-bench-macro": "NAS-Bench-Macro",
    "nas-bench-mr": "NAS-Bench-MR",
    "ofa-mbv3-note10": "Once-for-All on a Note10",
    "ofa-mbv3-w10-imagenet": "Once-for-All on ImageNet",
    "ofa-mbv3-w12-macs": "wide Once-for-All",
}
BENCHMARK = re.compile(rf"(?<![\w-])({'|'.join(BENCHMARKS)})(?![\w-])")
ALSO_OTHERWISE_USED = ("full", "ga", "nat", "random")  # a figure may mean something else by these words
BACKENDS = {  # by their keys in ``nastoolkit.latency.backends.BACKENDS``
    "torch": "PyTorch",
    "torch-compile": "torch.compile",
    "onnxruntime": "ONNX Runtime",
    "onnxruntime-int8": "ONNX Runtime INT8",
    "openvino": "OpenVINO",
    "openvino-int8": "OpenVINO INT8",
    "cuda": "CUDA",
}
HARDWARE = re.compile(rf"(?<![\w-])({'|'.join(sorted(BACKENDS, reverse=True))}) (\d+) (\d+)(?!\w)")
WITH_UNIT = re.compile(r"([^\[\](]+?)(?:,? in (%|ms|nats|[kM]B)| \[([^\]]+)\])(?:(?:, | of )([\w ]+))?")


def quantity_label(name: str, unit: str = "", *details: str) -> str:
    """Name and unit for an axis or a column, e.g. ``accuracy (top-1, %)``; a unit that ends a name is not repeated."""
    words, detail, usual = QUANTITIES.get(name, (name, "", ""))
    unit = COUNTED_IN.get(unit, unit) or usual
    if name not in QUANTITIES and unit and name.endswith(unit.lower()):
        unit = ""
    inner = ", ".join(part for part in (detail, *details, unit) if part)
    return f"{words} ({inner})" if inner else words


def algorithm_name(key: str) -> str:
    """Name of an algorithm, e.g. ``NSGA-II`` for ``nsga2``; one that is not in the table keeps its key."""
    return ALGORITHMS.get(key, key)


def hardware_name(backend: str, batch_size: int | str, threads: int | str) -> str:
    """Name of a hardware setting, e.g. ``PyTorch, batch 128, 1 thread``."""
    return f"{BACKENDS.get(backend, backend)}, batch {batch_size}, {threads} thread{'s' * (str(threads) != '1')}"


def readable(text: str) -> str:
    """A label with short names replaced, e.g. ``accuracy_top1 [%], test`` by ``accuracy (top-1, test, %)``."""
    text = HARDWARE.sub(lambda found: hardware_name(*found.groups()), text)
    text = re.sub(r"\((\w+)\)", lambda found: f"({_unless_ambiguous(found[1])})", text)
    text = BENCHMARK.sub(lambda found: BENCHMARKS[found[1]], text)
    if found := WITH_UNIT.fullmatch(text):
        name, unit, bracketed, detail = found.groups()
        return quantity_label(name, unit or bracketed, *filter(None, [detail]))
    if text == "MMACs" or (text in QUANTITIES and text != "accuracy"):
        return quantity_label(text.lower())
    first = re.split(r"[ ,:(]", text)[0]
    return _unless_ambiguous(first) + text[len(first) :]


def _unless_ambiguous(key: str) -> str:
    return key if key in ALSO_OTHERWISE_USED else algorithm_name(key)

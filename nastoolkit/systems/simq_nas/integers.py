"""Real INT8: networks with 8 bits or floats for each block, run with integers by ONNX Runtime on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import torch
from torch import nn

from nastoolkit.benchmarks.supernet_problem import SIZE
from nastoolkit.blocks import Inputs, rows_of
from nastoolkit.families.bits import FLOAT
from nastoolkit.families.fake_quantisation import input_bits
from nastoolkit.latency.backends.onnx_graph import arrays, exported, fed
from nastoolkit.latency.backends.onnx_int8 import OnnxRuntimeInt8, int8_model
from nastoolkit.latency.backends.onnx_runtime import OnnxRuntime
from nastoolkit.latency.clock import Clock
from nastoolkit.latency.end_to_end import summary
from nastoolkit.systems.simq_nas.comparison import MARGIN
from nastoolkit.systems.simq_nas.search import QuantisedProblem

N_AT_ONCE = 100  # inputs of an INT8 network whose accuracy is measured


def real_int8(problem: Mapping[str, Any], seed: int, budget: int, seconds: float, **settings: Any) -> pd.DataFrame:
    """The largest network and one found by a search, with ONNX Runtime's own INT8 on this machine; a job of a grid.

    Args:
        problem: Values of a :class:`QuantisedProblem` with the bits 8 and 32, and only symmetric weights.
        seed: Seed of the search.
        budget: Number of its evaluations.
        seconds: Time to measure the latency of each network.
        **settings: Settings of the search.

    Returns:
        A row for each ``network``: size of its file in kB, ``file_kb``; ``latency_ms`` of one input in one thread, with the
        interquartile range ``iqr_ms`` of its runs; test accuracy in % of the ``real`` network, and of the ``fake`` one.
    """
    given = QuantisedProblem(**problem)
    front = given.search(SIZE, "linas", budget, seed, **settings).front()
    floats, integers = (given.uniform(n) for n in (FLOAT, 8))
    good = front[front.values[:, 0] >= given.accuracy()(integers)[0, 0] - MARGIN]
    found = good.genotypes[good.values[:, 1].argmin()] if len(good) else front.genotypes[0]
    networks = {"largest, floats": floats, "largest, INT8": integers, "searched, INT8": found}
    clock = Clock(_runner(given, floats))
    rows = [{"network": name, **_measured(given, genotype, clock, seconds)} for name, genotype in networks.items()]
    return pd.DataFrame(rows)


def _runner(problem: QuantisedProblem, genotype: np.ndarray) -> OnnxRuntime:
    """A network for one input, in floats if none of its blocks has 8 bits."""
    network, inputs = problem.supernet.extract(genotype).cpu(), problem.family.example_inputs(genotype)
    return (OnnxRuntimeInt8 if input_bits(network) else OnnxRuntime)(network, inputs, 1)


def _measured(problem: QuantisedProblem, genotype: np.ndarray, clock: Clock, seconds: float) -> dict[str, float]:
    """Size, latency and accuracies of a network; its times are relative to the clock's reference."""
    test, network, runner = problem.accuracy("test"), problem.supernet.extract(genotype), _runner(problem, genotype)
    fake = test.of_network(network, genotype)
    times = summary(clock.ratios(runner, seconds) * clock.typical_ms)
    accuracies = {"real": _real_accuracy(problem, network.cpu(), genotype), "fake": fake}
    return {"file_kb": len(runner.model) / 1e3, "latency_ms": times.median_ms, "iqr_ms": times.iqr_ms, **accuracies}


def _real_accuracy(problem: QuantisedProblem, network: nn.Module, genotype: np.ndarray) -> float:
    """Test accuracy in % of a calibrated network as ONNX Runtime computes it, with ranges from the same training examples."""
    test, shape = problem.accuracy("test"), problem.family.input_shape(genotype)
    seen = next(problem.task.split("train").batches(test.n_observed, shape)).inputs
    batches = list(problem.task.split("test").batches(N_AT_ONCE, shape, test.n_images))
    first = batches[0].inputs
    model = int8_model(network, first, seen) if input_bits(network) else exported(network, first)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    answers = torch.cat([_answers(session, batch.inputs, len(arrays(first)[0])) for batch in batches])
    return problem.task.score(answers, torch.cat([batch.targets for batch in batches]))


def _answers(session: onnxruntime.InferenceSession, inputs: Inputs, n: int) -> torch.Tensor:
    """Outputs for at most n inputs, from a session that takes n."""
    n_inputs = len(arrays(inputs)[0])
    full = rows_of(inputs, np.resize(np.arange(n_inputs), n))
    return torch.from_numpy(session.run(None, fed([slot.name for slot in session.get_inputs()], full))[0][:n_inputs])

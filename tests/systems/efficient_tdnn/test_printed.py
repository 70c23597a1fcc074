import pytest

from nastoolkit.benchmarks.efficient_tdnn_v100 import EfficientTDNNV100
from nastoolkit.systems.efficient_tdnn import printed


def test_counts_have_the_printed_digits(monkeypatch):
    monkeypatch.setattr(printed, "NETWORKS", {name: printed.NETWORKS[name] for name in ("smallest", "Small")})
    counts = printed.counts()
    for ours, texts in ((counts.params_m, counts.params_printed), (counts.operations_g, counts.operations_printed)):
        for number, text in zip(ours, texts, strict=True):
            assert f"{number:.{len(text.partition('.')[2])}f}" == text
    assert list(counts.index) == ["smallest", "Small"]


def test_so_have_latencies_and_the_predictor_is_close(data_folder):
    problem = EfficientTDNNV100(data_folder)
    ours, texts = printed.latencies(problem)
    assert [f"{number:.2f}" for number in ours] == texts == ["27.96", "7.77"]
    errors = printed.predicted_errors(problem)
    assert (errors.predicted - errors.measured).abs().max() == pytest.approx(0.225, abs=0.001)

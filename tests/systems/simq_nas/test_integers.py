import pytest

from nastoolkit.systems import simq_nas as simq


@pytest.mark.filterwarnings("ignore:.*the machine is not quiet")
def test_real_integers_are_timed_and_answer_as_fake_ones(quantised):
    values = {**quantised, "bits": [8, 32], "schemes": []}
    found = simq.real_int8(values, 0, 4, 0.01, population=4, generations=3).set_index("network")
    floats, largest, _ = found.index
    assert (floats, largest) == ("largest, floats", "largest, INT8")
    assert found.file_kb[largest] < found.file_kb[floats] and (found.latency_ms > 0).all()
    assert found.real[floats] == found.fake[floats] and (found.real - found.fake).abs().max() < 20

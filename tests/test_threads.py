import pytest
import torch
from torch import nn

from nastoolkit.measurements import Accuracy
from nastoolkit.tasks import TASKS
from nastoolkit.threads import SMALL, threads_for, torch_threads


@pytest.fixture
def two_threads():
    with torch_threads(2):
        yield


@pytest.mark.usefixtures("two_threads")
def test_small_networks_take_one_thread_and_large_ones_those_that_there_are(monkeypatch):
    small, large = (nn.Linear(1, n, bias=False) for n in (SMALL, SMALL + 1))
    assert (threads_for(small), threads_for(large)) == (1, 2)
    monkeypatch.setenv("NASTOOLKIT_THREADS", "4")
    assert (threads_for(small), threads_for(large)) == (4, 2)


@pytest.mark.usefixtures("two_threads")
def test_accuracy_is_measured_on_one_thread_and_the_number_is_as_before(tiny, supernet_of):
    seen = []
    supernet = supernet_of(tiny)
    network = supernet.extract(tiny.space.smallest)
    network.register_forward_pre_hook(lambda *_: seen.append(torch.get_num_threads()))
    Accuracy(supernet, TASKS["digits"](), n_calibration=8, n_images=8).of_network(network, tiny.space.smallest)
    assert set(seen) == {1} and torch.get_num_threads() == 2


def test_threads_are_given_back_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError), torch_threads(before + 1):
        raise RuntimeError
    assert torch.get_num_threads() == before

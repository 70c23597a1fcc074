import threading

import pytest
import torch
from torch import nn
from torch.nn import functional

from nastoolkit.randomness import drawn_from

X = torch.linspace(0.1, 0.9, 32).reshape(4, 8)
DRAWS = {
    "rand": lambda: torch.rand(5),
    "randn": lambda: torch.randn(5),
    "randint": lambda: torch.randint(100, (5,)),
    "randperm": lambda: torch.randperm(9),
    "like": lambda: torch.rand_like(X) + torch.randn_like(X) + torch.randint_like(X, 9),
    "normal": lambda: torch.normal(X, X),
    "multinomial": lambda: torch.multinomial(X, 3),
    "in place": lambda: torch.empty(5).exponential_() + torch.empty(5).uniform_() + torch.empty(5).random_(5),
    "dropout": lambda: nn.Dropout(0.3)(X),
    "dropout in one operation": lambda: torch.native_dropout(X, 0.3, True)[0],
    "dropout of channels": lambda: functional.dropout2d(torch.ones(2, 3, 4, 4)),
    "alpha dropout": lambda: functional.alpha_dropout(X, 0.3, training=True),
    "attention": lambda: functional.scaled_dot_product_attention(X[None], X[None], X[None], dropout_p=0.5),
    "recurrent": lambda: nn.LSTM(8, 3, 2, dropout=0.5)(X)[0],
    "gumbel": lambda: functional.gumbel_softmax(X),
    "rrelu": lambda: functional.rrelu(-X, training=True),
    "linear": lambda: nn.Linear(3, 4).weight,
    "convolution": lambda: nn.Conv2d(3, 4, 3).bias,
    "embedding": lambda: nn.Embedding(3, 4).weight,
    "orthogonal": lambda: nn.init.orthogonal_(torch.empty(4, 4)),
    "truncated": lambda: nn.init.trunc_normal_(torch.empty(4, 4)),
}


@pytest.mark.parametrize("name", DRAWS)
def test_what_is_drawn_is_what_pytorchs_seed_gives_and_leaves_its_generator_alone(name):
    with torch.random.fork_rng():
        torch.manual_seed(7)
        expected = [DRAWS[name]().detach() for _ in range(2)]
    before = torch.get_rng_state()
    with drawn_from(7):
        found = [DRAWS[name]().detach() for _ in range(2)]
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True)) and not torch.equal(*found)


def test_dropout_in_one_operation_has_a_gradient_and_ends_with_training():
    x = X.clone().requires_grad_()
    with drawn_from(7):
        kept, mask = torch.native_dropout(x, 0.5, True)
        assert torch.equal(torch.native_dropout(x, 0.5, False)[0], x)
    kept.sum().backward()
    assert torch.equal(x.grad, 2.0 * mask) and 0 < mask.sum() < mask.numel()


def test_what_has_a_generator_keeps_it():
    with drawn_from(7):
        found = torch.randn(3, generator=torch.Generator().manual_seed(1))
        inside = torch.empty(3).normal_(generator=torch.Generator().manual_seed(1))
    assert torch.equal(found, torch.randn(3, generator=torch.Generator().manual_seed(1))) and torch.equal(found, inside)


def test_it_holds_in_its_own_thread_and_ends():
    inside, other, done = threading.Event(), threading.Event(), []

    def draw():
        inside.wait(10)
        done.append(torch.rand(3))
        other.set()

    thread = threading.Thread(target=draw)
    thread.start()
    with torch.random.fork_rng():
        torch.manual_seed(5)
        with drawn_from(7):
            first = torch.rand(3)
            inside.set()
            other.wait(10)
        thread.join()
        torch.manual_seed(5)
        assert torch.equal(done[0], torch.rand(3)) and not torch.equal(first, done[0])


def test_tensors_without_memory_need_no_generator():
    with torch.device("meta"), drawn_from(0):
        assert nn.Linear(3, 4).weight.is_meta

"""Every written cell is valid, probabilities are those of a distribution, and both ways of reading see every edge."""

from itertools import product

import pytest
import torch

from nastoolkit.families.cells import DIGITS
from nastoolkit.systems.metad2a.graphs import N_DIMS, CellGenerator, CellPredictor, graph_of, reversed_graph


@pytest.fixture
def generator():
    torch.manual_seed(0)
    return CellGenerator(6, 3, 3)


def test_the_graph_of_a_cell():
    assert graph_of(3) == ((), (0,), (0,), (1,), (2, 3))
    assert reversed_graph(graph_of(3)) == ((), (0,), (0,), (1,), (2, 3))
    assert len(graph_of(DIGITS.n_nodes)) == 2 + len(DIGITS.edges)
    assert graph_of(4)[4:] == ((0,), (1,), (2, 3), (4, 5, 6))
    assert reversed_graph(graph_of(4))[1:4] == ((0,), (0,), (0,))


def test_probabilities_of_all_cells_sum_to_one(generator):
    cells = torch.tensor([*product(range(3), repeat=3)])
    with torch.no_grad():
        total = generator.log_probability(torch.randn(1, N_DIMS).expand(len(cells), -1), cells).exp().sum()
    assert total.item() == pytest.approx(1, abs=1e-5)


def test_a_sample_has_the_probability_that_teacher_forcing_gives_it(generator):
    codes = torch.randn(50, N_DIMS)
    cells, log_probability = generator.sample(codes, torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(generator.log_probability(codes, cells), log_probability)


def test_every_sample_is_a_cell_and_they_are_drawn_by_their_probabilities(generator):
    code = torch.randn(1, N_DIMS)
    cells, _ = generator.sample(code.expand(4000, -1), torch.Generator().manual_seed(2))
    assert cells.shape == (4000, 3) and cells.min() >= 0 and cells.max() < 3  # validity of 1
    every = torch.tensor([*product(range(3), repeat=3)])
    with torch.no_grad():
        wanted = generator.log_probability(code.expand(27, -1), every).exp()
    shares = (cells[:, None] == every).all(-1).float().mean(0)
    assert (shares - wanted).abs().max() < 0.03


def test_later_operations_depend_on_earlier_ones(generator):
    """Else the generator could not do more than frequencies of each edge."""
    code = torch.randn(1, N_DIMS).expand(9, -1)
    firsts = torch.tensor([[first, 0, last] for first in range(3) for last in range(3)])
    with torch.no_grad():
        log_probability = generator.log_probability(code, firsts).view(3, 3)
    given_first = (log_probability - log_probability.logsumexp(1, keepdim=True)).exp()
    assert (given_first[0] - given_first[1]).abs().max() > 1e-4


def test_the_loss_in_closed_form(generator):
    features, cells = torch.randn(2, 4, 5, 6), torch.randint(0, 3, (2, 3, 3))
    loss = generator.loss(features, cells, torch.Generator().manual_seed(4), 0.5)
    drawn = torch.randn((2, N_DIMS), generator=torch.Generator().manual_seed(4))
    mean, log_variance = generator.encode(features)
    total = 0.0
    for task in range(2):
        code = mean[task] + 0.01 * torch.exp(log_variance[task] / 2) * drawn[task]
        divergence = 0.5 * (log_variance[task].exp() + mean[task] ** 2 - 1 - log_variance[task]).sum()
        for cell in cells[task]:
            total += 0.5 * divergence - generator.log_probability(code[None], cell[None])[0]
    torch.testing.assert_close(loss, total / 6)


def test_a_generator_learns_what_each_task_wants():
    torch.manual_seed(5)
    generator, marks = CellGenerator(6, 3, 3), torch.randn(2, 1, 1, 6).expand(-1, 3, 4, -1)
    wanted = torch.tensor([[[0, 1, 2]], [[2, 0, 1]]])
    optimizer = torch.optim.Adam(generator.parameters(), 1e-2)
    for _ in range(80):
        generator.loss(marks, wanted, torch.Generator().manual_seed(0), 0.005).backward()
        optimizer.step()
        optimizer.zero_grad()
    with torch.no_grad():
        cells, _ = generator.sample(generator.encode(marks)[0], torch.Generator().manual_seed(0))
    assert torch.equal(cells, wanted[:, 0])


def test_the_predictor_sees_every_edge_and_the_task():
    torch.manual_seed(6)
    predictor, features = CellPredictor(6, 3, 3), torch.randn(2, 3, 4, 6)
    cells = torch.tensor([[0, 1, 2], [1, 1, 2], [0, 0, 2], [0, 1, 0]])
    with torch.no_grad():
        answers = predictor(features, cells)
    assert answers.shape == (2, 4) and answers[0].unique().numel() == 4
    assert not torch.allclose(answers[0], answers[1], atol=1e-6)

"""Cells as graphs: a generator that writes them node by node, and a predictor that reads them (Sections 3.3 and 3.4).

[Zhang2019] M. Zhang et al., "D-VAE: A Variational Autoencoder for Directed Acyclic Graphs", NeurIPS 2019, Section 3.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import one_hot

from nastoolkit.systems.metad2a.sets import DataSetEncoder

N_DIMS = 32  # of data sets, nodes and codes
NOISE = 0.01  # share of the standard deviation that codes are drawn with while the generator learns
Graph = tuple[tuple[int, ...], ...]  # nodes before each node


def graph_of(n_nodes: int) -> Graph:
    """The cell's graph with operations on its nodes: the input, an operation for each edge, the output.

    Args:
        n_nodes: Nodes of the cell, whose edges are in the order of :class:`nastoolkit.families.cells.Table`.
    """
    edges = [(source, node) for node in range(1, n_nodes) for source in range(node)]
    into = [[0]] + [[place for place, (_, end) in enumerate(edges, 1) if end == node] for node in range(1, n_nodes)]
    return ((), *(tuple(into[source]) for source, _ in edges), tuple(into[-1]))


def reversed_graph(graph: Graph) -> Graph:
    """The same graph from its output to its input; nodes are counted from the end."""
    last = len(graph) - 1
    after = [sorted(last - later for later, before in enumerate(graph) if node in before) for node in range(len(graph))]
    return tuple(tuple(nodes) for nodes in reversed(after))


class NodeStates(nn.Module):
    """States of a graph's nodes, each from its type and from a gated sum of those before it ([Zhang2019], Eqs. 6 to 8).

    Args:
        graph: The nodes before each node.
        n_types: Number of types of nodes.
    """

    def __init__(self, graph: Graph, n_types: int) -> None:
        super().__init__()
        self.graph, self.n_types = graph, n_types
        n_state = N_DIMS + len(graph)
        self.gate, self.message = nn.Linear(n_state, N_DIMS), nn.Linear(n_state, N_DIMS, bias=False)
        self.update = nn.GRUCell(n_types, N_DIMS)

    def state(self, types: torch.Tensor, states: list[torch.Tensor], start: torch.Tensor) -> torch.Tensor:
        """State ``(n, n_dims)`` of the next node, of ``types`` ``(n,)``; the first one begins with ``start``."""
        before = start
        if places := self.graph[len(states)]:
            marks = one_hot(torch.tensor(places), len(self.graph)).to(start)
            marked = zip(places, marks, strict=True)
            sent = [torch.cat([states[place], mark.expand(len(start), -1)], 1) for place, mark in marked]
            before = torch.stack([torch.sigmoid(self.gate(part)) * self.message(part) for part in sent]).sum(0)
        return self.update(one_hot(types, self.n_types).to(start), before)


class CellGenerator(nn.Module):
    """Writes cells for a data set: a code is drawn, and the operations are chosen one after the other.

    Args:
        n_features: Features of an image.
        n_operations: Operations to choose from.
        n_nodes: Nodes of a cell.
    """

    def __init__(self, n_features: int, n_operations: int, n_nodes: int) -> None:
        super().__init__()
        self.encoder, self.n_operations = DataSetEncoder(n_features, N_DIMS), n_operations
        self.code, self.start = nn.Linear(N_DIMS, 2 * N_DIMS), nn.Linear(N_DIMS, N_DIMS)
        self.nodes = NodeStates(graph_of(n_nodes), n_operations + 1)  # the last type is the input
        self.choice = nn.Sequential(nn.Linear(2 * N_DIMS, 2 * N_DIMS), nn.ReLU(), nn.Linear(2 * N_DIMS, n_operations))

    def encode(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and logarithm of the variance, ``(n_tasks, n_dims)``, of the codes of data sets."""
        mean, log_variance = self.code(self.encoder(features)).chunk(2, dim=1)
        return mean, log_variance

    def log_probability(self, codes: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
        """Logarithm of the probability ``(n,)`` to write ``cells`` ``(n, n_edges)`` from ``codes`` ``(n, n_dims)``."""
        return self._written(codes, lambda place, logits: cells[:, place])[1]

    @torch.no_grad()
    def sample(self, codes: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """A cell for each code, ``(n, n_edges)``, and the logarithm of its probability ``(n,)``."""
        return self._written(codes, lambda place, logits: torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0])

    def loss(self, features: torch.Tensor, cells: torch.Tensor, generator: torch.Generator, kl_weight: float) -> torch.Tensor:
        """What to minimise for tasks and good cells of each, ``(n_tasks, n_cells, n_edges)``; mean over all pairs (Eq. 5)."""
        mean, log_variance = self.encode(features)
        drawn = torch.randn(mean.shape, generator=generator)
        codes = (mean + NOISE * (log_variance / 2).exp() * drawn).repeat_interleave(cells.shape[1], 0)
        divergence = (log_variance.exp() + mean**2 - 1 - log_variance).sum(1) / 2
        return kl_weight * divergence.mean() - self.log_probability(codes, cells.flatten(0, 1)).mean()

    def _written(
        self, codes: torch.Tensor, choose: Callable[[int, torch.Tensor], torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        start, total = torch.tanh(self.start(codes)), torch.zeros(len(codes))
        given = torch.full((len(codes),), self.n_operations)
        states, cell = [self.nodes.state(given, [], start)], list[torch.Tensor]()
        for place in range(len(self.nodes.graph) - 2):
            logits = self.choice(torch.cat([start, torch.stack(states).sum(0)], 1))
            cell.append(choose(place, logits))
            total = total + logits.log_softmax(1).gather(1, cell[-1][:, None])[:, 0]
            states.append(self.nodes.state(cell[-1], states, start))
        return torch.stack(cell, 1), total


class CellPredictor(nn.Module):
    """Tells the accuracy of cells on data sets, both encoded; a cell is read in both directions.

    Args:
        n_features, n_operations, n_nodes: See :class:`CellGenerator`.
    """

    def __init__(self, n_features: int, n_operations: int, n_nodes: int) -> None:
        super().__init__()
        self.encoder, graph = DataSetEncoder(n_features, N_DIMS), graph_of(n_nodes)
        self.n_operations = n_operations
        self.forward_nodes, self.backward_nodes = (NodeStates(way, n_operations + 2) for way in (graph, reversed_graph(graph)))
        self.joined = nn.Linear(2 * N_DIMS, N_DIMS)
        self.head = nn.Sequential(nn.Linear(2 * N_DIMS, N_DIMS), nn.Tanh(), nn.Linear(N_DIMS, 1))

    def forward(self, features: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
        """Predictions ``(n_tasks, n_cells)`` of ``cells`` ``(n_cells, n_edges)`` for every task."""
        tasks = self.encoder(features)[:, None].expand(-1, len(cells), -1)
        read = self._read(cells).expand(len(tasks), -1, -1)
        return self.head(torch.cat([tasks, read], 2))[..., 0]

    def _read(self, cells: torch.Tensor) -> torch.Tensor:
        """Cells ``(n, n_edges)`` as vectors ``(n, n_dims)``: their outputs read forwards, and their inputs read backwards."""
        ends = torch.arange(2).expand(len(cells), -1) + self.n_operations
        types, found = torch.cat([ends[:, :1], cells, ends[:, 1:]], 1), list[torch.Tensor]()
        for nodes, ordered in ((self.forward_nodes, types), (self.backward_nodes, types.flip(1))):
            states = list[torch.Tensor]()
            for column in ordered.T:
                states.append(nodes.state(column, states, torch.zeros(len(cells), N_DIMS)))
            found.append(states[-1])
        return self.joined(torch.cat(found, 1))

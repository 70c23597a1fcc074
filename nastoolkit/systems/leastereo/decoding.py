"""From weights of a search to networks: Viterbi's algorithm for paths, the strongest edges for cells ([Cheng2020])."""

from __future__ import annotations

import numpy as np
import torch

from nastoolkit.systems.leastereo.network import CONV, OPTIONS, Design, StereoShape, all_edges, reached

KEPT = 2  # edges of a node


def routes(betas: torch.Tensor, faithful: bool = False) -> torch.Tensor:
    """Weights of all ways to a level from a level, ``(n_layers, n_levels, n_levels)``.

    An output has a softmax over going up a level, staying and going down one; at both ends, where there are only two ways, it
    is multiplied by 2/3. Levels that no path has reached have weight 0.

    Args:
        betas: Logits ``(n_layers, n_levels, 3)`` of an output's ways.
        faithful: Whether both ways from the deepest level have 2/3, as in the released code on several GPUs.
    """
    n_layers, n = betas.shape[:2]
    level, move = torch.meshgrid(torch.arange(n), torch.arange(3), indexing="ij")
    is_way = ((level + move >= 1) & (level + move <= n)).to(betas.device)
    shares = betas.masked_fill(~is_way, -torch.inf).softmax(-1) * (is_way.sum(-1, keepdim=True) / 3)
    if faithful:
        shares = torch.where((level == n - 1).to(betas.device) & is_way, 2 / 3, shares)
    ways = [torch.diag_embed(shares[:, max(0, 1 - one) : n - max(0, one - 1), one], 1 - one) for one in range(3)]
    is_reached = (torch.arange(n) <= torch.arange(n_layers)[:, None]).to(betas.device)
    return torch.stack(ways).sum(0) * is_reached[:, None]


def viterbi(weights: np.ndarray) -> tuple[int, ...]:
    """The path from level 0 with the largest product of weights ``(n_layers, n_levels, n_levels)``, to a level from a level.

    Raises:
        ValueError: Every path has a way of weight 0.
    """
    best, came_from = np.eye(weights.shape[1])[0], []
    for layer, ways in enumerate(weights):
        products = ways * best
        best = products.max(1)
        if not best.max() > 0:
            raise ValueError(f"no path leads through the trellis: layer {layer} cannot be reached from level 0")
        came_from.append(products.argmax(1))
    path = [int(best.argmax())]
    for origins in came_from[:0:-1]:
        path.append(int(origins[path[-1]]))
    return tuple(path[::-1])


def strongest(shares: np.ndarray, n_nodes: int, faithful: bool = False) -> tuple[tuple[int, int, int], ...]:
    """Two edges for each node, those with the largest share of an option, and the option that has it.

    Args:
        shares: Shares ``(n_edges, 2)`` of all edges' options.
        n_nodes: Nodes of a cell.
        faithful: Whether edges are ranked by their convolution alone, as in the released code; its name for that is "ignore
            none", but the first option is to skip, which is not nothing.
    """
    edges = all_edges(n_nodes)
    strength = shares[:, CONV:].max(1) if faithful else shares.max(1)
    kept = [sorted(_of_node(edges, node), key=lambda number: -strength[number])[:KEPT] for node in range(n_nodes)]
    return tuple((*edges[number], int(shares[number].argmax())) for own in kept for number in sorted(own))


def _of_node(edges: list[tuple[int, int]], node: int) -> list[int]:
    return [number for number, edge in enumerate(edges) if edge[0] == node]


def everywhere(design: Design, option: int = CONV) -> Design:
    """The same path and edges with one option for all."""
    return Design(design.path, tuple((node, source, option) for node, source, _ in design.edges))


def random_design(shape: StereoShape, n_layers: int, rng: np.random.Generator) -> Design:
    """A random walk through the levels, two random sources for each node, and random options."""
    path = [0]
    for levels in reached(n_layers, shape.n_levels):
        path.append(int(rng.choice([level for level in levels if abs(level - path[-1]) <= 1])))
    sources = [sorted(rng.choice(node + 2, KEPT, replace=False).tolist()) for node in range(shape.n_nodes)]
    edges = ((node, source) for node, own in enumerate(sources) for source in own)
    return Design(tuple(path[1:]), tuple((*edge, int(rng.choice(OPTIONS))) for edge in edges))

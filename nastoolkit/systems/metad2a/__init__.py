"""MetaD2A: cells are generated for a data set from its images, and the best predicted one is trained.

[Lee2021] H. Lee, E. Hyung and S. J. Hwang, "Rapid Neural Architecture Search by Learning to Generate Graphs from Datasets",
ICLR 2021, arXiv 2107.00860: Sections 3.2 (data sets), 3.3 (generator) and 3.4 (predictor).

What was learnt from known data sets writes good networks for an unseen one in seconds, where a search trains many.

Differs from the paper in: tasks are small ones (:mod:`nastoolkit.tasks.cue_tasks`); a cell has three edges, and every cell was
trained for every task. The graph of all cells is the same, so that the generator only decides the operations, and every cell
that it writes is valid; an operation is chosen by the code and the sum of all states so far. The predictor learns accuracies
that are standardised within each task. Features of images are those of a small network that tells the classes of known tasks
apart, in place of a ResNet-18. Learning keeps its last step, not the best one.
"""

from nastoolkit.systems.card import Card
from nastoolkit.systems.metad2a.comparison import (
    AGNOSTIC,
    EVERY,
    MARGINAL,
    METAD2A,
    NEAREST,
    RANDOM,
    WRONG,
    propose,
)
from nastoolkit.systems.metad2a.graphs import CellGenerator, CellPredictor
from nastoolkit.systems.metad2a.sets import DataSetEncoder
from nastoolkit.systems.metad2a.truth import cells_of, tasks_of, true_accuracies

CARD = Card(
    name="metad2a",
    title="Rapid Neural Architecture Search by Learning to Generate Graphs from Datasets",
    paper="2107.00860",
    claim="A generator, conditioned on a data set's images, writes good networks for it without a search.",
    methods=("DataSetEncoder", "CellGenerator", "CellPredictor"),
    notebooks=("generated_for_the_task",),
    taught_in="docs/how_to_task.md",
    needs="40 data sets of images in folders, all cells trained for each, a GPU",
)

__all__ = [
    "AGNOSTIC",
    "CARD",
    "EVERY",
    "MARGINAL",
    "METAD2A",
    "NEAREST",
    "RANDOM",
    "WRONG",
    "DataSetEncoder",
    "CellGenerator",
    "CellPredictor",
    "cells_of",
    "propose",
    "tasks_of",
    "true_accuracies",
]

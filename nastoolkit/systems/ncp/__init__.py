"""Network codes edited by a predictor's gradient, for one task or for several at once.

[Ding2021] M. Ding, Y. Huo, H. Lu, L. Yang, Z. Wang, Z. Lu, J. Wang and P. Luo, "Learning Versatile Neural Architectures by
Propagating Network Codes" (NCP), ICLR 2022, arXiv 2103.13253: a predictor's gradient with respect to a network's code leads
from any network to better ones in seconds, and the gradients of several tasks to a network that is good at all of them.

Differs from the paper in: the edited networks of its benchmark cannot be trained here, so they are judged by a referee that
learned from networks that no predictor saw. If a table contains all networks, they are looked up.
"""

from nastoolkit.systems.card import Card
from nastoolkit.systems.ncp.editing import CodePredictor, Codes, edit

CARD = Card(
    name="ncp",
    title="Learning Versatile Neural Architectures by Propagating Network Codes",
    paper="2103.13253",
    claim="The gradient of a predictor with respect to a network's code leads to better networks, for several tasks too.",
    methods=("Codes", "CodePredictor", "edit"),
    notebooks=("edited_codes",),
    taught_in="notebooks/learn/05_predictors.ipynb",
    needs="the published tables; at the paper's scale a GPU cluster that trains the edited networks, which nothing here does",
)

__all__ = ["CARD", "CodePredictor", "Codes", "edit"]

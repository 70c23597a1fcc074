"""Speaker verification by sub-networks of a time-delay network, searched with a predictor within latency limits.

[Wang2021] R. Wang, Z. Wei, H. Duan, S. Ji, Y. Long and Z. Hong, "EfficientTDNN: Efficient Architecture Search for Speaker
Recognition", arXiv 2103.13581: a supernet of time-delay networks is trained in stages that open kernels, depths and widths;
a predictor of the equal error rate and a table of latencies then find a network for any device.

Differs from the paper in: the search uses the published predictor and table, which are the paper's own; in the miniature, a
supernet is trained on pieces of LibriSpeech of one second, and nothing is trained on VoxCeleb.
"""

from nastoolkit.systems.card import Card
from nastoolkit.systems.efficient_tdnn.model_predictive import evolve

CARD = Card(
    name="efficient_tdnn",
    title="EfficientTDNN: Efficient Architecture Search for Speaker Recognition",
    paper="2103.13581",
    claim="An evolutionary search by a predictor finds the speech network of least error within any limit of latency.",
    methods=("evolve",),
    notebooks=("search_by_table", "errors_over_budgets"),
    taught_in="notebooks/learn/13_beyond_images.ipynb",
    needs="the published latency table and predictor, 1.5 MB each; to train on VoxCeleb, which nothing here does, a GPU",
)

__all__ = ["CARD", "evolve"]

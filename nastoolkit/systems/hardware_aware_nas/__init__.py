"""The hardware-aware system: a search space learned from past searches, and the experiments of its figures.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954.
"""

from nastoolkit.systems.card import Card
from nastoolkit.systems.hardware_aware_nas.popdb import clusters, common_options, constrain, count_losers

CARD = Card(
    name="hardware_aware_nas",
    title="A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
    paper="2202.12954",
    claim="Predictors, warm starts and spaces learned from past searches find the best sub-networks in fewer measurements.",
    methods=("constrain", "clusters", "common_options", "count_losers"),
    notebooks=(
        "fig03_fig13_accuracy_predictor",
        "fig04_fig12_popdb",
        "fig05_fig06_fronts_do_not_transfer",
        "fig07_full_search",
        "fig08_warm_start",
        "fig09_fig10_concurrent_search",
        "fig11_table2_weaknas",
        "fig14_predicted_vs_actual",
        "sister_2205_10358_table3",
        "table3_latency_predictor",
    ),
    taught_in="notebooks/learn/07_linas_step_by_step.ipynb",
    needs="Once-for-All's and HAT's supernets, ImageNet and WMT14, a GPU",
)

__all__ = ["CARD", "clusters", "common_options", "constrain", "count_losers"]

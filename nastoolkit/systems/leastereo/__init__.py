"""LEAStereo: a search for both halves of a stereo network at once, features and matching.

[Cheng2020] X. Cheng, Y. Zhong, M. Harandi, Y. Dai, X. Chang, T. Drummond, H. Li and Z. Ge, "Hierarchical Neural Architecture
Search for Deep Stereo Matching", NeurIPS 2020, arXiv 2010.13501.

Cells of few operations on a path through levels of resolution are searched for by gradients, in the feature network and in the
matching network behind a concatenation volume, and small networks that are found so are more exact than large ones by hand.

Differs from the paper in: a cell sees one mixture of all that comes to it, in place of one output for each way, and the ends
of paths are weighted, so that a mixture of a single path is the network of that path; weights learn by AdamW along a cosine.
The published networks have 1.72 million parameters here, and 1.81 million with convolutions of the released code that no path
of theirs comes to.
"""

from nastoolkit.systems.card import Card
from nastoolkit.systems.leastereo.decoding import strongest, viterbi
from nastoolkit.systems.leastereo.network import StereoNet
from nastoolkit.systems.leastereo.search import StereoSearch

CARD = Card(
    name="leastereo",
    title="Hierarchical Neural Architecture Search for Deep Stereo Matching",
    paper="2010.13501",
    claim="Searched feature and matching networks are more exact than larger ones made by hand.",
    methods=("StereoSearch", "StereoNet", "strongest", "viterbi"),
    notebooks=("searched_or_convolutions",),
    taught_in="docs/how_to_training.md",
    needs="SceneFlow, a GPU",
)

__all__ = ["CARD", "StereoSearch", "StereoNet", "strongest", "viterbi"]

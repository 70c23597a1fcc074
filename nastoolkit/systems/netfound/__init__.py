"""netFound: can a network learn what traffic is like without labels?

[Guthula2023] S. Guthula et al., "netFound: Foundation Model for Network Security", arXiv 2310.17025, and the released code.

A network that sees flows as bursts of packets, token by token along the fields of protocols, and fills in what is hidden from
it, needs few labels afterwards, also if many of them are wrong.

What of a flow becomes tokens is fixed by hand in the paper; here it is part of a search space, together with the size
(:mod:`nastoolkit.families.flow_encoder`). Tokens, bursts and their facts are in :mod:`nastoolkit.tasks.flow_tokens`.

Differs from the paper in: what these two modules list; networks are small; rare tokens share weights; cosine schedules with
AdamW; and the published text (versions 1 to 4) describes masked tokens alone, while this follows the second release of the
code, with swapped bursts, facts and directions, whose weights in the loss are 1, 1, 0.4 and 1.
"""

from nastoolkit.systems.card import Card
from nastoolkit.systems.netfound.comparison import compare
from nastoolkit.systems.netfound.pretraining import Pretraining, corrupted

CARD = Card(
    name="netfound",
    title="netFound: Foundation Model for Network Security",
    paper="2310.17025",
    claim="Pre-trained on flows without labels, a network needs few labels, also if many of them are wrong.",
    methods=("corrupted", "Pretraining", "compare"),
    notebooks=("pretrained_or_scratch",),
    taught_in="docs/how_to_task.md",
    needs="a folder of captures, a GPU",
)

__all__ = ["CARD", "Pretraining", "compare", "corrupted"]

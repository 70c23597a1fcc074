"""Students of a language model in several small sub-spaces; in each, a supernet learns the teacher's self-attention.

AutoDistil: [Xu2022], arXiv 2201.12507.
"""

from nastoolkit.systems.autodistil.relations import Relations, relation_loss
from nastoolkit.systems.autodistil.students import sub_spaces, take_from_teacher
from nastoolkit.systems.card import Card

CARD = Card(
    name="autodistil",
    title="Few-shot Task-agnostic Neural Architecture Search for Distilling Large Language Models",
    paper="2201.12507",
    claim="Three supernets of students of like size teach these better than one for all, and their loss picks for any task.",
    methods=("Relations", "relation_loss", "sub_spaces", "take_from_teacher"),
    notebooks=("few_shot_students",),
    taught_in="docs/how_to_training.md",
    needs="BERT base from Hugging Face, a folder of Wikipedia's text, a GPU",
)

__all__ = ["CARD", "Relations", "relation_loss", "sub_spaces", "take_from_teacher"]

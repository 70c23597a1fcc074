"""The words of the scoreboard for how a claim stands, and how many claims have each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from board_history import Claim

from nastoolkit.claims import BEFORE, MINIATURE
from nastoolkit.verdicts import AGREES, EXACT, INCONCLUSIVE, NO_EFFECT, NOT_TESTED, STRONGER, WEAKER, WORDS

OUTDATED = "outdated"
ALSO_SEEN, NOT_SEEN = "also seen in miniature", "not seen in miniature"
IN_MINIATURE = dict.fromkeys((EXACT, AGREES, STRONGER, WEAKER), ALSO_SEEN) | {NO_EFFECT: NOT_SEEN}
STANDINGS = (*WORDS[:5], ALSO_SEEN, NOT_SEEN, INCONCLUSIVE, NOT_TESTED, *BEFORE, OUTDATED)


def standing(claim: Claim) -> str:
    """A claim's verdict as long as it holds; a miniature of the paper's problem only shows whether the effect is there."""
    if claim.get("outdated"):
        return OUTDATED
    word: str = claim["verdict"]
    return IN_MINIATURE.get(word, word) if claim.get("evidence") == MINIATURE else word


def verdict_text(claim: Claim) -> str:
    """A claim's verdict, why it is outdated (if it is), and what is missing if it is not decided."""
    word, known = claim["verdict"], standing(claim)
    if known == OUTDATED:
        return f"{word} (outdated: {claim['outdated']})"
    if word in (INCONCLUSIVE, NOT_TESTED) and claim.get("reasons"):
        return f"{word}: {claim['reasons']}"
    return word if known == word else f"{known} ({word})"


def counted(claims: Iterable[Claim]) -> str:
    """How many claims have each standing, in words."""
    counts = Counter(map(standing, claims))
    return ", ".join(f"{counts[word]} *{word}*" for word in STANDINGS if counts[word])

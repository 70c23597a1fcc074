"""Answers of several networks to one image, as HTML: the digit, how sure, how fast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nastoolkit.explorer.answers import Answer


def answers_html(answers: Mapping[str, Answer | None], classes: Sequence[int], truth: int | None = None) -> str:
    """A row for each network; one whose answer is not there yet waits.

    Args:
        answers: Answers by the names of networks.
        classes: The digits that they tell apart.
        truth: The digit that it is, if that is known.
    """
    rows = "".join(_row(name, found, classes, truth) for name, found in answers.items())
    return f'<div class="explorer-answers">{rows}</div>'


def _row(name: str, answer: Answer | None, classes: Sequence[int], truth: int | None) -> str:
    if answer is None:
        return f'<div class="explorer-answer" data-network="{name}"><b>·</b><span class="name">{name}</span></div>'
    said = classes[answer.label]
    judged = "" if truth is None else " right" if said == truth else " wrong"
    bars = "".join(_bar(digit, share, digit == said) for digit, share in zip(classes, answer.probabilities, strict=True))
    sure = f"{answer.probabilities.max():.0%} · {answer.ms:.2f} ms"
    return (
        f'<div class="explorer-answer{judged}" data-network="{name}"><b>{said}</b>'
        f'<span class="name">{name}<small>{sure}</small></span><span class="bars">{bars}</span></div>'
    )


def _bar(digit: int, share: float, is_said: bool) -> str:
    kind = ' class="said"' if is_said else ""
    return f'<i{kind} title="{digit}: {share:.1%}"><u style="height:{18 * share:.1f}px"></u>{digit}</i>'

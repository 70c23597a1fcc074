"""Lessons for a class: a version without solutions, checks of its answers, marks for what is handed in."""

from nastoolkit.teaching.answers import check

__all__ = ["check"]

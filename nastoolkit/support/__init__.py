"""Helpers for every part of the package: atomic files, interrupts that say how to continue, tables for notebooks."""

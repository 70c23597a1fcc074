"""What every part of the package may need: complete files, interrupts that say how to continue, tables for notebooks."""

"""What every part of the package may need: whole files, interrupts that say how to go on, tables for notebooks."""

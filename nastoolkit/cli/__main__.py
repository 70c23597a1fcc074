"""The same as the console script: ``python -m nastoolkit.cli``."""

from nastoolkit.cli import main

if __name__ == "__main__":
    main()

"""What runs experiments safely: grids of jobs in worker processes, whose results are kept."""

from nastoolkit.studies.grid import JobsError, jobs, run_grid

__all__ = ["JobsError", "jobs", "run_grid"]

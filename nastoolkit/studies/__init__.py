"""What runs experiments safely: grids of jobs in worker processes, whose results are kept, and rules for parameters."""

from nastoolkit.studies.grid import JobsError, jobs, run_grid
from nastoolkit.studies.parameters import check_parameters

__all__ = ["JobsError", "check_parameters", "jobs", "run_grid"]

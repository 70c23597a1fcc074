"""What runs experiments safely: grids of jobs in worker processes, whose results are kept, and rules for parameters.

A study, from its grid to its verdict, where ``search`` is a function of a module::

    grid = jobs(arm=["linas", "random"], seed=range(20))
    frame = run_grid(search, grid, output_dir / "jobs", version=1, n_workers=2)
    more = paired_differences(frame, "hypervolume", "linas", "random")
    found = verdict(more, at_least=5.0, paper_value=12.0)
    claim(output_dir / "claims.json", ..., ours=found.effect, interval=found.interval, verdict=found)
"""

from nastoolkit.studies.grid import Failure, JobsError, jobs, run_grid
from nastoolkit.studies.parameters import check_parameters

__all__ = ["Failure", "JobsError", "check_parameters", "jobs", "run_grid"]

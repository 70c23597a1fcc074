"""Studies: what runs searches and experiments safely.

They contain the loop of ask, measure and tell with its store, failures and worker processes; grids of jobs whose results are
kept; and rules for parameters. A study, from its grid to its verdict, where ``search`` is a function of a module::

    grid = jobs(arm=["linas", "random"], seed=range(20))
    frame = run_grid(search, grid, output_dir / "jobs", version=1, n_workers=2)
    more = paired_differences(frame, "hypervolume", "linas", "random")
    found = verdict(more, at_least=5.0, paper_value=12.0)
    claim(output_dir / "claims.json", ..., verdict=found)
"""

from nastoolkit.studies.grid import Failure, JobsError, jobs, run_grid
from nastoolkit.studies.optimize import optimize
from nastoolkit.studies.parameters import check_parameters
from nastoolkit.studies.past import past_evaluations
from nastoolkit.studies.processes import Processes
from nastoolkit.studies.reevaluation import reevaluate
from nastoolkit.studies.running import Running
from nastoolkit.studies.store import Store

__all__ = [
    "Failure",
    "JobsError",
    "Processes",
    "Running",
    "Store",
    "check_parameters",
    "jobs",
    "optimize",
    "past_evaluations",
    "reevaluate",
    "run_grid",
]

"""The model that a page begins with: what is stored, and what an earlier visit measured. It takes no measurements."""

from __future__ import annotations

from nastoolkit.explorer.machine_times import Times
from nastoolkit.explorer.model import Model
from nastoolkit.explorer.stored import stored_for
from nastoolkit.families import family_named
from nastoolkit.latency.conditions import kept_table
from nastoolkit.measurements import Accuracy
from nastoolkit.supernets import load_supernet
from nastoolkit.tasks import load_task

N_CALIBRATION = 2000  # images, where no stored accuracies say otherwise


def first_model(family_name: str, checkpoint: str, task_name: str, times: Times) -> Model:
    """A model with the tables that are there already: this machine's first, then the stored one.

    Args:
        family_name: See :func:`nastoolkit.families.family_named`.
        checkpoint: Weights, a path or an address; empty for those that ship.
        task_name: Task for the accuracy, as :func:`nastoolkit.tasks.load_task` takes it; empty for none.
        times: Where this machine's tables are kept, and which are wanted.
    """
    if not task_name:
        family, accuracy, stored = family_named(family_name), None, None
    else:
        supernet, task = load_supernet(family_name, checkpoint or None), load_task(task_name)
        family, stored = supernet.family, stored_for(supernet, task)
        accuracy = Accuracy(supernet, task, n_calibration=stored.n_calibration if stored else N_CALIBRATION)
    kept = {text: kept_table(text, family, times.folder, times.n_contexts) for text in times.hardware}
    tables = {text: table for text, table in kept.items() if table is not None}
    model = Model(family, tables | ({stored.name: stored.table} if stored else {}), accuracy, stored)
    for best in model.within_budget().genotypes:
        model.show(best)
    return model

"""A supernet in training, to be killed: ``python trainings.py FILE LOG N_STEPS`` logs its steps, prints weights and losses."""

import sys

from nastoolkit.families import FAMILIES
from nastoolkit.supernets import Supernet
from nastoolkit.tasks.digits import Digits
from nastoolkit.training import Recipe, Sandwich, fit, in_place_distillation, run


class Logged(Digits):
    def batch(self, step, size, seed=0):
        with open(sys.argv[2], "a") as file:
            file.write(f"{step}\n")
        return super().batch(step, size, seed)


if __name__ == "__main__":
    run.SAVE_SECONDS = 0.0
    supernet = Supernet(FAMILIES["digits-mbv3"]())
    print("begins", flush=True)
    recipe = Recipe(n_steps=int(sys.argv[3]), batch_size=4, average=0.5)
    losses = fit(supernet, Logged(), Sandwich(supernet.family.space), in_place_distillation, recipe, False, sys.argv[1])
    print(supernet.fingerprint, losses.tobytes().hex())

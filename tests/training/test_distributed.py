"""Two gloo processes on one machine against one process with the same global batch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nastoolkit.checkpoints import read_checkpoint
from nastoolkit.tasks import Split
from nastoolkit.training import distributed

# A network with layer normalisation: batch normalisation sees each process's own share, so that its results may differ.
SCRIPT = """
import sys
from dataclasses import replace
import torch
from learners import ByNorm
from nastoolkit.families.vit import B16, VisionTransformerFamily
from nastoolkit.supernets import Supernet
from nastoolkit.tasks import Classification, Split
from nastoolkit.training import Recipe, Sandwich, fit, in_place_distillation
from nastoolkit.training.distributed import processes, rank

class Noise(Classification):
    name = "noise"
    def batch(self, step, size, seed=0):
        generator = torch.Generator().manual_seed(step)
        return Split(torch.randn(size, 3, 16, 16, generator=generator), torch.randint(5, (size,), generator=generator))

tiny = dict(image_size=16, patch_size=8, dim=16, head_dim=4, layers=(1, 2), heads=(2, 4), ffn=(8, 16), n_classes=5)
with processes("cpu"):
    supernet, task = Supernet(VisionTransformerFamily("tiny", replace(B16, **tiny))), Noise()
    recipe = Recipe(n_steps=5, batch_size=8, average=0.5)
    fit(supernet, task, Sandwich(supernet.family.space), in_place_distillation, recipe, False)
    sampler = ByNorm(supernet.family)
    fit(supernet, task, sampler, in_place_distillation, recipe, False)
    torch.save(supernet.state_dict() | {"norms": torch.tensor(sampler.state_dict()["norms"])}, f"{sys.argv[1]}.{rank()}")
"""


TWO = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")


def python(*command):
    folders = os.pathsep.join(filter(None, [str(Path(__file__).parents[1] / "faults"), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": folders}
    ran = subprocess.run([sys.executable, *map(str, command)], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.slow
def test_two_processes_train_as_one_does(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    python(script, tmp_path / "1")
    python(*TWO, script, tmp_path / "2")
    alone, first, second = (torch.load(tmp_path / name, weights_only=True) for name in ("1.0", "2.0", "2.1"))
    for name, tensor in alone.items():
        assert torch.equal(first[name], second[name])
        if not name.endswith("key.bias"):  # its gradient is 0 but for rounding, which AdamW makes large
            torch.testing.assert_close(first[name], tensor, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_the_command_trains_in_two_processes_and_writes_one_supernet(tmp_path):
    file = tmp_path / "trained.safetensors"
    said = python(*TWO, "-m", "nastoolkit.cli", "train", "--output", file, "--steps", "2", "--batch-size", "8")
    assert said.count("trained.safetensors: loss") == 1
    _, card = read_checkpoint(file)
    assert card["family"] == "digits-mbv3" and card["task"] == "digits" and card["recipe"]["n_steps"] == 2


def test_a_batch_is_shared_evenly_and_wholly(monkeypatch):
    batch = Split((torch.arange(6), torch.arange(6) * 10), torch.arange(6))
    monkeypatch.setattr(distributed, "n_processes", lambda: 3)
    shares = []
    for rank in range(3):
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        shares.append(distributed.share(batch))
    assert sorted(torch.cat([share.targets for share in shares]).tolist()) == list(range(6))
    assert all(torch.equal(share.inputs[1], 10 * share.targets) for share in shares)
    with pytest.raises(ValueError, match="a batch of 5 cannot be shared evenly by 3 processes"):
        distributed.share(batch[:5])

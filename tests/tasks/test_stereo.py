"""Measures of disparities are those of brute force, and what is beyond the volume does not count."""

import pytest
import torch

from nastoolkit.tasks import TASKS
from nastoolkit.tasks.stereo import block_matching, check_stereo


@pytest.fixture
def answered():
    """Random outputs and targets, some of them beyond the largest disparity of 8."""
    generator = torch.Generator().manual_seed(0)
    outputs, true = 8 * torch.rand(3, 5, 6, generator=generator), 10 * torch.rand(3, 5, 6, generator=generator)
    return TASKS["stereograms"](), outputs, {"disparity": true, "seen": torch.rand(3, 5, 6, generator=generator) < 0.7}


def test_measures_are_those_of_brute_force(answered):
    task, outputs, targets = answered
    trios = zip(outputs.flatten().tolist(), *(targets[name].flatten().tolist() for name in ("disparity", "seen")), strict=True)
    known = [(abs(found - true), seen) for found, true, seen in trios if true < 8]
    errors = [error for error, _ in known]
    assert len(errors) < outputs.numel()
    assert task.errors(outputs, targets).mean().item() == pytest.approx(sum(errors) / len(errors), rel=1e-5)
    assert task.score(outputs, targets) == pytest.approx(100 * sum(error <= 1 for error in errors) / len(errors))
    smooth = [error**2 / 2 if error < 1 else error - 0.5 for error in errors]
    assert task.loss(outputs, targets).item() == pytest.approx(sum(smooth) / len(smooth), rel=1e-5)
    for seen in (True, False):
        own = [error for error, is_seen in known if is_seen == seen]
        assert task.errors(outputs, targets, seen).mean().item() == pytest.approx(sum(own) / len(own), rel=1e-5)


def test_block_matching_finds_what_was_moved():
    left = torch.rand(2, 3, 20, 40, generator=torch.Generator().manual_seed(0))
    for moved in (0, 3, 6):
        right = torch.roll(left, -moved, 3)
        found = block_matching(left, right, 8)
        assert torch.equal(found[..., 10:], torch.full_like(found[..., 10:], moved))


def test_other_tasks_and_large_disparities_are_refused():
    with pytest.raises(ValueError, match=r"^disparities of pairs of images are needed, and task 'digits' has none$"):
        check_stereo(TASKS["digits"](), 8)
    with pytest.raises(
        ValueError, match=r"^the volume holds disparities below 6, and those of task 'stereograms' go up to 8$"
    ):
        check_stereo(TASKS["stereograms"](), 6)
    assert check_stereo(TASKS["stereograms"](), 8).max_disparity == 8

"""The paper profiles' code paths at smoke's counts, on stand-ins: random weights as released ones, few images and sentences.

The released families have all of their layers here, each with few channels (see stand_ins.py): at full size they are held
against others' code, in test_golden.py. Published data are left out: their parts of the notebooks are the same in every
profile.
"""

from itertools import product
from pathlib import Path

import pytest
import run
import torch
from datasets import DatasetDict
from profiles import declared_parameters, fitting_values, notebook_names, profile_values
from stand_ins import smaller
from transformers import BertConfig, BertForPreTraining
from worker import Job, execute

from nastoolkit import FAMILIES
from nastoolkit.checkpoints import PUBLISHED, cached_file
from nastoolkit.supernets import Supernet
from nastoolkit.support.threads import THREAD_VARIABLES

START_UP = "import sys; sys.path.insert(0, {folder!r}); import stand_ins; stand_ins.install()"
PRETRAINED_BERT = "https://huggingface.co/google-bert/bert-base-uncased/resolve/main/model.safetensors"
FOLDERS = ("'folder': 'tans'", "'folder': 'metad2a'")
IMAGES = ("imagenet", "'cifar10'", "mnist", "nyuv2", "sceneflow", *FOLDERS)
LARGE = (*IMAGES, "wmt14-en-de", "sst2", "ntu-skeletons", "flow-captures")
SMALL = {"56": "1", "128": "2", "256": "4"}  # threads and inputs a batch
ONE_OF_THREE = {"budgets": [4], "populations": [2], "references": [70.0]}  # fig03 has all three released families
STAND_INS = {
    "accuracy_over_density": {"n_tasks": 2, "n_seeds": 1},
    "accuracy_over_sparsity": {"image_size": 8, "blocks": [[4, 2], [6, 2]], "kernels": [3], "batch_size": 4},
    "adapted_or_fixed": {"n_classes": 2, "image_size": 8, "widths": [2, 4], "n_seeds": 1},
    "architecture_and_bits": {"bits": [8, 32], "uniform_bits": [8], "budget": 4, "population": 2, "latency_seconds": 0.01},
    "accuracy_by_cost": {"arms": ["uniform operations", "uniform bins", "shift"], "n_seeds": 1, "n_steps": 20},
    "blockwise_rating": {"n_seeds": 1},
    "cascades_across": {"supernets": ["ofa-mbv3-w1.0", "ofa-mbv3-w1.2"], "narrow_width": 0, "n_seeds": 1},
    "gradient_variance": {"truths": {"cifar10": "alone"}, "n_judged": 3, "n_seeds": 1},
    "copies_and_ranking": {"n_seeds": 1},
    "few_shot_students": {"teacher_steps": 0},
    "fig03_fig13": {"predictors": ["ridge", "svr"]},
    "fig05_fig06": {"other_machines": {}, "hardware": ["torch 1 1", "torch 2 1"]},
    "fig07": ONE_OF_THREE | {"families": ["hat-wmt"], "task_names": ["wmt14-en-de"], "hardware": ["torch 1 1"]},
    "fig14": {"supernets": {"ofa-resnet50": "imagenet"}},
    "gap_to_training_alone": {"table": {"encoder_layers": [1], "decoder_layers": [1, 2], "cross_attention": [-1]}},
    "relaxed_and_discrete": {"n_seeds": 1},
    "searched_or_convolutions": {"layers": [1, 1], "width": 2, "stride": 3, "max_disparity": 192, "n_seeds": 1}
    | {"is_separate": False},
    "table1_fewer": {"n_seeds": 1},
    "split_by_gradients": {"truths": {"cifar10": "alone"}, "n_judged": 3, "n_seeds": 1},
    "many_in_one_pass": {"tasks": {"imagenet": 32}, "n_judged": 1, "n_seeds": 1, "depths": [1]},
    "pretrained_or_scratch": {"n_seeds": 1},
    "perturbation_or_magnitude": {"image_size": 8, "n_cells": 1, "n_stages": 1, "n_seeds": 1},
    "generated_for_the_task": {"operations": ["skip_connect", "nor_conv_1x1"], "n_seeds": 1, "n_repeats": 2}
    | {"steps": {"features": 2, "generator": 3, "predictor": 3}, "batch_size": 2},
    "regression_ranks_cells": {"task_names": ["cifar10"], "image_size": 8, "n_seeds": 1},
    "retrieval_or_nearest": {"steps": {"base": 0, "zoo": 2, "retrieval": 10, "tuning": 4}, "n_images": 2},
    "which_sharing_ranks": {"truths": {"cifar10": "alone"}, "n_judged": 3, "n_seeds": 1, "n_passes": 80},
    "views_or_seeds": {"n_seeds": 2, "n_steps": 1, "widths": [4]},
    "transfer_to_small_tasks": {"tasks": ["imagenet"], "small_tasks": [], "n_seeds": 1},
    "sister": ONE_OF_THREE
    | {"supernets": ["ofa-resnet50"], "tasks": ["imagenet"], "checkpoints": [""], "predictors": ["ridge"]}
    | {"public_benchmarks": ["ofa-mbv3-note10"], "n_seeds": 2},
}


@pytest.fixture
def stand_ins(request, tmp_path, monkeypatch, image_folder, image_rows, translations, sentence_rows, save_tokenizer):
    """Folders of data sets, of fetched weights and of IPython's, whose start-up file makes tasks and families small."""
    translations(tmp_path / "wmt14-en-de", 20, 6)
    DatasetDict(train=sentence_rows(40, 0), validation=sentence_rows(12, 1)).save_to_disk(tmp_path / "sst2")
    save_tokenizer(tmp_path / "bert-base-uncased")
    image_folder(tmp_path / "imagenet" / "train", 16, 10, seed=0)
    image_folder(tmp_path / "imagenet" / "val", 16, 1, seed=1)
    request.getfixturevalue("skeleton_files")(tmp_path / "ntu-skeletons", (1, 14, 3), 1)
    image_folder(tmp_path / "mnist" / "train", 10, 6, seed=2)
    image_folder(tmp_path / "mnist" / "test", 10, 2, seed=3)
    for split, seed in (("train", 4), ("val", 5)):
        image_folder(tmp_path / "mini-imagenet" / split, 12, 12, seed=seed)
    for folder, number in product(("tans", "metad2a"), range(4)):
        image_folder(tmp_path / folder / f"set{number}" / "train", 2, 10, seed=number)
        image_folder(tmp_path / folder / f"set{number}" / "val", 2, 3, seed=9 + number)
    request.getfixturevalue("captures")(tmp_path / "flow-captures")
    request.getfixturevalue("scene_files")(tmp_path / "nyuv2", 20, 6)
    request.getfixturevalue("stereo_files")(tmp_path / "sceneflow", 6, 2, 24, 198)
    for split, n in (("train", 40), ("test", 20)):
        image_rows(n, 10, n).save_to_disk(tmp_path / "cifar10" / split)
    start = tmp_path / "ipython" / "profile_default" / "startup" / "00_small.py"
    start.parent.mkdir(parents=True)
    start.write_text(START_UP.format(folder=str(Path(__file__).parent)))
    for variable, folder in {"DATASETS": tmp_path, "CACHE": tmp_path / "cache"}.items():
        monkeypatch.setenv(f"NASTOOLKIT_{variable}", str(folder))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    for variable in THREAD_VARIABLES:
        monkeypatch.setenv(variable, "1")
    monkeypatch.setenv("PYTHONWARNINGS", "ignore:IProgress not found")
    monkeypatch.delenv("NASTOOLKIT_DATA", raising=False)


def names_of(values):
    """Those parameters that name something, for small hardware settings; numbers are of the paper's scale."""
    names = {key: value for key, value in values.items() if isinstance(value, str) or "'" in str(value)}
    return {key: _smaller(value) for key, value in names.items()}


def _smaller(value):
    if isinstance(value, list):
        return [_smaller(item) for item in value]
    return " ".join(SMALL.get(word, word) for word in value.split(" ")) if isinstance(value, str) else value


def release(family, hat_state):
    """Write random weights where a fetched release is; the names of its layers tell the format."""
    file = cached_file(PUBLISHED[family].url)
    file.parent.mkdir(parents=True, exist_ok=True)
    released = FAMILIES[family]()
    table = smaller(family, released.table)
    if family == "bert-base":
        sizes = {"vocab_size": table.vocabulary, "hidden_size": table.dim, "intermediate_size": max(table.ffn)}
        BertForPreTraining(BertConfig(**sizes)).save_pretrained(file.parent)
        (file.parent / "model.safetensors").rename(cached_file(PRETRAINED_BERT))
        return
    if family.startswith("hat-"):
        torch.save({"model": hat_state(table)}, file)
        return
    ours, theirs = ("stem.conv1.", "input_stem.0.") if "resnet50" in family else ("stem.", "first_conv.")
    weights = Supernet(type(released)(family, table)).shared.state_dict()
    torch.save({"state_dict": {name.replace(ours, theirs): weight for name, weight in weights.items()}}, file)


def with_large_data():
    papers = {name: str(profile_values(name, "paper", run.ROOT)) for name in notebook_names(run.ROOT)}
    return [name for name, values in papers.items() if any(task in values for task in LARGE)]


def test_every_notebook_of_the_paper_is_here():
    assert len(with_large_data()) >= 10


@pytest.mark.slow
@pytest.mark.parametrize("name", with_large_data())
def test_a_paper_profile_runs_on_stand_ins(name, stand_ins, hat_state, tmp_path, capfd):
    smoke, paper = (profile_values(name, profile, run.ROOT) for profile in ("smoke", "paper"))
    for family in PUBLISHED:
        if f"'{family}'" in str(paper):
            release(family, hat_state)
    own = next((values for part, values in STAND_INS.items() if part in name), {})
    small = {"device": "cpu", "n_workers": 0, "n_calibration": 16, "output_dir": str(tmp_path / "out")}
    declared = declared_parameters(run.ROOT / "notebooks" / f"{name}.ipynb")
    small = {key: value for key, value in small.items() if key in declared}
    values = smoke | names_of(paper) | small | own
    values |= {"store_dir": str(tmp_path)} if "store_dir" in paper else {}
    job = Job(name, "paper", fitting_values(name, values, {}, run.ROOT), values["output_dir"], run.ROOT, side_by_side=False)
    result = execute(job, job.fingerprint)
    assert not result.error
    assert {claim["verdict"] for claim in result.claims} == {"not tested at this scale"}

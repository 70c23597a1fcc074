"""A wrong value ends a notebook in its first cells, before it measures anything, and names the parameter and what is known."""

import re

import nbformat
import pytest
import run
import torch
from profiles import check_values, fitting_values, notebook_names
from sources import is_install

PUBLISHED = [  # that are to be on this machine
    ("fig03_fig13_accuracy_predictor", {"full_sizes": [100, 2000], "n_full_test": 200}, "2,200 ofa-mbv3-w1.0 2,162"),
    ("fig14_predicted_vs_actual", {"n_full_train": 2000, "n_full_test": 200}, "2,200 ofa-mbv3-w1.0 2,162"),
    ("table3_latency_predictor", {"public_sizes": [1600], "n_public_test": 500}, "2,100 2,000"),
]
WRONG = [  # a part of the notebook's name, its bad parameters, words of the message in their order
    ("fig03_fig13_accuracy_predictor", {"supernets": {"digits-mbv4": "digits"}}, "supernets digits-mbv4 digits-mbv3"),
    ("fig03_fig13_accuracy_predictor", {"checkpoints": {"digits-mbv4": "a"}}, "checkpoints digits-mbv4 digits-resnet50"),
    ("fig03_fig13_accuracy_predictor", {"full_sizes": [100, 20000]}, "20,200 digits-mbv3-table 10,648"),
    ("fig03_fig13_accuracy_predictor", {"sizes": [1, 100]}, "sizes: at least 2 got [1, 100]"),
    ("fig03_fig13_accuracy_predictor", {"n_trials": 0}, "n_trials: at least 1 got 0"),
    ("fig14_predicted_vs_actual", {"predictors": {"accuracy_top1": "rigde", "bleu": "svr"}}, "predictors rigde ridge"),
    ("fig14_predicted_vs_actual", {"checkpoints": {"digits-mbv4": "a"}}, "checkpoints digits-mbv4 digits-resnet50"),
    ("fig14_predicted_vs_actual", {"n_train": 0}, "n_train: at least 2 got 0"),
    ("fig14_predicted_vs_actual", {"n_full_train": 20000}, "20,200 digits-mbv3-table 10,648"),
    ("fig14_predicted_vs_actual", {"n_full_train": -5}, "n_full_train: at least 2 got -5"),
    ("fig14_predicted_vs_actual", {"n_trials": 0}, "n_trials: at least 1 got 0"),
    ("gradient_variance_and_ranking", {"n_gradients": 1}, "n_gradients: at least 2 got 1"),
    ("gradient_variance_and_ranking", {"truths": {"digits": "publshed"}}, "unknown truth 'publshed'; known: alone, 12 epochs"),
    ("which_sharing_ranks_best", {"n_passes": 10}, "n_passes: at least 20 got 10"),
    ("which_sharing_ranks_best", {"operations": ["conv"]}, "unknown operation 'conv'; known: none, skip_connect"),
    ("accuracy_by_cost", {"n_bins": 2}, "n_bins: at least 3 got 2"),
    ("accuracy_by_cost", {"task": "digist"}, "task digist digits"),
    ("accuracy_over_density", {"densities": [0.1, 0.0]}, "densities: above 0 got [0.1, 0.0]"),
    ("accuracy_over_density", {"transfer_density": 1.5}, "transfer_density: at most 1 got 1.5"),
    ("accuracy_over_density", {"n_related": 7}, "related tasks needs an even number of tasks: 7 tasks"),
    ("accuracy_over_sparsity", {"sparsities": [0.5, 1.0]}, "sparsities: below 1 got [0.5, 1.0]"),
    ("accuracy_over_sparsity", {"ablated": 0.0}, "ablated: above 0 got 0.0"),
    ("accuracy_over_sparsity", {"source": "number-words"}, "task with classes of images, and 'number-words' has none"),
    ("accuracy_over_sparsity", {"blocks": [[16, 2]]}, "blocks are channels and stride of one block or more got [[16, 2]]"),
    ("split_by_gradients", {"n_repeats": 1}, "n_repeats: at least 2 got 1"),
    ("split_by_gradients", {"operations": ["conv"]}, "unknown operation 'conv'; known: none, skip_connect"),
    ("split_by_gradients", {"split_after": [0.5, 1.0]}, "split_after: below 1 got [0.5, 1.0]"),
    ("many_in_one_pass", {"n_paths": 0}, "n_paths: at least 1 got 0"),
    ("many_in_one_pass", {"n_paths": 65}, "65 sub-networks cannot share a batch of 64 rows"),
    ("many_in_one_pass", {"family": "digits-vit"}, "'digits-vit' is not a family of multi-stage ViTs"),
    ("copies_and_ranking", {"copies": [1, 37]}, "37 copies for 36 configurations"),
    ("copies_and_ranking", {"widths": [8, 8]}, "2 units cannot have 3 resolutions"),
    ("copies_and_ranking", {"decay": 1.0}, "decay: below 1 got 1.0"),
    ("copies_and_ranking", {"task_names": ["cifar"]}, "task_names cifar cifar10"),
    ("perturbation_or_magnitude", {"spaces": {"S2": []}}, "an edge needs at least one operation to choose from"),
    ("perturbation_or_magnitude", {"spaces": {"S2": ["conv"]}}, "unknown operation 'conv'; known: none, skip_connect"),
    ("adapted_or_fixed", {"task_names": ["omniglott"]}, "there is no task 'omniglott' omniglot"),
    ("adapted_or_fixed", {"task_names": ["number-words"]}, "episodes need classes task 'number-words' has none"),
    ("adapted_or_fixed", {"n_query": 200}, "episodes need 205 examples of each class"),
    ("adapted_or_fixed", {"kernels": [4]}, "kernels are odd (4,)"),
    ("adapted_or_fixed", {"n_codes": 1}, "n_codes: at least 2 got 1"),
    ("generated_for_the_task", {"n_unseen": 23}, "2 to 22 of 24 tasks can be unseen, got 23"),
    ("generated_for_the_task", {"operations": ["conv"]}, "unknown operation 'conv'; known: none, skip_connect"),
    ("generated_for_the_task", {"n_repeats": 1}, "n_repeats: at least 2 got 1"),
    ("retrieval_or_nearest_task", {"n_networks": 2}, "n_networks: at least 3 got 2"),
    ("retrieval_or_nearest_task", {"family": "digits-mbv4"}, "family digits-mbv4 digits-mbv3"),
    ("retrieval_or_nearest_task", {"n_tasks": 48}, "48 and 6 tasks are more than the 48 pairs"),
    (
        "blockwise_rating",
        {"operations": ["conv"]},
        "an operation is named mb<expansion>_k<odd kernel>, such as mb4_k5",
    ),
    ("blockwise_rating", {"strides": [1]}, "each stage needs channels, a stride, and layers"),
    ("blockwise_rating", {"limits": [1.5]}, "limits: at most 1 got [1.5]"),
    ("blockwise_rating", {"task_names": ["cifar"]}, "task_names cifar cifar10"),
    ("relaxed_and_discrete", {"task_name": "digits"}, "class and normal of every pixel task 'digits' has no such labels"),
    ("relaxed_and_discrete", {"reach": 0}, "reach must be at least 1, got 0"),
    ("relaxed_and_discrete", {"widths": [8, 16]}, "widths: needs one for each of depths"),
    ("searched_or_convolutions", {"tasks": {"own": "digits"}}, "disparities of pairs are needed task 'digits' has none"),
    ("searched_or_convolutions", {"max_disparity": 4}, "volume holds disparities below 4 'stereograms' go up to 8"),
    ("searched_or_convolutions", {"stride": 3}, "max_disparity must be a multiple of the stride 3, got 8"),
    ("architecture_and_bits", {"bits": [1, 8]}, "bits: at least 2 got [1, 8]"),
    ("architecture_and_bits", {"uniform_bits": [5]}, "uniform_bits 5 known 3, 4, 6, 8"),
    ("table3_latency_predictor", {"backends": ["torhc"]}, "backends torhc onnxruntime"),
    ("table3_latency_predictor", {"sizes": [1, 100]}, "sizes: at least 2 got [1, 100]"),
    ("table3_latency_predictor", {"sizes": []}, "sizes: at least one"),
    ("table3_latency_predictor", {"seconds": 0.0}, "seconds: above 0, got 0.0"),
    ("table3_latency_predictor", {"threads": [1, 5000]}, "5000 threads this machine's"),
    ("table3_latency_predictor", {"n_public_test": 1}, "n_public_test: at least 2 got 1"),
    ("fig11_table2_weaknas", {"controls": {"random": 100, "nsga22": 100}}, "controls nsga22 nsga2"),
    ("fig11_table2_weaknas", {"controls": {"random": 0}}, "controls: at least 10 got {'random': 0}"),
    ("fig11_table2_weaknas", {"controls": {"random": 100, "ga": 100}}, "ga with settings mmacs"),
    ("fig11_table2_weaknas", {"budgets_alike": {"digits-mbv3-table": 0}}, "budgets_alike: at least 1 got"),
    ("fig11_table2_weaknas", {"benchmarks": {"digits-mbv3-table": [1.9, 1.6]}}, "digits-mbv3-table at least 1.9 at most 1.6"),
    (
        "fig11_table2_weaknas",
        {"benchmarks": {"digits-mbv3-table": [190.0, 200.0]}},
        "digits-mbv3-table none between 190.0 and 200.0",
    ),
    ("fig11_table2_weaknas", {"settings": {"predictr": "ridge"}}, "settings predictr predictor"),
    ("fig11_table2_weaknas", {"settings_alike": {"inner": "gaga"}}, "LINAS, one settings gaga nsga2"),
    ("fig04_fig12_popdb", {"predictor": "stakced"}, "predictor stakced stacked"),
    ("fig05_fig06_fronts_do_not_transfer", {"family_name": "digits-mbv4"}, "family_name digits-mbv4 digits-mbv3"),
    ("fig07_full_search", {"task_names": ["digits", "numbers"]}, "task_names numbers number-words"),
    ("fig08_warm_start", {"task_name": "digist"}, "task_name digist digits"),
    ("fig09_fig10_concurrent_search", {"concurrent_search": "lynas"}, "concurrent_search lynas linas"),
    ("fig09_fig10_concurrent_search", {"controls": ["radnom"]}, "controls radnom random"),
    ("sister_2205_10358_table3", {"public_benchmarks": ["note10"]}, "public_benchmarks note10 ofa-mbv3-note10"),
    *(
        (name, {parameter: -1}, f"{parameter} at least")
        for name in (
            "fig04_fig12_popdb",
            "fig05_fig06_fronts_do_not_transfer",
            "fig07_full_search",
            "fig08_warm_start",
            "fig09_fig10_concurrent_search",
            "sister_2205_10358_table3",
        )
        for parameter in ("n_contexts", "n_workers", "table_seconds")
    ),
    ("ensembles_of_one_front", {"n_calibration": 0}, "n_calibration at least 1 got 0"),
    ("cascades_across_supernets", {"n_calibration": 0}, "n_calibration at least 1 got 0"),
    ("transfer_to_small_tasks", {"family_name": "digits-mbv4"}, "family_name digits-mbv4 digits-mbv3"),
    ("transfer_to_small_tasks", {"small_tasks": ["digits-fwe"]}, "small_tasks digits-fwe digits-few"),
    ("transfer_to_small_tasks", {"tasks": ["number-words"], "small_tasks": []}, "number-words classes"),
    ("cascades_across_supernets", {"supernets": ["digits-mbv4"]}, "supernets digits-mbv4 digits-mbv3"),
    ("ensembles_of_one_front", {"supernets": ["digits-mbv4"]}, "supernets digits-mbv4 digits-mbv3"),
    ("gap_to_training_alone", {"family_name": "digits-mbv3"}, "'digits-mbv3' is not a family of HAT's"),
    ("gap_to_training_alone", {"n_experts": 0}, "n_experts at least 1 got 0"),
    ("gap_to_training_alone", {"bounds": [1.5]}, "bounds: at most 1 got"),
    ("table1_fewer_macs", {"family_name": "text-brt"}, "family_name text-brt text-bert-words"),
    ("table1_fewer_macs", {"alpha": 1.5}, "alpha: at most 1 got 1.5"),
    ("table1_fewer_macs", {"words_task": "masked-wrds"}, "words_task masked-wrds masked-words"),
    ("few_shot_students", {"family_name": "text-bert"}, "there are no sub-spaces of 'text-bert'; known: text-bert-thin"),
    ("few_shot_students", {"n_heads": 0}, "n_heads at least 1 got 0"),
    ("regression_ranks_cells", {"n_labels": 2}, "n_labels: at least 3 got 2"),
    ("regression_ranks_cells", {"task_names": ["cifar"]}, "task_names cifar cifar10"),
    ("edited_codes", {"n_seeds": 1}, "n_seeds: at least 2 got 1"),
    ("errors_over_budgets", {"task_name": "speakers"}, "task_name speakers libri-speakers"),
    ("errors_over_budgets", {"shares": [0]}, "shares: above 0 got [0]"),
    ("search_by_table", {"budgets": {"defualt": 30}}, "budgets defualt default"),
    ("search_by_table", {"benchmark": "v100"}, "benchmark v100 efficient-tdnn-v100"),
    ("pretrained_or_scratch", {"task_names": ["digits"]}, "networks of this system see flows, and task 'digits' has none"),
    ("pretrained_or_scratch", {"noises": [1.0]}, "noises: below 1 got [1.0]"),
    ("pretrained_or_scratch", {"bursts": [2, 8]}, "bursts packets places inputs (6, 3, 18) options up to (8, 2, 12)"),
    ("views_or_seeds", {"task_names": ["jhmdb"]}, "task_names jhmdb jhmdb-poses"),
    ("views_or_seeds", {"task_names": ["digits"]}, "views are of skeletons, and task 'digits' has none"),
    ("one_search_for_all_devices", {"benchmark": "note10"}, "benchmark note10 ofa-mbv3-note10"),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to be in; what the first cells set for the whole process is set back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    n_threads = torch.get_num_threads()
    yield tmp_path
    torch.set_num_threads(n_threads)


def execute_first_cells(name, values):
    """The cells of a notebook up to its checks, with these values as Papermill would put them in."""
    cells = nbformat.read(run.ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    sources = [cell.source for cell in cells if cell.cell_type == "code" and not is_install(cell)][:3]
    space = {"__name__": "notebook"}
    exec(sources[0], space)
    space |= fitting_values(name, values, {}, run.ROOT)
    check_values(name, values, run.ROOT)
    for source in sources[1:]:
        exec(source, space)


def paper_notebooks():
    return [name for name in notebook_names(run.ROOT) if "/" in name and not name.startswith(("learn/", "supernets/"))]


def test_every_notebook_of_a_paper_is_tested():
    assert {name.rpartition("/")[2] for name in paper_notebooks()} == {name for name, *_ in WRONG}


def check_message(part, values, words):
    (name,) = (name for name in paper_notebooks() if name.endswith(f"/{part}"))
    with pytest.raises(ValueError, match=".*".join(map(re.escape, words.split(" ")))):
        execute_first_cells(name, values)


@pytest.mark.parametrize(("part", "values", "words"), WRONG)
def test_a_wrong_value_ends_a_notebook_at_once(part, values, words, folder):
    check_message(part, values | {"output_dir": str(folder)}, words)


@pytest.mark.parametrize(("part", "values", "words"), PUBLISHED)
def test_more_than_was_published_does_too(part, values, words, folder, data_folder):
    check_message(part, values | {"output_dir": str(folder), "data_folder": str(data_folder)}, words)

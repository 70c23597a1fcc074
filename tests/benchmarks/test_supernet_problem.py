import numpy as np

from nastoolkit.benchmarks import SupernetProblem


def problem_in(folder):
    return SupernetProblem(family_name="digits-mbv3", task_name="digits", folder=str(folder), n_calibration=50)


def test_another_process_makes_the_same_problem_of_its_argument(tmp_path):
    argument = problem_in(tmp_path).as_argument("MACs")
    again = SupernetProblem(**argument)
    assert again.as_argument("MACs") == argument
    genotypes = again.space.sample(3, np.random.default_rng(0))
    assert again.cost("MACs").exact(genotypes).tolist() == again.family.mmacs(genotypes).tolist()
    assert problem_in(tmp_path).as_argument()["made_of"] != argument["made_of"]


def test_a_search_is_judged_by_other_images_and_keeps_what_it_measured(tmp_path):
    problem = problem_in(tmp_path)
    history = problem.search("MACs", "random", 3, seed=0)
    (judged,) = problem.judged([history])
    assert judged.genotypes.tolist() == history.genotypes.tolist()
    on_front = history.on_front
    assert np.isfinite(judged.values[on_front]).all()
    assert (judged.values[on_front, 1] == history.values[on_front, 1]).all()
    assert (judged.values[on_front, 0] != history.values[on_front, 0]).any()
    assert {file.name for file in tmp_path.iterdir()} >= {"validation.sqlite", "test.sqlite"}


def test_a_search_stays_in_a_part_of_the_space(tmp_path):
    problem = problem_in(tmp_path)
    part = problem.space.restrict({"stage1.depth": (2,)})
    history = problem.search("MACs", "random", 3, seed=0, space=part)
    assert history.space.allowed == part.allowed
    assert set(history.to_frame()["stage1.depth"]) == {2}

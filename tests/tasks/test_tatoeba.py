"""Everyday sentences: which split each pair is in, what is scored, and a line that is none."""

import numpy as np
import pytest
import torch

from nastoolkit import FAMILIES, TASKS
from nastoolkit.families.translator import EOS
from nastoolkit.supernets import Supernet
from nastoolkit.tasks import SPLITS, MissingDataError
from nastoolkit.tasks.fitting import check_inputs, check_outputs
from nastoolkit.tasks.tatoeba import LENGTH
from nastoolkit.training import Recipe, Uniform, fit, in_place_distillation


@pytest.fixture
def task(tmp_path, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path))
    monkeypatch.setenv("NASTOOLKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tatoeba-en-de").mkdir()
    lines = [f"{n} small fresh films.\t{variant} {n} kleine frische Filme." for n in range(40) for variant in ("Ja:", "Nein:")]
    (tmp_path / "tatoeba-en-de" / "deu.txt").write_text("\n".join(["1\t2", *lines, lines[0]]), encoding="utf-8")
    return TASKS["tatoeba-en-de"]()


def test_all_translations_of_a_sentence_are_in_one_split_and_no_pair_twice(task):
    sources = [task.split(name).inputs[0] for name in SPLITS]
    assert [len(source) for source in sources] == [56, 8, 16]
    assert [len(source.unique(dim=0)) for source in sources] == [28, 4, 8] and len(torch.cat(sources).unique(dim=0)) == 40


def test_what_is_scored_is_the_text(task):
    targets = task.split("test").targets
    assert task.score(targets, targets) == pytest.approx(100)
    cut = torch.where(torch.arange(LENGTH) < 4, targets, EOS)
    assert 0 <= task.score(cut, targets) < 60
    assert task.vocabulary.texts([targets[0][targets[0] > EOS].tolist()])[0].endswith("kleine frische Filme.")


def test_capitals_are_other_letters(task):
    small, large = task.vocabulary.numbers(["filme", "Filme"])
    assert small != large


def test_its_family_takes_it(task):
    family = FAMILIES["tatoeba-transformer"]()
    check_inputs(family, task, task.batch(0, 2).inputs)
    check_outputs(family, task)
    losses = fit(Supernet(family), task, Uniform(family.space), in_place_distillation, Recipe(n_steps=2, batch_size=4), False)
    assert np.isfinite(losses).all()


def test_a_line_without_a_translation_is_named(task, tmp_path):
    (tmp_path / "tatoeba-en-de" / "deu.txt").write_text("1\t2\nGo.\tGeh.\nHi. Hallo!\n")
    with pytest.raises(MissingDataError, match=r"line 3 of .*deu.txt has no tab between English and German: 'Hi. Hallo!'"):
        task.split("train")


def test_the_published_sentences(data_folder, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATA", str(data_folder))
    found = {name: len(pairs) for name, pairs in TASKS["tatoeba-en-de"]()._pairs.items()}
    assert found == {"train": 34_966, "validation": 4_934, "test": 10_101}

import pickle
import sys
from dataclasses import replace
from pathlib import Path

import datasets
import numpy as np
import pytest
import torch

from nastoolkit.families.bert import BASE, BertFamily
from nastoolkit.measurements import Accuracy
from nastoolkit.supernets import Supernet
from nastoolkit.tasks import SPLITS, TASKS, MissingDataError, hub, load_task
from nastoolkit.tasks import sst2 as sst2_module
from nastoolkit.tasks.hub import HubImages, HubSource
from nastoolkit.tasks.images import ImageFolder
from nastoolkit.tasks.preprocessing import CIFAR, MEAN, STD
from nastoolkit.tasks.sst2 import Sst2, distinct


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path))


@pytest.fixture
def cifar(tmp_path, image_rows):
    splits = datasets.DatasetDict(train=image_rows(60, 5, seed=0), test=image_rows(20, 5, seed=1))
    splits.save_to_disk(tmp_path / "cifar10")
    return splits


@pytest.fixture
def sst2(tmp_path, sentence_rows, save_tokenizer):
    splits = {"train": sentence_rows(50, seed=0), "validation": sentence_rows(12, seed=1)}
    splits |= {"test": sentence_rows(9, seed=2, label=-1)}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "sst2")
    save_tokenizer(tmp_path / "bert-base-uncased")
    return splits


def everything(examples):
    batches = list(examples.batches(7))
    return torch.cat([batch.inputs for batch in batches]), torch.cat([batch.targets for batch in batches])


def raised_by(task):
    with pytest.raises(MissingDataError) as caught:
        task.split("train")
    assert caught.value.__suppress_context__ or caught.value.__context__ is None  # no traceback of other packages
    return str(caught.value)


def test_images_are_those_of_the_data_set(cifar):
    task = TASKS["cifar10"]()
    assert {name: len(task.split(name)) for name in SPLITS} == {"train": 54, "validation": 6, "test": 20}
    for name in SPLITS:
        official = cifar["test" if name == "test" else "train"]
        inputs, targets = everything(task.split(name))
        rows = task.split(name).rows.tolist()
        expected = np.stack([np.asarray(official[row]["img"], dtype=np.float32) for row in rows]).transpose(0, 3, 1, 2)
        restored = 255 * (inputs * torch.tensor(STD).view(3, 1, 1) + torch.tensor(MEAN).view(3, 1, 1))
        np.testing.assert_allclose(restored.numpy(), expected, atol=1e-3)
        assert targets.tolist() == [official[row]["label"] for row in rows]
    held_out = set(task.split("validation").rows.tolist())
    assert held_out.isdisjoint(task.split("train").rows.tolist())


@pytest.mark.parametrize("layout", ["{}-00000-of-00001.parquet", "data/{}-00000-of-00001.parquet", "{}/0000.parquet"])
def test_parquet_files_and_saved_data_sets_give_the_same(cifar, tmp_path, layout):
    for name, rows in cifar.items():
        file = tmp_path / "files" / layout.format(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(file)
    one, other = TASKS["cifar10"](), HubImages(tmp_path / "files", preprocessing=CIFAR)
    assert other.name == "files"
    for mine, theirs in zip(everything(one.split("train")), everything(other.split("train")), strict=True):
        assert torch.equal(mine, theirs)
    assert torch.equal(one.batch(1, 5).inputs, other.batch(1, 5).inputs)


def test_other_columns_and_splits(tmp_path, image_rows):
    rows = {
        name: image_rows(n, 2, seed=n).rename_column("img", "image") for name, n in (("train", 30), ("valid", 8), ("test", 9))
    }
    datasets.DatasetDict(rows).save_to_disk(tmp_path / "three")
    task = HubImages(tmp_path / "three", name="mine")
    assert {name: len(task.split(name)) for name in SPLITS} == {"train": 30, "validation": 8, "test": 9}
    assert task.name == "mine" and next(task.split("test").batches(2)).inputs.shape == (2, 3, 224, 224)


def test_sentences_are_tokenised_as_bert_takes_them(sst2):
    task = Sst2(length=24)
    assert {name: len(task.split(name)) for name in SPLITS} == {"train": 45, "validation": 5, "test": 12}
    official = {row["sentence"]: row["label"] for name in ("train", "validation") for row in sst2[name]}
    for name in SPLITS:
        examples = task.split(name)
        (batch,) = examples.batches(100)
        input_ids, attention_mask, token_type_ids = batch.inputs
        assert all(part.shape == (len(examples), 24) and part.dtype == torch.int64 for part in batch.inputs)
        assert (
            (input_ids[:, 0] == 2).all() and not token_type_ids.any() and torch.equal(attention_mask, (input_ids > 0).long())
        )
        lengths = [len(sentence.split()) + 2 for sentence in examples.sentences]
        assert attention_mask.sum(1).tolist() == lengths
        assert batch.targets.tolist() == [official[sentence] for sentence in examples.sentences]
    assert [len(batch) for batch in task.split("train").batches(4, (24,), n=10)] == [4, 4, 2]
    assert Sst2().batch(0, 3).inputs[0].shape == (3, 128)


def test_two_thousand_sentences_are_held_out():
    assert len(Sst2().our_splits({"train": 67_349, "validation": 872})["validation"][1]) == 2000


def test_a_repeated_sentence_counts_once(tmp_path, sst2):
    assert distinct(["b", "a", "b", "c", "a"]) == [0, 1, 3]
    twice = datasets.concatenate_datasets([sst2["train"], sst2["train"].select(range(20))])
    doubled = tmp_path / "doubled"
    datasets.DatasetDict(train=twice, validation=sst2["validation"]).save_to_disk(doubled)
    found = {name: Sst2(str(doubled)).split(name).sentences for name in SPLITS}
    assert found == {name: Sst2().split(name).sentences for name in SPLITS}


def test_bert_is_measured_on_sentences(sst2, supernet_of):
    table = replace(BASE, vocabulary=20, positions=24, length=24, dim=16, head_dim=4, layers=(1, 2), heads=(2, 4), ffn=(8, 16))
    supernet = supernet_of(BertFamily("tiny-bert", table))
    accuracy = Accuracy(supernet, Sst2(length=24), "test", n_calibration=8, batch_size=5)
    values = accuracy(np.stack([supernet.family.space.smallest, supernet.family.space.largest]))
    assert np.isin(np.round(values * 12 / 100, 6), np.arange(13)).all()
    with pytest.raises(ValueError, match="takes inputs"):
        Accuracy(supernet, Sst2())


def test_pickled_tasks_read_for_themselves(cifar, sst2):
    for task in (TASKS["cifar10"](), TASKS["sst2"]()):
        targets = task.batch(0, 4).targets
        pickled = pickle.dumps(task)
        assert len(pickled) < 2000 and torch.equal(pickle.loads(pickled).batch(0, 4).targets, targets)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "sst2"])
def test_missing_data_say_what_to_fetch_and_where_to_put_it(tmp_path, save_tokenizer, name):
    save_tokenizer(tmp_path / "bert-base-uncased")
    message = raised_by(TASKS[name]())
    source = {"sst2": "stanfordnlp/sst2"}.get(name, f"uoft-cs/{name}")
    assert f"task {name!r}: {source!r} could not be read: {tmp_path / name} is missing or damaged" in message
    assert f"hf download {source} --repo-type dataset --local-dir {tmp_path / name}" in message
    assert "NASTOOLKIT_DATASETS" in message


def test_a_tokenizer_of_more_words_than_a_network_has_is_refused(sst2):
    task = TASKS["sst2"]()
    small = replace(BASE, vocabulary=16, dim=24, head_dim=2, ffn=(8,), layers=(1,))
    enough, fewer = (Supernet(BertFamily("bert-base", replace(small, vocabulary=n))) for n in (task.n_words, task.n_words - 1))
    Accuracy(enough, task)
    message = r"^the supernet has 16 tokens, and task 'sst2' 17: name the tokenizer that its checkpoint was trained with$"
    with pytest.raises(ValueError, match=message):
        Accuracy(fewer, task)


def test_a_missing_tokenizer_is_told_from_missing_sentences(tmp_path, sst2):
    (tmp_path / "bert-base-uncased").rename(tmp_path / "elsewhere")
    message = raised_by(Sst2())
    place = tmp_path / "bert-base-uncased"
    assert f'hf download google-bert/bert-base-uncased --include "*.json" --include vocab.txt --local-dir {place}' in message
    assert len(Sst2(tokenizer=str(tmp_path / "elsewhere")).split("train")) == 45


def test_a_folder_with_something_else(tmp_path):
    (tmp_path / "cifar10").mkdir()
    assert f"{tmp_path / 'cifar10'} has neither parquet files nor splits" in raised_by(TASKS["cifar10"]())
    (tmp_path / "cifar10" / "train.parquet").write_bytes(b"404: Not Found")
    assert "task 'cifar10': 'uoft-cs/cifar10' could not be read" in raised_by(TASKS["cifar10"]())


def test_an_absolute_path_is_no_name_on_the_hub(tmp_path):
    message = raised_by(HubImages(tmp_path / "nowhere" / "mine"))
    assert f"{tmp_path / 'nowhere' / 'mine'} is missing or damaged" in message and "as save_to_disk writes them" in message


def drop_labels(rows):
    return rows.remove_columns("label")


def name_labels(rows):
    return rows.cast_column("label", datasets.Value("string"))


def drop_images(rows):
    return rows.remove_columns("img").add_column("other", list(range(len(rows))))


def number_images(rows):
    return rows.remove_columns("img").add_column("img", list(range(len(rows))))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (drop_labels, "no column is called label or fine_label; there are: img"),
        (name_labels, "labels of split 'train' are not integers"),
        (drop_images, "no column is called image or img; there are: label, other"),
        (number_images, "column 'img' holds no images but Value"),
    ],
)
def test_unfit_columns(tmp_path, image_rows, change, fault):
    rows = {"train": change(image_rows(20, 2, seed=0)), "test": change(image_rows(6, 2, seed=1))}
    datasets.DatasetDict(rows).save_to_disk(tmp_path / "odd")
    assert fault in raised_by(HubImages(tmp_path / "odd"))


def test_labels_are_needed_beside_the_training_split(tmp_path, sst2):
    datasets.DatasetDict(train=sst2["train"], test=sst2["test"]).save_to_disk(tmp_path / "hidden")
    message = raised_by(Sst2(str(tmp_path / "hidden")))
    assert "labelled splits found: train; needed: train, and validation or test" in message


def test_an_unreadable_image_is_named(tmp_path, image_rows):
    rows = image_rows(10, 2, seed=0).cast_column("img", datasets.Image(decode=False))
    broken = rows.map(
        lambda row, index: {"img": {"bytes": b"no image", "path": None} if index == 3 else row["img"]}, with_indices=True
    )
    broken = broken.cast_column("img", datasets.Image())
    datasets.DatasetDict(train=image_rows(20, 2, seed=1), test=broken).save_to_disk(tmp_path / "broken")
    with pytest.raises(MissingDataError, match=r"image 3 of split 'test' of .*broken cannot be read as an image"):
        everything(HubImages(tmp_path / "broken").split("test"))


def test_without_the_extra_it_says_what_to_install(monkeypatch, cifar):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingDataError, match=r"pip install 'nastoolkit\[huggingface\]'"):
        TASKS["cifar10"]().split("train")


@pytest.mark.parametrize("module", [hub, sst2_module])
def test_importing_tasks_imports_no_extra(module):
    text = Path(module.__file__).read_text()
    assert "import datasets" not in text and "import transformers" not in text


def test_a_task_is_named_by_key_by_folder_or_as_on_the_hub(tmp_path, monkeypatch, image_rows):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path))
    (tmp_path / "bolts" / "train").mkdir(parents=True)
    parts = {name: image_rows(n, 2, seed=n).rename_column("img", "image") for name, n in (("train", 30), ("test", 9))}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "flowers")
    assert type(load_task("cifar10")) is TASKS["cifar10"]
    for name in ("bolts", str(tmp_path / "bolts")):
        folder = load_task(name)
        assert isinstance(folder, ImageFolder) and (folder.root, folder.name) == (tmp_path / "bolts", "bolts")
    flowers = load_task("owner/flowers")
    assert isinstance(flowers, HubImages) and flowers.name == "flowers" and flowers.n_classes == 2
    with pytest.raises(ValueError, match=f"no task 'nuts'; known: digits, .*folders of images in {tmp_path}"):
        load_task("nuts")


@pytest.fixture
def pets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "datasets", None)
    (tmp_path / "data" / "pets" / "train").mkdir(parents=True)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("data/prats", "no folder 'data/prats', did you mean 'data/pets'\\? .*HubImages\\('data/prats'\\)"),
        ("./data/prats", "no folder './data/prats', did you mean 'data/pets'\\?$"),
        ("/nowhere", "no folder '/nowhere'"),
        ("../nowhere", "no folder '../nowhere'"),
        ("digts", "no task 'digts', did you mean 'digits'\\?; known: digits, "),
        ("~/pets", "no task '~/pets'; known: digits, "),
        ("dta/pets/x", "no task 'dta/pets/x'; known: digits, "),
        ("", "no task ''; known: digits, "),
    ],
)
def test_a_typing_error_in_a_path_is_no_name_on_the_hub(pets, name, told):
    with pytest.raises(ValueError, match=told):
        load_task(name)


def test_what_may_be_a_name_on_the_hub_tells_where_it_was_looked_for_first(pets, tmp_path):
    with pytest.raises(MissingDataError, match=f"no folder dta/pets nor {tmp_path}/pets, .*nastoolkit.huggingface"):
        load_task("dta/pets").split("train")
    (tmp_path / "data" / "bolts").mkdir()
    with pytest.raises(MissingDataError, match=f"{tmp_path}/data/bolts has neither .* nor a folder train.\\nPut files there"):
        load_task("data/bolts").split("train")


def test_a_name_is_looked_for_in_the_datasets_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert HubSource("owner/things").folder == tmp_path / "things"
    (tmp_path / "owner" / "things").mkdir(parents=True)
    assert HubSource("owner/things").folder == tmp_path / "owner" / "things"

"""Texts in the tokens of BERT: pieces of files, and masks that are its own."""

import pytest
import torch
from transformers import BertTokenizerFast

from nastoolkit import FAMILIES, TASKS
from nastoolkit.families.translator import PAD
from nastoolkit.supernets import Supernet
from nastoolkit.tasks import MissingDataError
from nastoolkit.tasks.bert_texts import BertTexts
from nastoolkit.tasks.fitting import check_vocabulary


@pytest.fixture
def folder(tmp_path, monkeypatch, save_tokenizer, bert_texts):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path))
    save_tokenizer(tmp_path / "bert-base-uncased")
    bert_texts(tmp_path / "bert-texts", 100, 40)
    return tmp_path


def test_pieces_are_the_files_words_one_after_the_other(folder):
    task = BertTexts(length=20)
    input_ids, attention_mask, types = task.split("train").texts
    tokenizer = BertTokenizerFast.from_pretrained(folder / "bert-base-uncased")
    assert input_ids.shape == (2 * (100 // 18), 20) and (attention_mask == 1).all() and (types == 0).all()
    said = " ".join(tokenizer.decode(row[1:-1]) for row in input_ids[:5])
    assert (folder / "bert-texts" / "train" / "0.txt").read_text().startswith(said)
    assert (input_ids[:, 0] == tokenizer.cls_token_id).all() and (input_ids[:, -1] == tokenizer.sep_token_id).all()


def test_a_short_file_is_padded_and_its_words_alone_are_masked(folder):
    (folder / "bert-texts" / "test" / "0.txt").write_text("a good film")
    task = BertTexts(length=50)
    (batch,) = task.split("test").batches(1, n=1)
    assert batch.inputs[1].sum() == 5 and (batch.targets != PAD).sum() == 1 and batch.targets[0, 0] > 4
    assert set(batch.inputs[0][0, 5:].tolist()) == {0}


def test_words_become_berts_own_mask(folder):
    batch = BertTexts(length=20).batch(0, 10)
    now = batch.inputs[0].gather(1, batch.inputs[3])
    assert ((now == 4).double().mean() - 0.8).abs() < 0.2 and (batch.targets[batch.targets != PAD] >= 5).all()
    assert BertTexts().n_tokens == 17 and torch.equal(BertTexts(length=20).batch(0, 10).inputs[0], batch.inputs[0])


def test_missing_files_are_told(folder):
    (folder / "bert-texts" / "train" / "0.txt").unlink()
    (folder / "bert-texts" / "train" / "1.txt").unlink()
    with pytest.raises(MissingDataError, match="there are no text files in .*train.\nPut text files, in UTF-8, into train"):
        TASKS["bert-texts"]().split("train")


def test_a_supernet_of_fewer_tokens_is_told(folder, monkeypatch):
    monkeypatch.setattr(BertTexts, "n_tokens", 30_522)
    with pytest.raises(ValueError, match=r"the supernet has 4,096 tokens, and task 'bert-texts' 30,522: name the tokenizer"):
        check_vocabulary(Supernet(FAMILIES["text-bert"]()), BertTexts())

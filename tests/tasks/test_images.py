import math
import os
import pickle
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
import torch
from PIL import Image

from nastoolkit.measurements import Accuracy
from nastoolkit.supernets import Supernet, calibrate_batchnorm
from nastoolkit.tasks import SPLITS, TASKS, MissingDataError
from nastoolkit.tasks.data_sets import datasets_folder, places_of_step
from nastoolkit.tasks.images import ImageFolder
from nastoolkit.tasks.preprocessing import IMAGENET, MEAN, N_TRIES, STD, Preprocessing, normalise, random_crop
from nastoolkit.training import Recipe, Sandwich, fit, in_place_distillation


@pytest.fixture
def folder(tmp_path, image_folder):
    """Three classes with 20 training images and 6 others each, in two formats."""
    image_folder(tmp_path / "train", 3, 20, seed=0, suffix=".JPEG", width=50, height=40)
    image_folder(tmp_path / "val", 3, 6, seed=1, width=40, height=60)
    return tmp_path


def paths(task, name):
    examples = task.split(name)
    return [examples.files.paths[row] for row in examples.rows]


def everything(examples, size=100, shape=None):
    batches = list(examples.batches(size, shape))
    return torch.cat([batch.inputs for batch in batches]), torch.cat([batch.targets for batch in batches])


def pixels(image):
    """``(3, height, width)`` in 0..255."""
    return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).double()


@pytest.mark.parametrize(("size", "resolution"), [((512, 768), 224), ((1024, 512), 224), ((439, 660), 192), ((74, 90), 128)])
def test_evaluation_resizes_and_crops_as_torchvision_does(picture, size, resolution):
    image = picture(np.random.default_rng(0), *size)
    shorter = math.ceil(resolution / 0.875)
    height, width = (int(shorter * side / min(size)) for side in size[::-1])
    resized = torch.nn.functional.interpolate(pixels(image)[None], (height, width), mode="bilinear", antialias=True)[0]
    top, left = round((height - resolution) / 2), round((width - resolution) / 2)
    expected = resized[:, top : top + resolution, left : left + resolution]
    ours = IMAGENET.for_evaluation(image, resolution, resolution)
    assert ours.size == (resolution, resolution)
    torch.testing.assert_close(pixels(ours), expected, rtol=0, atol=1.01)  # Pillow rounds to whole numbers twice


def test_an_image_of_the_resized_size_is_only_cropped(picture):
    image = picture(np.random.default_rng(1), 301, 256)
    ours = np.asarray(IMAGENET.for_evaluation(image, 224, 224))
    np.testing.assert_array_equal(ours, np.asarray(image)[16:240, 38:262])  # 38.5 and 16, as Python rounds


def test_inputs_are_standardised_as_torchvision_does():
    image = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    mean, std = (torch.tensor(numbers).view(3, 1, 1) for numbers in (MEAN, STD))
    expected = (torch.from_numpy(image).permute(2, 0, 1).float() / 255 - mean) / std
    inputs = normalise([image, image])
    assert torch.equal(inputs[0], expected) and torch.equal(inputs[1], expected)
    assert inputs.is_contiguous(memory_format=torch.channels_last)


def test_random_crops_have_the_areas_and_ratios_of_inception():
    draws = np.random.default_rng(0).random((4000, N_TRIES, 4))
    crops = np.array([random_crop(500, 400, 0.08, each) for each in draws])
    width, height = crops[:, 2] - crops[:, 0], crops[:, 3] - crops[:, 1]
    assert (crops[:, :2] >= 0).all() and (crops[:, 2] <= 500).all() and (crops[:, 3] <= 400).all()
    area, ratio = width * height / 200_000, width / height
    assert 0.079 < area.min() < 0.09 and 0.9 < area.max() <= 1 and 0.74 < ratio.min() < 0.76 and 1.32 < ratio.max() < 1.34
    tried, ratios = np.random.default_rng(1).uniform((0.08, math.log(3 / 4)), (1, math.log(4 / 3)), (50_000, 2)).T
    fits = np.maximum(tried * 200_000 * np.exp(ratios) / 500**2, tried * 200_000 / np.exp(ratios) / 400**2) <= 1
    assert abs(area.mean() - tried[fits].mean()) < 0.02 and abs(np.log(ratio).mean() - ratios[fits].mean()) < 0.02
    assert crops[:, 0].min() == crops[:, 1].min() == 0 and crops[:, 2].max() == 500 and crops[:, 3].max() == 400
    assert abs(crops[:, [0, 2]].mean() - 250) < 5 and abs(crops[:, [1, 3]].mean() - 200) < 5


def test_a_crop_that_never_fits_is_the_central_square():
    assert random_crop(900, 30, 0.08, np.full((N_TRIES, 4), 0.9)) == (435, 0, 465, 30)


def test_training_crops_show_the_image_and_half_of_them_its_mirror_image(tmp_path):
    ramp = np.broadcast_to(np.arange(0, 200, 2, dtype=np.uint8)[None, :, None], (100, 100, 3))
    for place in ("train/a", "val/a"):
        (tmp_path / place).mkdir(parents=True)
        for index in range(2):
            Image.fromarray(ramp + np.uint8(index)).save(tmp_path / place / f"{index}.png")
    inputs = ImageFolder(tmp_path, preprocessing=Preprocessing(24)).batch(step=0, size=200).inputs
    slopes = inputs[:, 0].diff(dim=-1).mean((1, 2))
    assert inputs.shape == (200, 3, 24, 24) and 70 < (slopes > 0).sum() < 130
    assert (inputs[:, 0].diff(dim=-1) * slopes.sign()[:, None, None] > -1e-6).all()  # all of a crop rises, or falls


def test_without_labels_for_test_validation_is_held_out_of_train(folder):
    (folder / "test").mkdir()
    Image.new("RGB", (9, 9)).save(folder / "test" / "unlabelled.png")
    task = ImageFolder(folder)
    found = {name: paths(task, name) for name in SPLITS}
    assert {name: len(rows) for name, rows in found.items()} == {"train": 54, "validation": 6, "test": 18}
    assert sorted(found["train"] + found["validation"]) == sorted(map(str, (folder / "train").rglob("*.JPEG")))
    assert sorted(found["test"]) == sorted(map(str, (folder / "val").rglob("*.png")))
    assert found == {name: paths(ImageFolder(folder), name) for name in SPLITS}


@pytest.mark.parametrize("spelt", ["val", "validation"])
def test_three_labelled_splits_stay_what_they_are(folder, image_folder, spelt):
    (folder / "val").rename(folder / spelt)
    image_folder(folder / "test", 3, 4, seed=2)
    task = ImageFolder(folder)
    for name, place, n in (("train", "train", 60), ("validation", spelt, 18), ("test", "test", 12)):
        assert len(task.split(name)) == n
        assert set(paths(task, name)) == {str(path) for path in (folder / place).rglob("*.*")}


def test_a_labelled_test_split_alone_is_enough(folder):
    (folder / "val").rename(folder / "test")
    assert {name: len(ImageFolder(folder).split(name)) for name in SPLITS} == {"train": 54, "validation": 6, "test": 18}


def test_at_most_ten_thousand_images_are_held_out():
    task = ImageFolder("anywhere")
    sizes = {n: len(task.our_splits({"train": n, "validation": 5})["validation"][1]) for n in (2, 100, 50_000, 1_281_167)}
    assert sizes == {2: 1, 100: 10, 50_000: 5000, 1_281_167: 10_000}


def test_targets_are_the_order_of_the_folders(folder):
    task = ImageFolder(folder)
    _, targets = everything(task.split("test"), shape=(3, 8, 8))
    assert [f"n{target:08d}" for target in targets.tolist()] == [path.split(os.sep)[-2] for path in paths(task, "test")]
    first = everything(task.split("train"), shape=(3, 8, 8))[1][:20]
    assert len(first.unique()) == 3  # calibration takes the first ones: not one class alone


def test_batches_are_decoded_at_the_size_that_is_asked_for(folder):
    train = ImageFolder(folder).split("train")
    assert [tuple(batch.inputs.shape) for batch in train.batches(25)] == [(25, 3, 224, 224)] * 2 + [(4, 3, 224, 224)]
    small = [batch.inputs for batch in train.batches(4, (3, 48, 48), n=10)]
    assert [len(batch) for batch in small] == [4, 4, 2] and small[0].shape[1:] == (3, 48, 48)
    assert torch.equal(torch.cat(small), next(train.batches(10, (3, 48, 48))).inputs)
    assert not list(train.batches(4, n=0))


def test_grey_and_transparent_images_become_rgb(folder):
    grey = Image.new("RGB", (30, 30), (200, 200, 200))
    place = folder / "val" / "n00000000"
    for mode in ("L", "LA", "RGBA", "1"):
        grey.convert(mode).save(place / f"grey{mode}.png")
    grey.quantize().save(place / "grey_palette.png")
    grey.convert("CMYK").save(place / "grey_cmyk.jpg")
    task = ImageFolder(folder)
    inputs, _ = everything(task.split("test"), shape=(3, 16, 16))
    grey = torch.stack(
        [row for row, path in zip(inputs, paths(task, "test"), strict=True) if "grey" in os.path.basename(path)]
    )
    assert grey.shape == (6, 3, 16, 16) and torch.isfinite(inputs).all()
    restored = grey * torch.tensor(STD).view(3, 1, 1) + torch.tensor(MEAN).view(3, 1, 1)
    assert (restored[:, 0] - restored[:, 2]).abs().max() < 0.02


def test_steps_take_every_example_once_an_epoch():
    epochs = np.split(np.concatenate([places_of_step(10, step, 4, seed=3) for step in range(10)]), 4)
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert not np.array_equal(places_of_step(10, 0, 10, seed=3), places_of_step(10, 0, 10, seed=4))


def test_a_pickled_task_is_small_and_the_same(folder):
    task = ImageFolder(folder, name="colours")
    batch, size = task.batch(2, 3).inputs, len(pickle.dumps(task))
    again = pickle.loads(pickle.dumps(task))
    assert size < 1000 and again.name == "colours" and torch.equal(again.batch(2, 3).inputs, batch)


@pytest.fixture
def colourful(tiny):
    """A family for three classes at two resolutions."""
    return type(tiny)("colourful", replace(tiny.table, image_channels=3, n_classes=3, resolutions=(24, 32)))


def test_training_repeats_bit_by_bit(folder, colourful):
    def train():
        task, supernet = ImageFolder(folder, preprocessing=Preprocessing(32)), Supernet(colourful)
        criterion, recipe = in_place_distillation, Recipe(n_steps=3, batch_size=30)
        losses = fit(supernet, task, Sandwich(colourful.space), criterion, recipe, progress=False)
        return supernet.fingerprint, losses.tolist()

    assert train() == train() and np.isfinite(train()[1]).all()


def test_subnetworks_are_measured_at_their_own_resolution(folder, colourful):
    family, task = colourful, ImageFolder(folder, preprocessing=Preprocessing(32))
    supernet = Supernet(family, seed=3)
    genotypes, expected = np.stack([family.space.smallest, family.space.largest]), []
    for genotype, side in zip(genotypes, (24, 32), strict=True):
        network, shape = supernet.extract(genotype), (3, side, side)
        calibrate_batchnorm(network, [batch.inputs for batch in task.split("train").batches(16, shape, n=30)])
        inputs, targets = everything(task.split("test"), shape=shape)
        with torch.no_grad():
            answers = network(inputs).argmax(1)
        assert len(answers.unique()) > 1
        expected.append([100 * (answers == targets).double().mean().item()])
    accuracy = Accuracy(supernet, task, "test", n_calibration=30, batch_size=16)
    np.testing.assert_allclose(accuracy(genotypes), expected)
    np.testing.assert_array_equal(accuracy(genotypes), accuracy(genotypes))


def raised_by(task, split="train"):
    with pytest.raises(MissingDataError) as caught:
        list(chain(task.split(split).batches(100, (3, 8, 8))))
    return str(caught.value)


def test_constructing_reads_nothing_and_missing_data_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path / "nowhere"))
    message = raised_by(TASKS["imagenet"]())
    assert f"task 'imagenet': there is no folder {tmp_path / 'nowhere' / 'imagenet'}" in message
    for part in ("image-net.org", "ILSVRC2012_img_val.tar", "val/<class>/*.JPEG", "NASTOOLKIT_DATASETS"):
        assert part in message
    with pytest.raises(MissingDataError, match="Put images into .*flowers/train/<class>/"):
        ImageFolder(tmp_path / "flowers").batch(0, 1)
    monkeypatch.delenv("NASTOOLKIT_DATASETS")
    monkeypatch.chdir(tmp_path)
    assert datasets_folder() == tmp_path / "datasets"


def test_incomplete_folders_say_what_is_missing(folder):
    assert "2 are needed" in raised_by(ImageFolder(folder, n_classes=2))
    last = folder / "val" / "n00000002"
    (folder / "elsewhere").mkdir()
    for image in last.iterdir():
        image.rename(folder / "elsewhere" / image.name)
    assert f"{last} has no image in it" in raised_by(ImageFolder(folder))
    last.rmdir()
    assert "have different classes: n00000002" in raised_by(ImageFolder(folder))
    (folder / "val").rename(folder / "flat")
    assert f"neither val nor test in {folder} has a folder for each class" in raised_by(ImageFolder(folder))
    (folder / "train").rename(folder / "training")
    assert f"there is no folder {folder / 'train'} with a folder for each class" in raised_by(ImageFolder(folder))


@pytest.mark.parametrize("broken", ["truncated", "text", "empty"])
def test_an_unreadable_image_is_named(folder, broken):
    file = folder / "val" / "n00000001" / "3.png"
    contents = {"truncated": file.read_bytes()[:-900], "text": b"404: Not Found", "empty": b""}
    file.write_bytes(contents[broken])
    message = raised_by(ImageFolder(folder), "test")
    assert message.startswith(f"{file} cannot be read as an image") and "fetch it again" in message


def test_a_small_file_of_a_huge_image_is_refused_and_a_large_photograph_is_not(folder):
    file = folder / "val" / "n00000001" / "3.png"
    Image.new("1", (6000, 6000)).save(file)
    assert "36000000 pixels in" in raised_by(ImageFolder(folder), "test")
    photograph = np.random.default_rng(0).integers(0, 255, (500, 700, 3), dtype=np.uint8)
    Image.fromarray(photograph).resize((5600, 4000)).save(file.with_suffix(".jpg"), quality=80)
    file.unlink()
    assert len(list(ImageFolder(folder).split("test").batches(64))) > 0


def test_an_unknown_split_lists_the_known_ones(folder):
    with pytest.raises(ValueError, match="unknown split 'val'; known"):
        ImageFolder(folder).split("val")

import json

import numpy as np
import pytest

from nastoolkit.published.mcunet_vww import COLUMNS, FILE, content_hash, gather, made_up_networks, mcunet_vww

NETWORKS = [  # width, resolution, accuracy; the rest is the same
    {"wid": 1, "ks": [5, 7, *[3] * 18], "e": [3, 4, *[6] * 18], "d": [1, 1, 1, 1, 1, 2], "image_size": 112},
    {"wid": 0, "ks": [7] * 20, "e": [4] * 20, "d": [0, 2, 1, 0, 0, 1], "image_size": 96},
]


@pytest.fixture(scope="module")
def networks(data_folder):
    return mcunet_vww(data_folder)


def lab_files(folder):
    """A file for each network, as the lab has them."""
    for network, accuracy in zip(NETWORKS, (90.25, 88.5), strict=True):
        name = f"OFAMCUNets_r{network['image_size']}_gpu0_acc_table.json"
        (folder / name).write_text(json.dumps([[network, accuracy]]))
    return folder


def test_the_published_networks(networks):
    assert len(np.unique(networks.genotypes, axis=0)) == len(networks.genotypes) == 50_000
    first = networks.family.space.decode(networks.genotypes[0])  # the first of OFAMCUNets_r112_gpu0_acc_table.json
    assert networks.accuracy_top1[0] == pytest.approx(90.24571852164459, abs=1e-5)
    assert (first["resolution"], first["width"], first["stage1.depth"], first["stage2.depth"]) == (112, 0.75, 3, 3)
    assert [first[f"stage1.block{b}.kernel"] for b in (1, 2, 3)] == [5, 7, 5] and first["stage2.block1.expand"] == 6
    assert first["stage6.block1.kernel"] == 5 and first["stage6.block1.expand"] == 4
    assert (networks.accuracy_top1.min(), networks.accuracy_top1.max()) == pytest.approx((84.53, 93.58), abs=0.05)


def test_resolutions_and_widths_of_the_published_networks(networks):
    options = [choice.options for choice in networks.family.space.choices[:2]]
    resolution, width = (np.array(names)[genes] for names, genes in zip(options, networks.genotypes.T[:2], strict=True))
    assert np.unique(resolution, return_counts=True)[1].tolist() == [10_000] * 5
    assert set(width.tolist()) == {0.5, 0.75}  # nobody measured width 1


def test_made_up_networks_have_no_width_that_nobody_measured_and_are_the_same_again():
    networks, again = made_up_networks(200), made_up_networks(200)
    assert networks.genotypes[:, 1].max() == 1 and 84 < networks.accuracy_top1.min() < networks.accuracy_top1.max() < 95
    np.testing.assert_array_equal(networks.accuracy_top1, again.accuracy_top1)


def test_the_labs_files_make_one(tmp_path):
    with np.load(gather(lab_files(tmp_path), tmp_path / FILE)) as made:
        assert made["accuracy"].tolist() == [90.25, 88.5] and made["image_size"].tolist() == [112, 96]
        assert made["ks"][0].tolist() == NETWORKS[0]["ks"] and made["d"][1].tolist() == NETWORKS[1]["d"]
        assert {name: made[name].shape[1:] for name in COLUMNS} == COLUMNS


def test_other_numbers_than_the_published_ones_are_refused(tmp_path):
    gather(lab_files(tmp_path), tmp_path / FILE)
    with pytest.raises(ValueError, match="other numbers than were published: the hash of its content is"):
        mcunet_vww(tmp_path)


def test_the_hash_is_that_of_the_numbers(data_folder):
    with np.load(data_folder / "mcunet-vww" / FILE) as opened:
        columns = dict(opened)
    published = content_hash(
        {name: values.astype(np.int64) if name in COLUMNS else values for name, values in columns.items()}
    )
    columns["accuracy"] = columns["accuracy"][::-1]
    assert published == content_hash(dict(np.load(data_folder / "mcunet-vww" / FILE))) != content_hash(columns)


@pytest.mark.parametrize("content", [b"", b"no file of numbers", b"PK\x03\x04 cut short"])
def test_damage_is_told(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ValueError, match="is not a file of MIT's NAS lab, or is cut short"):
        mcunet_vww(tmp_path)


def test_columns_of_other_shapes_are_told(tmp_path):
    columns = {name: np.zeros((2, *shape), dtype=np.uint8) for name, shape in COLUMNS.items()}
    np.savez(tmp_path / FILE, **{**columns, "ks": np.zeros((2, 7)), "accuracy": np.zeros(2)})
    with pytest.raises(ValueError, match=r"columns \['ks'\] of other shapes"):
        mcunet_vww(tmp_path)


def test_files_that_are_not_the_labs_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no .*_acc_table.json in"):
        gather(tmp_path, tmp_path / FILE)
    (tmp_path / "a_acc_table.json").write_text('[[{"wid": 0}, 90.0]]')
    with pytest.raises(ValueError, match="files that are not the lab's: KeyError"):
        gather(tmp_path, tmp_path / FILE)


def test_a_missing_file_says_what_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="no mcunet_vww.npz in .*published/mcunet_vww.py.*NASTOOLKIT_DATA=DIR"):
        mcunet_vww()

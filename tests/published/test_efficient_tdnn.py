from dataclasses import replace

import numpy as np
import pytest

from nastoolkit.families import FAMILIES
from nastoolkit.families.mbconv_blocks import MBConv
from nastoolkit.families.tdnn import COARSE, TDNNFamily
from nastoolkit.published import ErrorPredictor, SpeakerLatency, find
from nastoolkit.published.efficient_tdnn import (
    PREDICTOR,
    TABLE,
    encode_network,
    key_of,
    made_up_numbers,
    published_numbers,
    read_times,
    tabulated,
)

MEASURED = [  # SubnetEvaluation.ipynb, kernels before depth before widths: depth, width, kernel, joined width, EER in %
    (4, 512, 5, 1536, 1.44),
    (4, 512, 1, 1536, 3.54),
    (2, 512, 1, 1536, 3.58),
    (2, 256, 1, 768, 3.98),
    (2, 128, 1, 384, 5.29),
]


@pytest.fixture(scope="module")
def device(data_folder):
    return SpeakerLatency(data_folder)


@pytest.fixture(scope="module")
def times(data_folder):
    return read_times(find("efficienttdnn", data_folder)[TABLE])


def test_the_whole_table_is_read(times):
    sections = [key.partition(" ")[0] for key in times]
    counts = {"layer1": 147, "blocks": 7203, "catconv": 15950, "pool": 145, "embed": 145}
    assert len(times) == 23_590 and {section: sections.count(section) for section in counts} == counts
    assert times["blocks (channels=128, kernel_size=1, mid_channels=128)"] == 3.1462764739990234


def test_the_ends_of_the_table_are_the_printed_ones(device):
    ends = device.latency_ms(np.stack([device.family.space.largest, device.family.space.smallest]))
    assert [f"{latency:.2f}" for latency in ends] == ["27.96", "7.77"]


def test_a_latency_is_the_sum_of_the_parts(device, times):
    genotype = encode_network(device.family.space, 2, [176, 512, 128], [3, 1, 5], 536)
    parts = [
        "layer1 (in_channels=80, kernel_size=3, out_channels=176)",
        "blocks (channels=176, kernel_size=1, mid_channels=512)",
        "blocks (channels=176, kernel_size=5, mid_channels=128)",
        "catconv (in_channels=352, out_channels=536)",
        "pool (in_dim=536)",
        "embed (in_features=1072, out_features=192)",
    ]
    assert device.latency_ms(genotype) == pytest.approx(sum(times[part] for part in parts), rel=1e-12)


def test_finer_widths_are_in_the_table_too(times):
    family = TDNNFamily("fine", replace(COARSE, widths=(128, 136, 504, 512), aggregated=(384, 392, 1528, 1536)))
    latency = tabulated(family, times)
    assert latency(family.space.smallest) == pytest.approx(7.77, abs=0.005)
    assert latency(family.space.largest) == pytest.approx(27.96, abs=0.005)


def test_the_predictor_is_within_22_hundredths_of_what_the_authors_measured(data_folder):
    space = FAMILIES["efficient-tdnn"]().space
    predict = ErrorPredictor(space, data_folder)
    alike = [(depth, [width] * (depth + 1), [kernel] * (depth + 1), last) for depth, width, kernel, last, _ in MEASURED]
    found = predict(np.stack([encode_network(space, *one) for one in alike]))
    assert found == pytest.approx([1.423, 3.411, 3.600, 3.954, 5.065], abs=5e-4)  # as the published network gives them
    assert np.abs(found - [row[4] for row in MEASURED]).max() < 0.23


def test_blocks_that_are_left_out_do_not_matter(data_folder):
    space = FAMILIES["efficient-tdnn"]().space
    predict, genotype = ErrorPredictor(space, data_folder), space.smallest
    absent = space.choices[-2].name
    noisy = genotype.copy()
    noisy[space.names.index(absent)] = 2
    assert absent == "block4.kernel" and predict(noisy) == predict(genotype)


def test_a_table_that_lacks_an_entry_says_which(times):
    family, key = FAMILIES["efficient-tdnn"](), "pool (in_dim=768)"
    with pytest.raises(ValueError, match=r"has no time of 'pool \(in_dim=768\)', one of 1 that are missing"):
        tabulated(family, {name: time for name, time in times.items() if name != key})


def test_a_file_that_was_cut_short_says_where(data_folder, tmp_path):
    whole = find("efficienttdnn", data_folder)[TABLE].read_text()
    (tmp_path / TABLE).write_text(whole[:1000])
    with pytest.raises(ValueError, match=r"line 16 of .*yml is neither a section nor a time, but .*: is the file cut short\?"):
        read_times(tmp_path / TABLE)
    (tmp_path / PREDICTOR).write_bytes(find("efficienttdnn", data_folder)[PREDICTOR].read_bytes())
    with pytest.raises(ValueError, match="is not the published file|XX"):
        SpeakerLatency(tmp_path)


def test_other_blocks_are_in_no_table():
    with pytest.raises(ValueError, match="there is no MBConv in this table"):
        key_of(MBConv(8, 16, 8, 3, 1, 8, "relu", False))


def test_published_numbers_are_the_table_and_the_predictor(data_folder, times, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATA", str(data_folder))
    family = FAMILIES["efficient-tdnn"]()
    table, error = published_numbers(family)
    middle = family.space.largest[None]
    assert table == times and error(middle) == ErrorPredictor(family.space, data_folder)(middle)


def test_made_up_numbers_stand_in_for_them_all():
    family = FAMILIES["efficient-tdnn"]()
    times, error = made_up_numbers(family)
    ends = np.stack([family.space.smallest, family.space.largest])
    cheap, dear = tabulated(family, times)(ends)
    good, better = error(ends)
    assert 0 < cheap < dear and good > better > 0

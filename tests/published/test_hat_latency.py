import numpy as np
import pytest

from nastoolkit.families import FAMILIES
from nastoolkit.predictors import DEFAULT_PREDICTOR, PREDICTORS, kendall_tau, mape
from nastoolkit.published import DEVICES, hat_features, hat_latency


@pytest.mark.parametrize("device", DEVICES)
def test_the_rows_are_all_there(data_folder, device):
    data = hat_latency(device, data_folder)
    assert data.features.shape == (2000, 10) and data.encoder_ms.shape == data.decoder_ms.shape == (2000,)
    np.testing.assert_array_equal(data.latency_ms, data.encoder_ms + data.decoder_ms)
    assert np.isfinite(data.features).all() and data.latency_ms.min() > 40
    assert set(data.features[:, 1]) == {6} and set(data.features[:, 5]) == {1, 2, 3, 4, 5, 6}
    if device.endswith("raspberrypi"):
        assert 5_400 < np.median(data.decoder_ms) < 6_300  # of seconds, and yet in ms


def test_the_first_row_is_the_files(data_folder):
    data = hat_latency("wmt14enfr_cpu_raspberrypi", data_folder)
    assert data.features[0].tolist() == [640, 6, 2304, 5, 512, 1, 1024, 2, 8, 1]
    assert (data.encoder_ms[0], data.decoder_ms[0]) == (237.66803741455078, 3746.8435764312744)


def test_an_unknown_device_is_told():
    with pytest.raises(ValueError, match="unknown device 'pi'; known: iwslt14deen_gpu_titanxp, wmt14ende_cpu_raspberrypi"):
        hat_latency("pi")


def test_features_are_averages_over_the_layers_that_are_there():
    space = FAMILIES["hat-wmt"]().space
    options = {"encoder.embed_dim": 512, "encoder.layers": 6, "decoder.embed_dim": 640, "decoder.layers": 2}
    for layer, (ffn, heads) in enumerate(zip((1024, 1024, 1024, 2048, 2048, 2048), (4, 4, 8, 8, 8, 8), strict=True), start=1):
        options |= {f"encoder.layer{layer}.ffn": ffn, f"encoder.layer{layer}.heads": heads}
    for layer, (ffn, own, cross, memories) in enumerate([(3072, 4, 8, -1), (1024, 8, 8, 2)], start=1):
        name = f"decoder.layer{layer}"
        options |= {
            f"{name}.ffn": ffn,
            f"{name}.self_heads": own,
            f"{name}.cross_heads": cross,
            f"{name}.cross_attention": memories,
        }
    genotype = space.encode(options)
    expected = [512, 6, 1536, 40 / 6, 640, 2, 2048, 6, 8, 2]
    np.testing.assert_allclose(hat_features(space, genotype), [expected])
    np.testing.assert_allclose(hat_features(space, np.stack([space.largest, genotype]))[1], expected)


@pytest.mark.parametrize(("name", "device"), [("hat-wmt", "wmt14ende_cpu_xeon"), ("hat-iwslt", "iwslt14deen_gpu_titanxp")])
def test_features_of_the_family_are_like_those_measured(data_folder, name, device):
    space = FAMILIES[name]().space
    measured = hat_latency(device, data_folder).features
    features = hat_features(space, space.sample(500, np.random.default_rng(0)))
    low, high = measured.min(0), measured.max(0)
    margin = 0.2 * (high - low)
    assert features.shape == (500, 10)
    assert (features.min(0) >= low - margin).all() and (features.max(0) <= high + margin).all()


PI = "wmt14enfr_cpu_raspberrypi"


@pytest.mark.parametrize(("device", "n_train"), [(PI, 1500), ("wmt14ende_cpu_xeon", 200), ("wmt14ende_gpu_titanxp", 200)])
def test_the_default_predictor_is_better_than_ridge_and_good_for_the_raspberry_pi(data_folder, device, n_train):
    # Means over ten splits, gradient boosting too: tests/benchmark/predictors.py.
    data = hat_latency(device, data_folder)
    rows = np.random.default_rng(0).permutation(2000)
    train, test = rows[:n_train], rows[1500:]
    ridge, default = (
        PREDICTORS[name]().fit(data.features[train], data.latency_ms[train]).predict(data.features[test])
        for name in ("ridge", DEFAULT_PREDICTOR)
    )
    latency_ms = data.latency_ms[test]
    assert mape(latency_ms, default) < mape(latency_ms, ridge)
    assert kendall_tau(latency_ms, default) > kendall_tau(latency_ms, ridge) - 0.003
    assert device != PI or (kendall_tau(latency_ms, default) >= 0.97 and mape(latency_ms, default) < 1)

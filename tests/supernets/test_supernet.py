import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from nastoolkit.checkpoints import EMBEDDED, CheckpointError, embedded_names, read_checkpoint
from nastoolkit.families import FAMILIES
from nastoolkit.supernets import Supernet, calibrate_batchnorm, load_supernet, save_supernet, with_new_head
from nastoolkit.supernets.sharing import KernelTransform, Slice

NAME = "digits-mbv3"


@pytest.fixture(scope="module")
def supernet(supernet_of):
    return supernet_of(FAMILIES[NAME]())


@pytest.fixture(scope="module")
def batches():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(n, 1, 32, 32, generator=generator) * n for n in (5, 2, 9)]


def statistics(network):
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    return [(norm.running_mean.clone(), norm.running_var.clone()) for norm in norms]


def assert_equal_statistics(one, other):
    assert len(one) == len(other)
    assert all(torch.equal(a, b) for pair, twin in zip(one, other, strict=True) for a, b in zip(pair, twin, strict=True))


@pytest.mark.parametrize("name", ["digits-mbv3", "digits-resnet50"])
def test_a_supernet_with_other_classes_is_loaded_with_them(name, tmp_path):
    adapted = with_new_head(Supernet(FAMILIES[name]()), 4)
    loaded = load_supernet(name, save_supernet(adapted, tmp_path / "adapted.safetensors"))
    assert loaded.fingerprint == adapted.fingerprint
    genotype = loaded.family.space.largest
    assert loaded(loaded.family.example_inputs(genotype), genotype).shape == (1, 4)
    twin = pickle.loads(pickle.dumps(loaded.family))
    assert twin.params(genotype) == loaded.family.params(genotype) < FAMILIES[name]().params(genotype)


def test_a_new_head_is_the_seeds_and_for_two_classes_at_least(supernet):
    one, same, other = (with_new_head(supernet, 10, seed).fingerprint for seed in (1, 1, 2))
    assert one == same != other
    fresh = Supernet(supernet.family, seed=1)
    heads = [net.shared.state_dict()["classifier.linear.weight"] for net in (fresh, with_new_head(fresh, 10, seed=1))]
    assert abs(torch.cosine_similarity(*(head.flatten() for head in heads), dim=0)) < 0.2
    with pytest.raises(ValueError, match="n_classes must be at least 2, got 1"):
        with_new_head(supernet, 1)


def test_calibration_averages_batch_means_and_biased_variances_over_images():
    rng = np.random.default_rng(0)
    batches = [rng.normal(n, n, size=(n, 3, 4, 4)).astype(np.float32) for n in (5, 2, 9)]
    network = calibrate_batchnorm(nn.Sequential(nn.BatchNorm2d(3)), map(torch.from_numpy, batches))
    sizes = [len(batch) for batch in batches]
    means = np.average([batch.mean((0, 2, 3), dtype=float) for batch in batches], axis=0, weights=sizes)
    variances = np.average([batch.var((0, 2, 3), dtype=float) for batch in batches], axis=0, weights=sizes)
    np.testing.assert_allclose(network[0].running_mean, means, rtol=1e-5)
    np.testing.assert_allclose(network[0].running_var, variances, rtol=1e-5)


SHAPES = {1: (6, 3), 2: (6, 3, 5, 4), 3: (6, 3, 2, 3, 4)}
KINDS = {
    "1d": (nn.BatchNorm1d, 1),
    "2d": (nn.BatchNorm2d, 2),
    "3d": (nn.BatchNorm3d, 3),
    "synchronised": (nn.SyncBatchNorm, 2),
    "synchronised, of vectors": (nn.SyncBatchNorm, 1),
}


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_batch_normalisation_is_calibrated(kind, affine):
    make, dims = KINDS[kind]
    x = 3 + 2 * torch.randn(SHAPES[dims], generator=torch.Generator().manual_seed(0))
    network = calibrate_batchnorm(nn.Sequential(make(3, affine=affine)), [x])
    over = [dim for dim in range(x.dim()) if dim != 1]
    torch.testing.assert_close(network[0].running_mean, x.mean(over))
    torch.testing.assert_close(network[0].running_var, x.var(over, unbiased=False))
    assert type(network[0]) is make and network(x).std(correction=0).item() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("make", [nn.LazyBatchNorm1d, nn.LazyBatchNorm2d, nn.LazyBatchNorm3d])
def test_lazy_batch_normalisation_is_calibrated(make):
    x = torch.randn(SHAPES[int(make.__name__[-2])], generator=torch.Generator().manual_seed(0))
    (norm,) = calibrate_batchnorm(nn.Sequential(make()), [x])
    torch.testing.assert_close(norm.running_mean, x.transpose(0, 1).flatten(1).mean(1))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_statistics_are_as_exact_as_the_layer_can_keep_them(dtype):
    batches = [(2 + torch.randn(SHAPES[2], generator=torch.Generator().manual_seed(i))).to(dtype) for i in range(8)]
    (norm,) = calibrate_batchnorm(nn.Sequential(nn.BatchNorm2d(3)).to(dtype), batches)
    mean = torch.cat(batches).double().mean((0, 2, 3))
    assert norm.running_mean.dtype == dtype
    torch.testing.assert_close(norm.running_mean.double(), mean, rtol=4 * torch.finfo(dtype).eps, atol=0)


def test_layers_that_keep_no_statistics_or_that_nothing_reaches_stay_as_they_are():
    class Partly(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.BatchNorm2d(3), nn.BatchNorm2d(3)
            self.free = nn.BatchNorm2d(3, track_running_stats=False)

        def forward(self, x):
            return self.used(self.free(self.used(x)))

    x = 5 + torch.randn(SHAPES[2], generator=torch.Generator().manual_seed(0))
    network = calibrate_batchnorm(Partly(), [x])
    assert network.free.running_mean is None
    assert network.unused.running_var.tolist() == [1, 1, 1] and network.unused.running_mean.tolist() == [0, 0, 0]
    torch.testing.assert_close(network.used.running_mean, x.mean((0, 2, 3)) / 2, atol=1e-5, rtol=1e-5)  # it runs twice


def test_while_calibrating_every_layer_normalises_with_its_own_batch(batches):
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 3), nn.BatchNorm2d(2))
    calibrate_batchnorm(network, batches)
    seen = []
    with torch.no_grad():
        for batch in batches:
            x = network[0](batch)
            mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True, unbiased=False)
            seen.append(network[3](torch.relu((x - mean) / (variance + network[1].eps).sqrt())))
    shares = torch.tensor([len(batch) for batch in batches]) / sum(len(batch) for batch in batches)
    means = torch.stack([x.mean((0, 2, 3)) for x in seen])
    variances = torch.stack([x.var((0, 2, 3), unbiased=False) for x in seen])
    torch.testing.assert_close(network[4].running_mean, shares @ means, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(network[4].running_var, shares @ variances, rtol=1e-4, atol=1e-5)


def test_calibration_depends_on_weights_and_batches_alone(supernet, batches):
    genotype = supernet.family.space.sample(1, np.random.default_rng(0))[0]
    network = calibrate_batchnorm(supernet.extract(genotype), batches)
    first = statistics(network)
    network.train()(batches[0])  # moves them
    assert_equal_statistics(statistics(calibrate_batchnorm(network, batches)), first)
    assert_equal_statistics(statistics(calibrate_batchnorm(supernet.extract(genotype), batches)), first)


def test_calibration_changes_nothing_but_statistics():
    network = nn.Sequential(nn.BatchNorm2d(1, momentum=0.3), nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, momentum=None))
    before = copy.deepcopy(dict(network.named_parameters()))
    calibrate_batchnorm(network, [torch.randn(4, 1, 2, 2)])
    assert (network[0].momentum, network[2].momentum) == (0.3, None)
    assert not any(module.training or module._forward_pre_hooks for module in network.modules())
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, before[name]) and parameter.grad is None


def test_a_failing_calibration_leaves_neither_hooks_nor_momentum():
    def batches():
        yield torch.randn(4, 1, 2, 2)
        raise RuntimeError("the data ended")

    network = nn.Sequential(nn.BatchNorm2d(1, momentum=0.3))
    with pytest.raises(RuntimeError, match="the data ended"):
        calibrate_batchnorm(network, batches())
    assert network[0].momentum == 0.3 and not network[0]._forward_pre_hooks


def test_calibration_without_inputs_is_an_error():
    with pytest.raises(ValueError, match="at least one batch"):
        calibrate_batchnorm(nn.Sequential(nn.BatchNorm2d(1)), [])


def test_initial_weights_follow_from_the_seed_alone(tiny):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = Supernet(tiny, seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert Supernet(tiny, seed=3).fingerprint == first.fingerprint != Supernet(tiny, seed=4).fingerprint


def test_a_seed_is_a_whole_number_of_any_type(tiny):
    assert Supernet(tiny, seed=np.uint8(3)).fingerprint == Supernet(tiny, seed=3).fingerprint
    for wrong, error in ((3.0, TypeError), (None, TypeError), (-1, ValueError)):
        with pytest.raises(error, match="^seed must be "):
            Supernet(tiny, seed=wrong)


def test_initial_weights_are_the_seeds_in_any_thread(tiny):
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda seed: Supernet(tiny, seed=seed).fingerprint, [0, 1] * 8))
    assert made == [Supernet(tiny, seed=0).fingerprint, Supernet(tiny, seed=1).fingerprint] * 8


def test_initial_weights_are_those_of_pytorchs_own_seed(tiny):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        state = tiny.build(tiny.space.largest).state_dict()
    shared = Supernet(tiny, seed=3).shared.state_dict()
    assert all(torch.equal(shared[name], tensor) for name, tensor in state.items())


@pytest.mark.parametrize("name", ["classifier.linear.bias", "stem.bn.running_var", "stage1.block2.depthwise.conv.weight"])
def test_the_fingerprint_changes_with_any_entry(tiny, name):
    supernet = Supernet(tiny)
    before = supernet.fingerprint
    tensor = supernet.shared.state_dict()[name]
    last = tensor[(-1,) * tensor.dim()]
    last += 1e-3
    assert supernet.fingerprint != before
    last -= 1e-3
    supernet.to(memory_format=torch.contiguous_format)
    supernet(torch.randn(2, 1, 32, 32), tiny.space.largest)
    assert supernet.fingerprint == Supernet(tiny).fingerprint


def test_a_checkpoint_brings_back_every_bit_and_the_card(supernet, tmp_path):
    card = {"steps": 7, "accuracy_top1": {"largest": 91.5}, "by": "Zoë"}
    path = save_supernet(supernet, tmp_path / "new" / "net.safetensors", card)
    loaded, (tensors, read) = load_supernet(NAME, path), read_checkpoint(path)
    shared = supernet.shared.state_dict()
    assert read == {**supernet.family.identity, "sharing": "slice", **card}
    assert not loaded.training and loaded.fingerprint == supernet.fingerprint
    for state in (loaded.shared.state_dict(), tensors):
        assert state.keys() == shared.keys() and all(torch.equal(state[name], shared[name]) for name in shared)


def test_a_checkpoint_brings_back_the_sharing_rule(tmp_path):
    supernet = Supernet(FAMILIES[NAME](), KernelTransform())
    with torch.no_grad():
        supernet.shared.stage1.block1.depthwise.conv.get_parameter("7to5_matrix").normal_()
    loaded = load_supernet(NAME, save_supernet(supernet, tmp_path / "net.safetensors"))
    assert isinstance(loaded.sharing, KernelTransform) and loaded.fingerprint == supernet.fingerprint


@pytest.mark.parametrize("share", [0.0, 1e-5, 0.001, 0.5, 0.999])
def test_a_cut_file_is_named(supernet, tmp_path, share):
    path = save_supernet(supernet, tmp_path / "net.safetensors")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointError, match=f"{path} is not a readable checkpoint"):
        load_supernet(NAME, path)


def test_all_that_does_not_fit_is_listed_at_once(supernet, tmp_path):
    path = save_supernet(supernet, tmp_path / "net.safetensors")
    tensors = load_file(path)
    del tensors["stem.conv.weight"], tensors["stem.bn.bias"]
    tensors["stem.prune.mask"] = torch.zeros(1)
    tensors["classifier.linear.bias"] = torch.zeros(12)
    save_file(tensors, path)
    with pytest.raises(CheckpointError) as error:
        load_supernet(NAME, path)
    first, *problems = str(error.value).splitlines()
    assert str(path) in first
    assert [problem.strip() for problem in problems] == [
        "classifier.linear.bias has shape (12,), not (10,)",
        "missing stem.bn.bias",
        "missing stem.conv.weight",
        "unexpected stem.prune.mask",
    ]


def test_an_unknown_family_lists_the_known_ones():
    with pytest.raises(ValueError, match="'resnet', did you mean 'ofa-resnet50'.*; known: .*digits-mbv3.*ofa-"):
        load_supernet("resnet")


def test_a_family_without_a_shipped_checkpoint_lists_what_ships(tmp_path):
    with pytest.raises(CheckpointError, match="no weights of 'ofa-mbv3-w1.0' ship with .*nastoolkit fetch .*digits-mbv3"):
        load_supernet("ofa-mbv3-w1.0")
    with pytest.raises(CheckpointError, match=f"no checkpoint at {tmp_path / 'none'}"):
        load_supernet(NAME, tmp_path / "none")


def test_shipped_checkpoints_are_small_and_load():
    assert NAME in embedded_names()
    for name in embedded_names():
        assert (EMBEDDED / f"{name}.safetensors").stat().st_size <= 1_500_000
        assert not load_supernet(name).training


def test_it_says_what_it_is(tiny):
    assert "'tiny'" in repr(Supernet(tiny)) and f"{int(tiny.params(tiny.space.largest)):,} shared" in repr(Supernet(tiny))


def test_an_unknown_sharing_rule_is_told(supernet, tmp_path):
    path = save_supernet(supernet, tmp_path / "net.safetensors", {"sharing": "mixture"})
    with pytest.raises(CheckpointError, match=r"'mixture'; known: \['slice', 'kernel-transform'"):
        load_supernet(NAME, path)
    with pytest.raises(ValueError, match="object is in no registry"):
        save_supernet(Supernet(supernet.family, type("object", (Slice,), {})()), path)


def test_a_card_that_is_no_object_is_told(tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "net.safetensors", metadata={"card": "[]"})
    with pytest.raises(CheckpointError, match="not a JSON object"):
        read_checkpoint(tmp_path / "net.safetensors")


def test_weights_of_a_sub_network_are_those_of_the_extracted_one_and_gradients_reach_the_shared_ones(supernet):
    genotype = supernet.family.space.smallest
    weights, extracted = supernet.weights(genotype), dict(supernet.extract(genotype).named_parameters())
    assert weights.keys() >= extracted.keys() and all(torch.equal(weights[name], extracted[name]) for name in extracted)
    (gradient,) = torch.autograd.grad(weights["classifier.linear.weight"].sum(), [supernet.shared.classifier.linear.weight])
    assert gradient.sum() == weights["classifier.linear.weight"].numel()

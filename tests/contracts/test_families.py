"""What every entry of FAMILIES keeps; a new one is tested by being there."""

import pickle
from collections import Counter
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from nastoolkit.blocks import each
from nastoolkit.families import FAMILIES
from nastoolkit.families.bits import layer_macs
from nastoolkit.families.fake_quantisation import layers_of

SEEDS = st.integers(0, 2**32)


@pytest.fixture(params=FAMILIES, scope="module")
def family(request):
    return FAMILIES[request.param]()


@pytest.fixture(scope="module")
def genotypes(family):
    space = family.space
    return np.concatenate([[space.smallest, space.largest], space.sample(5, np.random.default_rng(1))])


@pytest.fixture(scope="module")
def networks(family, genotypes):
    """The networks of the genotypes, without memory for weights."""
    with torch.device("meta"):
        return [family.build(genotype).eval() for genotype in genotypes]


def run_without_memory(family, network, genotype):
    with torch.no_grad():
        return network(each(family.example_inputs(genotype), lambda part: part.to("meta")))


def blocks_in_running_order(family, network, genotype):
    """Names of the plan and the shapes of the first inputs that these blocks get."""
    seen, hooks = {}, []
    for name, _ in family.plan(genotype):
        first = partial(lambda name, _, inputs: seen.update({name: seen.get(name, inputs[0].shape[1:])}), name)
        hooks.append(network.get_submodule(name).register_forward_pre_hook(first))
    run_without_memory(family, network, genotype)
    for hook in hooks:
        hook.remove()
    return list(seen.items())


def counted_parameters(family, network):
    """Those of all modules, without embeddings where the family's paper counts none."""
    left_out = {id(p) for name in family.uncounted for p in network.get_submodule(name).parameters()}
    return [parameter for parameter in network.parameters() if id(parameter) not in left_out]


def any_genotype(space, seed):
    """Indices of options, dead genes not always 0."""
    return np.random.default_rng(seed).integers(0, [len(choice.options) for choice in space.choices])


def test_the_plan_names_the_modules_in_the_order_in_which_they_run(family, genotypes, networks):
    for genotype, network in zip(genotypes, networks, strict=True):
        plan = family.plan(genotype)
        assert blocks_in_running_order(family, network, genotype) == [(name, spec.input_shape) for name, spec in plan]
        assert all(key.startswith(tuple(f"{name}." for name, _ in plan)) for key in network.state_dict())


def test_size_is_that_of_the_saved_network(family, genotypes, networks):
    stored = [sum(tensor.nbytes for tensor in network.state_dict().values()) / 1e6 for network in networks]
    np.testing.assert_allclose(family.size_mb(genotypes), stored, rtol=1e-12)


def test_params_are_those_of_the_built_network(family, genotypes, networks):
    counted = [sum(parameter.numel() for parameter in counted_parameters(family, network)) for network in networks]
    np.testing.assert_array_equal(family.params(genotypes), counted)


def test_macs_are_those_that_pytorch_counts(family, genotypes, networks):
    counted = []
    for genotype, network in zip(genotypes, networks, strict=True):
        with FlopCounterMode(display=False) as counter:
            run_without_memory(family, network, genotype)
        counted.append(counter.get_total_flops() / 2)
    np.testing.assert_array_equal(family.macs(genotypes), counted)
    np.testing.assert_array_equal(family.mmacs(genotypes), np.array(counted) / 1e6)


def test_bits_count_the_macs_of_layers(family, genotypes, networks):
    for genotype, network in zip(genotypes[:2], networks, strict=False):
        found, layers = Counter(), layers_of(network).items()
        hooks = [layer.register_forward_hook(partial(count_macs, found, name)) for name, layer in layers]
        run_without_memory(family, network, genotype)
        for hook in hooks:
            hook.remove()
        assert sum(found.values()) == sum(layer_macs(spec) for _, spec in family.plan(genotype))


def count_macs(found, name, layer, _, outputs):
    found[name] += outputs[0].numel() * layer.weight[0].numel()


@given(seed=SEEDS)
def test_dead_genes_change_nothing(family, seed):
    genotype = any_genotype(family.space, seed)
    canonical = family.space.canonical(genotype)
    assert family.plan(genotype) == family.plan(canonical)
    assert family.params(genotype) == family.params(canonical) and family.macs(genotype) == family.macs(canonical)


def test_canonical_genotypes_are_different_networks_and_all_others_are_known_ones(family, genotypes):
    space = family.space
    for genotype in genotypes[:4]:
        near = np.repeat(genotype[None], sum(len(choice.options) for choice in space.choices), axis=0)
        genes, options = zip(
            *((g, o) for g, choice in enumerate(space.choices) for o in range(len(choice.options))), strict=True
        )
        near[range(len(near)), genes] = options
        plans = {tuple(row): family.plan(row) for row in near}
        canonical = [tuple(row) for row in space.canonical(np.array(list(plans)))]
        assert [plans[row] if row in plans else family.plan(np.array(row)) for row in canonical] == list(plans.values())
        assert len(set(canonical)) == len(set(plans.values()))


def test_every_live_gene_changes_the_plan(family, genotypes):
    for genotype in genotypes[:5]:
        for gene in np.flatnonzero(family.space.alive(genotype)):
            changed = np.repeat(genotype[None], len(family.space.choices[gene].options), axis=0)
            changed[:, gene] = range(len(changed))
            assert len(changed) == 1 or len({family.plan(one) for one in changed}) > 1  # widths may round to the same


@settings(max_examples=30)
@given(seed=SEEDS)
def test_block_specs_are_all_there_are(family, seed):
    specs = set(family.block_specs)
    assert len(specs) == len(family.block_specs)
    for genotype in family.space.sample(10, np.random.default_rng(seed)):
        assert specs.issuperset(spec for _, spec in family.plan(genotype))


def test_genotypes_with_a_block_have_it(family):
    for spec in family.block_specs[::7]:
        found = family.genotypes_with(spec, 3, np.random.default_rng(0))
        np.testing.assert_array_equal(family.space.canonical(found), found)
        assert all(spec in dict(family.plan(genotype)).values() for genotype in found)


def test_genotypes_with_a_block_do_not_depend_on_what_was_asked_before(family):
    spec = family.plan(family.space.largest)[-3][1]
    warm, fresh = (f.genotypes_with(spec, 20, np.random.default_rng(0)) for f in (family, FAMILIES[family.name]()))
    np.testing.assert_array_equal(fresh, warm)


def test_a_tabulated_cost_is_the_sum_over_the_plan(family, genotypes):
    asked = Counter()

    def cost(spec):
        asked[spec] += 1
        return spec.params % 101 + 0.25 * (spec.macs % 13)

    total = family.tabulate(cost)
    assert asked == Counter(family.block_specs)
    expected = [sum(spec.params % 101 + 0.25 * (spec.macs % 13) for _, spec in family.plan(g)) for g in genotypes]
    np.testing.assert_array_equal(total(genotypes), expected)
    assert total(genotypes[3]) == expected[3] and total(genotypes[:0]).shape == (0,)


def test_it_survives_pickling(family, genotypes):
    family.params(genotypes)
    copied = pickle.loads(pickle.dumps(family))
    assert copied.name == family.name and copied.space.fingerprint == family.space.fingerprint
    assert [copied.plan(genotype) for genotype in genotypes] == [family.plan(genotype) for genotype in genotypes]
    np.testing.assert_array_equal(copied.params(genotypes), family.params(genotypes))


@pytest.mark.parametrize("method", ["plan", "build", "params", "macs", "input_shape"])
def test_what_is_no_genotype_is_an_error(family, method):
    call, genotype = getattr(family, method), family.space.smallest
    for gene, choice in enumerate(family.space.choices):
        for index in (-1, len(choice.options)):
            genotype[gene] = index
            with pytest.raises(ValueError, match=f"gene '{choice.name}' is {index}, out of range"):
                call(genotype)
        genotype[gene] = 0
    with pytest.raises(ValueError, match="have shape"):
        call(genotype[1:])
    with pytest.raises(ValueError, match="integers"):
        call(genotype.astype(float))


def test_the_registry_names_its_families():
    for name, make in FAMILIES.items():
        assert make().name == name


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_says_its_largest_network(name):
    family = FAMILIES[name]()
    assert (family.largest == family.space.largest).all()

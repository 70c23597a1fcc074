"""Every way for a file or a text from elsewhere into the toolkit: valid examples of it, its reader, its documented errors."""

import io
import json
from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import board_page
import nbformat
import numpy as np
import torch
import typer
import yaml
from board_rows import narrow_table
from PIL import Image
from profiles import UsageError, declared_parameters, fitting_values, profile_values
from record import read_record
from safetensors.torch import save
from scoreboard import claims_table, read_claims

from nastoolkit.benchmarks.race import read_targets
from nastoolkit.checkpoints import CheckpointError, read_checkpoint
from nastoolkit.claims import claim
from nastoolkit.cli.export import _genotype
from nastoolkit.families import FAMILIES
from nastoolkit.families.mobilenet_v3 import DIGITS, MobileNetV3Family
from nastoolkit.latency import LookupTable, Timing, read_hardware
from nastoolkit.latency.contexts import Contexts
from nastoolkit.latency.end_to_end import NetworkLatency
from nastoolkit.objectives import Objective
from nastoolkit.published import nas_bench_201, read_configuration
from nastoolkit.published.efficient_tdnn import read_times
from nastoolkit.published.nas_bench_201 import EDGES
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies.replay import packed, unpacked
from nastoolkit.studies.results import read, write
from nastoolkit.studies.store import Store, StoreError
from nastoolkit.supernets import Supernet, load_supernet, save_supernet
from nastoolkit.tasks import MissingDataError
from nastoolkit.tasks.image_examples import _pixels
from nastoolkit.tasks.ntu import read_skeletons
from nastoolkit.tasks.sentences import VaderMovies, rated
from nastoolkit.tasks.wmt14 import Dictionary, SentencePairs, Wmt14, lines_of
from nastoolkit.training.recipe import Optimizer, Recipe
from nastoolkit.training.run import Run

FAMILY = "fuzzed"
CLAIM = dict(paper="K", item="Fig. 1", statement="A", paper_value=1.5, ours=1.2, interval=[1.0, 1.5], verdict="reproduced")
JOB = {"arm": "linas", "seed": 3}
PARAMETERS = "output_dir: str = 'runs/x'  # where\nn: int = 3  # rounds\nrate: float = 0.5\nsizes: list[int] = [1, 2]"
PROFILES = b"# A test\nprofiles:\n  smoke: {n: 1, rate: 1e-3, sizes: [1, 2]}\n  laptop:\n    n: 5\n    output_dir: runs/y\n"
SPACE = SearchSpace(Choice(f"c{i}", (3, 5, 7)) for i in range(4))


@dataclass(frozen=True)
class Parser:
    """One reader.

    Attributes:
        name: For people.
        file: What the file is called.
        seeds: Makes what the reader needs in a folder; returns valid contents of the file.
        parse: Reads the file.
        documented: What it may raise.
    """

    name: str
    file: str
    seeds: Callable[[Path], list[bytes]]
    parse: Callable[[Path], object]
    documented: tuple[type[Exception], ...]


@cache
def family():
    """A family of two small networks."""
    return MobileNetV3Family(
        FAMILY,
        replace(DIGITS, depths=(1, 2), kernels=(3,), expands=(2,), stages=DIGITS.stages[:1], final_expand=8, feature_mix=8),
    )


def supernets(folder):
    FAMILIES[FAMILY] = family
    return [save_supernet(Supernet(family()), folder / "net.safetensors", {"steps": 3}).read_bytes()]


def released():
    """Tensors under the names of each published format."""
    names = [
        "first_conv.conv.weight",
        "blocks.1.conv.point_linear.bn.bn.weight",
        "input_stem.0.conv.weight",
        "encoder.version",
    ]
    names += ["bert.encoder.layer.0.output.dense.weight", "encoder.layers.encoder_layer_0.attention_output.dense.weight"]
    names += ["encoder.layers.0.self_attn.in_proj_weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"]
    return [{name: torch.arange(6.0).reshape(3, 2) for name in names[start : start + 4]} for start in range(0, 8, 2)]


def pickles(folder, **how):
    contents = [*released(), {"state_dict": released()[0], "epoch": 3}, {"model": released()[3], "args": [1, "a"]}]
    meters = {"loss": OneFile(folder), "counts": defaultdict(list, a=[1]), "best": np.float64(3.5), "lr": Namespace(lr=0.1)}
    contents += [{"net": {f"module._orig_mod.{name}": value for name, value in released()[0].items()}, "extra": meters}]
    files = [io.BytesIO() for _ in contents]
    for content, file in zip(contents, files, strict=True):
        torch.save(content, file, **how)
    return [file.getvalue() for file in files]


def safetensors(folder):
    return [save(tensors, metadata) for tensors in released() for metadata in (None, {"card": '{"family": "x"}'})]


def indices(folder):
    weights = released()[2]
    for number, name in enumerate(weights):
        (folder / f"model-{number}.safetensors").write_bytes(save({name: weights[name]}))
    shards = {name: f"model-{number}.safetensors" for number, name in enumerate(weights)}
    return [json.dumps({"metadata": {"total_size": 96}, "weight_map": shards}).encode()]


def results(folder):
    write(folder / "a.json", JOB, [{"score": 0.1, "curve": [1.5, float("nan")]}, {"score": None, "found": True}])
    return [(folder / "a.json").read_bytes()]


def tables(folder):
    timings = {spec: Timing(0.1, 0.01, 5) for spec in family().block_specs}
    conditions = {"backend": "torch", "batch_size": 1, "threads": 1, "cpu": "x"}
    within = {"resolution": [32]}
    return [
        LookupTable(family(), timings, conditions, options).save(folder / "table.json").read_bytes()
        for options in (None, within)
    ]


def load_table(path):
    LookupTable.load(path, family()).latency_ms(family().space.smallest)


def costs(folder):
    rows = [f'"{spec!r}",0.5,x' for spec in family().block_specs]
    return ["\n".join(["block,ms,note", *rows, *rows, ""]).encode(), "\n".join(["block,ms", *rows, ""]).encode()]


def configurations(folder):
    lists = {"ks": [3], "e": [2], "d": [1], "r": [32], "wid": None}
    layer = {"in_channels": 8, "out_channels": 16, "kernel_size": 3, "expand_ratio": 2, "mid_channels": None}
    stages = {"blocks": [{"conv": layer}, {"mobile_inverted_conv": layer}], "resolution": 32}
    return [json.dumps(lists).encode(), yaml.safe_dump(lists).encode(), json.dumps(stages).encode()]


@cache
def translator():
    return FAMILIES["number-words-transformer"]()


def hat_files(folder):
    sizes = {"embed-dim": 8, "layer-num": 2, "ffn-embed-dim-all": [8, 16], "self-attention-heads-all": [2, 4]}
    cross = {"ende-attention-heads-all": [2, 2], "arbitrary-ende-attn-all": [-1, 1]}
    sides = {"encoder": sizes, "decoder": sizes | cross}
    return [
        "".join(
            f"{side}-{name}-subtransformer: {value}\n" for side, all in sides.items() for name, value in all.items()
        ).encode()
    ]


@cache
def timed():
    """Times the two networks of the family, as quickly as it can."""
    return NetworkLatency(family(), seconds=0)


def partial_tables(folder):
    file = folder / "made.partial"
    contexts = Contexts(timed(), {"family": FAMILY}, file)
    for genotype in (family().space.smallest, family().space.largest):
        contexts.measure(genotype)
    return [file.read_bytes(), file.read_bytes()[:-9]]


def resume_table(path):
    contexts = Contexts(timed(), {"family": FAMILY}, path)
    for genotype in (family().space.smallest, family().space.largest):
        contexts.measure(genotype)
    timings = contexts.timings(family().block_specs)
    LookupTable(family(), timings, {}, None, contexts.reference_ms, contexts.n_noisy).latency_ms(family().space.largest)


def notebook(folder):
    cells = [nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}), nbformat.v4.new_markdown_cell("A")]
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    return [nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})).encode()]


def profiles(folder):
    (folder / "notebooks").mkdir()
    (folder / "notebooks" / "x.ipynb").write_bytes(notebook(folder)[0])
    return [PROFILES]


def settings(folder):
    profiles(folder)
    return [b"n=3", b"sizes=[1, 2]", b"output_dir=a b", b"rate=1e-3"]


def read_profiles(path):
    root = path.parents[1]
    fitting_values("x", profile_values("x", "smoke", root), {}, root)


def set_parameter(path):
    root = path.parents[1]
    name, _, text = path.read_text(errors="surrogateescape").partition("=")
    fitting_values("x", {}, {name: text}, root)


def read_and_show_claims(path):
    found = read_claims(path)
    claims_table(found), narrow_table(found)
    board_page.pages([{"notebook": "a/b", "profile": "laptop", **claim} for claim in found], {})


def cells(folder):
    rows = ["architecture,valid-accuracy,test-accuracy,flops,params"]
    for operation in ("none", "nor_conv_3x3"):
        nodes = [[edge.replace("node1.", "").replace("input", f"{operation}~") for edge in EDGES[:1]]]
        nodes += [[f"{operation}~{i}" for i in range(n)] for n in (2, 3)]
        rows.append("|" + "|+|".join("|".join(node) for node in nodes) + "|,91.2,90.5,153.2,1.07")
    return ["\n".join(rows).encode()]


def images(folder):
    pixels = np.random.default_rng(0).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    files = [io.BytesIO() for _ in range(7)]
    for kind, file in zip(("PNG", "JPEG", "BMP", "PPM", "TIFF", "WEBP", "GIF"), files, strict=True):
        Image.fromarray(pixels).save(file, kind)
    return [file.getvalue() for file in files]


@dataclass(frozen=True)
class OneFile:
    path: Path

    def file(self, row):
        return str(self.path), str(self.path)


def stores(folder):
    with opened(folder / "store.sqlite") as store:
        genotypes = SPACE.sample(30, np.random.default_rng(0))
        store.finish_study(store.start_study("random", 0, {"budget": 30}))
        store.save(genotypes, np.ones((30, 1)), 0.1)
        store.save_failures(SPACE.sample(3, np.random.default_rng(1)), ["out of memory"] * 3)
        store.save_finished_search("abc", packed(SPACE, genotypes))
    return [(folder / "store.sqlite").read_bytes()]


def opened(path):
    return Store(path, SPACE, [Objective("accuracy_top1", "max", "%")], {"weights": "abc"})


def use_store(path):
    genotypes = SPACE.sample(5, np.random.default_rng(0))
    with opened(path) as store:
        store.lookup(genotypes), store.failures(genotypes), len(store), unpacked(SPACE, store.finished_search("abc"))
        store.save(genotypes, np.ones((5, 1)), 0.1)


def translations(folder):
    return ["Wort0 90\nUnter@@ 80\n\u2028 70\n".encode(), "Wort0 \x85 Unter@@ Wort0\n".encode() * 20]


def use_translations(path):
    task = Wmt14(path.parent)
    examples = SentencePairs(task, (path, path), Dictionary(lines_of(path, task)))
    for batch in examples.batches(16, n=32):
        examples.dictionary.sentences(batch.targets)


def training(path):
    network = torch.nn.Linear(2, 2)
    optimizer = Optimizer(network.parameters(), Recipe(n_steps=2))
    return Run({"network": network, "optimizer": optimizer}, {"family": "linear"}, path, progress=False)


def trainings(folder):
    run = training(folder / "run.pt")
    for _ in run.steps(2):
        run.kept["network"](torch.ones(1, 2)).sum().backward()
        run.kept["optimizer"].step()
        run.record(loss=1.0)
    return [(folder / "run.pt").read_bytes()]


def text_of(read, path):
    return read(path.read_text(errors="replace"))


def genotypes(folder):
    space = family().space
    return [",".join(map(str, genotype)).encode() for genotype in (space.smallest, space.largest)]


def plain(*texts):
    return lambda folder: [text.encode() for text in texts]


PARSERS = [
    Parser(
        "rated sentences",
        "sentences.txt",
        plain("1\t2.5\tA fresh film.\r\n2_1\t-0.4\tDull &amp; flat\r\n"),
        lambda path: [*rated(VaderMovies(), "movies", path)],
        (MissingDataError,),
    ),
    Parser("skeletons", "clip.skeleton", plain("1\n1\na 0\n25\n" + 25 * "0.5 1 -2e-1 9\n"), read_skeletons, (ValueError,)),
    Parser("supernet", "net.safetensors", supernets, lambda path: load_supernet(FAMILY, path), (CheckpointError,)),
    Parser("safetensors", "net.safetensors", safetensors, read_checkpoint, (CheckpointError,)),
    Parser("checkpoint .pt", "net.pt", pickles, read_checkpoint, (CheckpointError,)),
    Parser(
        "checkpoint .pt, old",
        "net.pt",
        partial(pickles, _use_new_zipfile_serialization=False),
        read_checkpoint,
        (CheckpointError,),
    ),
    Parser(
        "checkpoint index",
        "model.safetensors.index.json",
        indices,
        lambda path: read_checkpoint(path.parent),
        (CheckpointError,),
    ),
    Parser("training run", "run.pt", trainings, training, (ValueError,)),
    Parser("lookup table", "table.json", tables, load_table, (ValueError,)),
    Parser("times of a tool", "board.csv", costs, load_table, (ValueError,)),
    Parser(
        "configuration",
        "net.json",
        configurations,
        lambda path: read_configuration(family(), path),
        (ValueError,),
    ),
    Parser("HAT's file", "net.yml", hat_files, lambda path: read_configuration(translator(), path), (ValueError,)),
    Parser("table, half made", "table.partial", partial_tables, resume_table, ()),  # what is damaged is measured anew
    Parser(
        "hardware setting",
        "setting.txt",
        plain("torch 128 1", "torch 1 1"),
        partial(text_of, read_hardware),
        (ValueError,),
    ),
    Parser("store", "store.sqlite", stores, use_store, (StoreError,)),
    Parser("translations", "newstest2013.tok.bpe.32000.en", translations, use_translations, (MissingDataError,)),
    Parser(
        "latency of speech networks",
        "latency.yml",
        plain("pool:\n  (in_dim=384): 0.9\nembed:\n  (in_features=768, out_features=192): 9.5e-05\n"),
        read_times,
        (ValueError,),
    ),
    Parser("NAS-Bench-201", "nas-bench-201.csv", cells, nas_bench_201, (ValueError, FileNotFoundError)),
    Parser("image", "0.png", images, lambda path: _pixels(OneFile(path), 0, lambda image: image), (MissingDataError,)),
    Parser("profiles", "experiments/x.yaml", profiles, read_profiles, (UsageError,)),
    Parser("notebook", "x.ipynb", notebook, declared_parameters, (UsageError,)),
    Parser(
        "--set",
        "experiments/set.txt",
        settings,
        set_parameter,
        (UsageError,),
    ),
    Parser("claims", "claims.json", plain(json.dumps([CLAIM, CLAIM])), read_and_show_claims, (UsageError,)),
    Parser("claims added to", "claims.json", plain(json.dumps([CLAIM])), lambda path: claim(path, **CLAIM), (ValueError,)),
    Parser(
        "run record", "run.json", plain('{"fingerprint": "0a", "seconds": 3.5}'), lambda path: read_record(path.parent), ()
    ),
    Parser("result of a job", "a.json", results, lambda path: read(path, JOB), ()),
    Parser(
        "genotype option",
        "genotype.txt",
        genotypes,
        partial(text_of, lambda text: _genotype(family(), text)),
        (typer.BadParameter, ValueError),
    ),
    Parser(
        "race targets",
        "targets.txt",
        plain("1.5,nsga2", "3"),
        partial(text_of, lambda text: read_targets(text, ["nsga2"])),
        (ValueError,),
    ),
]

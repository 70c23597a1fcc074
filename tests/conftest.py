import logging
import os
import signal
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from hypothesis import settings

os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"  # before anything imports Hugging Face's packages
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job has it ignored, and so its children would
settings.register_profile("nastoolkit", deadline=None)  # a slow machine fails no test
settings.load_profile("nastoolkit")

EXPECTED_SKIPS = (  # all that a machine may lack, by parts of the reasons given; a test that is skipped for another one fails
    "the published data are not at",
    "there is no nas-bench-201.csv in",  # which everyone has to write with the benchmark's own program
    "needs an NVIDIA GPU",
    "PyTorch's compiler needs a C++ compiler",
    "root may write everywhere",
    "this machine gives no mount namespaces",
    "this system does not pin processes",
    "the C library of Linux",
    "the site is not built",
    "the documentation is not built",
    "there is no chromium here",
)


def is_expected(reason):
    """Whether a test may be skipped for that reason."""
    return any(part in reason for part in EXPECTED_SKIPS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Tests that nobody expects to be skipped fail."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and not is_expected(reason := report.longrepr[2]):
        report.outcome, report.longrepr = "failed", f"{reason}, which is none of EXPECTED_SKIPS in tests/conftest.py"
    return report


@pytest.fixture(scope="session")
def data_folder():
    """Published measurements, which are no part of the repository: beside it, or where NASTOOLKIT_DATA points."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("NASTOOLKIT_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"the published data are not at {folder}; set NASTOOLKIT_DATA to their folder")
    return folder


@pytest.fixture
def few_digits(monkeypatch):
    """A task of few images, by the name ``few``."""
    from nastoolkit import TASKS
    from nastoolkit.tasks.digits import Digits

    class Few(Digits):
        name = "few"
        n_canvases = {"train": 40, "validation": 60, "test": 50}  # noqa: RUF012

    monkeypatch.setitem(TASKS, "few", Few)


class FileHandler(BaseHTTPRequestHandler):
    """Serves what the server holds; half of it where a path starts with /cut, or, without its length, with /broken."""

    def do_GET(self):  # noqa: N802
        self.server.asked.append(self.path)
        content = self.server.files.get(self.path.removeprefix("/cut").removeprefix("/broken"), None)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        if not self.path.startswith("/broken"):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.path.startswith(("/cut", "/broken")) else content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server of ``files`` (bytes by path) at ``url`` that notes what it is ``asked``; and an empty cache for downloads."""
    monkeypatch.setenv("NASTOOLKIT_CACHE", str(tmp_path / "cache"))
    logging.getLogger("pooch").setLevel(logging.WARNING)
    server = ThreadingHTTPServer(("127.0.0.1", 0), FileHandler)
    server.files, server.asked = {}, []
    server.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def tiny():
    """A family of 400 networks for the digits that run in a few milliseconds."""
    from nastoolkit.families.mobilenet_v3 import DIGITS, MobileNetV3Family

    table = replace(
        DIGITS, depths=(1, 2), kernels=(3, 5), expands=(2, 4), stages=DIGITS.stages[:2], final_expand=48, feature_mix=32
    )
    return MobileNetV3Family("tiny", table)


@pytest.fixture(scope="session")
def narrow(tiny):
    """A family of two networks, whose blocks are soon timed."""
    return type(tiny)("narrow", replace(tiny.table, kernels=(3,), expands=(2,), stages=tiny.table.stages[:1]))


@pytest.fixture(scope="session")
def supernet_of():
    """Makes a supernet with random statistics, scales and biases too, as a trained one has them."""
    import torch

    from nastoolkit.supernets import Supernet

    def make(family, seed=0):
        supernet, generator = Supernet(family, seed=seed), torch.Generator().manual_seed(seed)
        for name, tensor in supernet.shared.state_dict().items():
            if name.endswith("running_mean"):
                tensor.uniform_(-0.2, 0.2, generator=generator)
            elif tensor.dim() == 1:
                tensor.uniform_(0.5, 1.5, generator=generator)
            elif tensor.is_floating_point():
                tensor.mul_(2.0)  # as large behind the layer as before it
        return supernet

    return make


@pytest.fixture(scope="session")
def saved():
    """Writes a network of transformers with random weights, biases and scales too, to a folder; returns it for evaluation."""
    import torch

    def save(network, folder, **how):
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for name, weight in network.named_parameters():
                weight.normal_(std=weight[0].numel() ** -0.5 if weight.dim() > 1 else 0.1, generator=generator)
                weight.add_(1.0 if weight.dim() == 1 and name.endswith("weight") else 0.0)  # scales of normalisation
        network.save_pretrained(folder, **how)
        return network.eval()

    return save


@pytest.fixture(scope="session")
def picture():
    """Draws an image of one colour with some noise, unlike any other; crops of it look like the whole."""
    from PIL import Image

    def draw(rng, width=16, height=12):
        pixels = rng.integers(50, 205, 3) + rng.integers(-40, 40, (height, width, 3))
        return Image.fromarray(pixels.astype(np.uint8))

    return draw


@pytest.fixture(scope="session")
def image_folder(picture):
    """Writes ``n_images`` to ``folder/<class>`` for each of ``n_classes``."""

    def write(folder, n_classes, n_images, seed, suffix=".png", **size):
        rng = np.random.default_rng(seed)
        for name in (f"n{index:08d}" for index in range(n_classes)):
            (folder / name).mkdir(parents=True)
            for index in range(n_images):
                picture(rng, **size).save(folder / name / f"{index}{suffix}")

    return write


@pytest.fixture(scope="session")
def image_rows(picture):
    """A ``datasets.Dataset`` of 32x32 images with every class as often."""
    import datasets

    def make(n_images, n_classes, seed, label="label"):
        rng = np.random.default_rng(seed)
        columns = {"img": [picture(rng, 32, 32) for _ in range(n_images)], label: [i % n_classes for i in range(n_images)]}
        features = {"img": datasets.Image(), label: datasets.ClassLabel(num_classes=n_classes)}
        return datasets.Dataset.from_dict(columns, features=datasets.Features(features))

    return make


@pytest.fixture(scope="session")
def small_cifar():
    """Writes CIFAR-10's file at 16x16 to a folder: so many training and test images of each class, at random."""

    def write(folder, n_train, n_test):
        folder.mkdir(parents=True)
        n, rng = 10 * (n_train + n_test), np.random.default_rng(0)
        classes, is_test = np.arange(n) % 10, np.arange(n) >= 10 * n_train
        pixels = rng.integers(256, size=(n, 16, 16, 3), dtype=np.uint8)
        np.savez(folder / "cifar10_16.npz", X=pixels, y=classes, test=is_test)

    return write


@pytest.fixture(scope="session")
def scene_files():
    """Writes NYUv2's arrays to a folder: so many random scenes of each part, with pixels that have no class or normal."""

    def write(folder, n_train, n_val):
        rng = np.random.default_rng(0)
        for split, n in (("train", n_train), ("val", n_val)):
            for part in ("image", "label", "normal"):
                (folder / split / part).mkdir(parents=True)
            for number in range(n):
                normals = rng.normal(size=(24, 32, 3))
                normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
                normals[:2] = 0
                np.save(folder / split / "image" / f"{number}.npy", rng.random((24, 32, 3), dtype=np.float32))
                np.save(folder / split / "label" / f"{number}.npy", rng.integers(-1, 3, (24, 32)))
                np.save(folder / split / "normal" / f"{number}.npy", normals.astype(np.float32))

    return write


@pytest.fixture(scope="session")
def stereo_files():
    """Writes FlyingThings3D's files to a folder: so many random pairs of each part, and disparities that fit a volume."""
    from PIL import Image

    def write(folder, n_train, n_test, height=24, width=48):
        rng = np.random.default_rng(0)
        for part, number in [*(("TRAIN", one) for one in range(n_train)), *(("TEST", one) for one in range(n_test))]:
            film = f"{part}/A/{number:04d}"
            for side in ("left", "right"):
                image = folder / "frames_finalpass" / film / side / "0006.png"
                image.parent.mkdir(parents=True)
                Image.fromarray(rng.integers(256, size=(height, width, 3), dtype=np.uint8)).save(image)
            disparities = folder / "disparity" / film / "left" / "0006.pfm"
            disparities.parent.mkdir(parents=True)
            pixels = rng.uniform(0, 5, (height, width)).astype("<f4")
            disparities.write_bytes(f"Pf\n{width} {height}\n-1.0\n".encode() + pixels[::-1].tobytes())

    return write


@pytest.fixture(scope="session")
def speech():
    """Writes LibriSpeech's spectra to a folder: random ones of so many people, and four each of three others."""

    def write(folder, n_people):
        folder.mkdir(parents=True)
        rng, people = np.random.default_rng(0), [*range(n_people), *np.repeat(range(100, 103), 4)]
        length = rng.integers(80, 400, len(people))
        length[-12:] += 100
        frames = rng.integers(256, size=(length.sum(), 24), dtype=np.uint8)
        table = {"frames": frames, "length": length, "speaker": np.array(people), "test": np.array(people) >= 100}
        np.savez(folder / "libri_mel24.npz", **table, lo=-18.0, hi=3.0)

    return write


@pytest.fixture(scope="session")
def poses():
    """Writes J-HMDB's poses to a folder: random ones, so many training clips of each of three actions, and two test clips."""

    def write(folder, n_clips):
        folder.mkdir(parents=True)
        rng, clips = np.random.default_rng(0), np.arange(3 * (n_clips + 2))
        pose = rng.normal(size=(len(clips), 40, 15, 2)).astype(np.float32)
        for clip, length in zip(pose, rng.integers(16, 41, len(clips)), strict=True):
            clip[length:] = np.nan
        table = {"pose": pose, "label": np.array(["catch", "clap", "golf"])[clips % 3], "test": clips >= 3 * n_clips}
        np.savez(folder / "jhmdb_pose_split1.npz", **table)

    return write


@pytest.fixture(scope="session")
def drawings():
    """Writes Omniglot's file to a folder: so many characters of each of eight alphabets, with random pixels."""

    def write(folder, n_characters):
        folder.mkdir(parents=True)
        n, rng = 8 * n_characters * 20, np.random.default_rng(0)
        character, names = np.arange(n) // 20, np.array([f"alphabet{letter}" for letter in "cabdefgh"])
        pixels = np.where(rng.random((n, 28, 28)) < 0.08, 255, 0).astype(np.uint8)
        about = {"alphabet": names[character // n_characters], "character": 1 + character % n_characters}
        np.savez(folder / "omniglot28.npz", X=pixels, **about)

    return write


@pytest.fixture(scope="session")
def skeleton_files():
    """Writes files of NTU RGB+D to a folder: clips of three actions by people of all splits, of one body or two."""

    def lines(rng, n_frames, n_bodies):
        yield str(n_frames)
        for _ in range(n_frames):
            yield str(n_bodies)
            for body in range(n_bodies):
                yield f"7205759403793{body} 0 1 1 1 1 0 0.1 0.2 2"
                yield "25"
                yield from (" ".join(f"{x:.6f}" for x in [*rng.normal(size=3), *range(9)]) for _ in range(25))

    def write(folder, people=(1, 2, 4, 14, 3, 6), n_clips=2):
        folder.mkdir(parents=True)
        rng = np.random.default_rng(0)
        for person in people:
            for number in range(3 * n_clips):
                name = f"S001C001P{person:03}R{1 + number // 3:03}A{1 + number % 3:03}"
                (folder / f"{name}.skeleton").write_text("\n".join(lines(rng, 2 + number, 1 + number % 2)) + "\n")

    return write


@pytest.fixture(scope="session")
def real_flows():
    """Writes nDPI's flows to a folder: random packets of three protocols and of unknown ones, each in so many captures."""

    def write(folder, n_captures=9, n_flows=4):
        folder.mkdir(parents=True)
        rng, n = np.random.default_rng(0), 4 * n_captures * n_flows
        packets = rng.integers(1, 17, n)
        header = rng.integers(0, 1 << 16, (packets.sum(), 13))
        header[:, 0] = rng.integers(0, 2, len(header))
        table = {"header": header.astype(np.uint16), "payload12": rng.integers(0, 256, (len(header), 12), np.uint8)}
        table |= {"payload_len": rng.integers(0, 40, len(header)), "time": rng.random(len(header)), "packets": packets}
        labels = np.array(["TLS.Google", "DNS", "HTTP", "Unknown"])[np.arange(n) % 4]
        table |= {"proto": np.where(labels == "DNS", "UDP", "TCP"), "label": labels, "source": np.arange(n) // n_flows}
        np.savez(folder / "ndpi_flows.npz", **table)

    return write


@pytest.fixture(scope="session")
def captures():
    """Writes captures to a folder: random segments of two classes, with so many captures of so many flows."""

    def write(folder, n_captures=4, n_flows=6):
        import dpkt

        rng = np.random.default_rng(0)
        for label in ("mail", "web"):
            (folder / label).mkdir(parents=True)
            for number in range(n_captures):
                with (folder / label / f"{number}.pcap").open("wb") as file:
                    writer = dpkt.pcap.Writer(file)
                    for second in range(4 * n_flows):
                        way, port = second % 3 == 1, 5000 + second % n_flows
                        ends = b"\x0a\0\0\1", b"\x0a\0\0\2"
                        ports = (443, port) if way else (port, 443)
                        seq, data = int(rng.integers(1 << 32)), rng.bytes(int(rng.integers(1, 600)))
                        segment = dpkt.tcp.TCP(sport=ports[0], dport=ports[1], seq=seq, data=data)
                        ip = dpkt.ip.IP(src=ends[way], dst=ends[not way], p=6, data=segment, len=40 + len(data))
                        writer.writepkt(bytes(dpkt.ethernet.Ethernet(data=ip)), ts=second / 100)

    return write


WORDS = "a film good bad of the and not very dull fresh plot".split()


@pytest.fixture(scope="session")
def sentence_rows():
    """A ``datasets.Dataset`` of different sentences, in the manner of SST-2."""
    import datasets

    def make(n, seed, label=None):
        rng = np.random.default_rng([seed, n])
        sentences = list(dict.fromkeys(" ".join(rng.choice(WORDS, size)) for size in rng.integers(8, 20, 2 * n)))[:n]
        labels = [i % 2 if label is None else label for i in range(n)]
        return datasets.Dataset.from_dict({"idx": range(n), "sentence": sentences, "label": labels})

    return make


@pytest.fixture(scope="session")
def bert_texts():
    """Writes two files of random text for each split."""

    def write(folder, n_train, n_others):
        for seed, (split, n) in enumerate({"train": n_train, "validation": n_others, "test": n_others}.items()):
            (folder / split).mkdir(parents=True)
            for number in range(2):
                rng = np.random.default_rng([seed, number])
                (folder / split / f"{number}.txt").write_text(" ".join(rng.choice(WORDS, n)))

    return write


@pytest.fixture(scope="session")
def save_tokenizer(tmp_path_factory):
    """Writes a WordPiece tokenizer that knows a few words to a folder."""
    from transformers import BertTokenizerFast

    def save(folder):
        vocabulary = tmp_path_factory.mktemp("tokenizer") / "vocab.txt"
        vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]))
        BertTokenizerFast(str(vocabulary)).save_pretrained(folder)

    return save


def _attention(dim, qkv):
    return {
        "in_proj_weight": (3 * qkv, dim),
        "in_proj_bias": (3 * qkv,),
        "out_proj.weight": (dim, qkv),
        "out_proj.bias": (dim,),
    }


def _hat_shapes(table):
    """Shapes by released names, as fairseq's code makes them."""
    dim, ffn, vocabulary = max(table.embed_dims), max(table.ffn), table.vocabulary
    attention, norm = _attention(dim, table.qkv_dim), {"weight": (dim,), "bias": (dim,)}
    parts = {"self_attn": attention, "self_attn_layer_norm": norm, "final_layer_norm": norm}
    parts |= {"fc1": {"weight": (ffn, dim), "bias": (ffn,)}, "fc2": {"weight": (dim, ffn), "bias": (dim,)}}
    sides = {"encoder": parts, "decoder": parts | {"encoder_attn": attention, "encoder_attn_layer_norm": norm}}
    shapes = {"encoder.embed_tokens.weight": (table.source_vocabulary or vocabulary, dim)}
    shapes |= {"decoder.embed_tokens.weight": (vocabulary, dim)}
    shapes |= {"decoder.embed_out": (vocabulary, dim)} if table.source_vocabulary else {}
    for side, layer in sides.items():
        shapes |= {f"{side}.version": (1,), f"{side}.embed_positions._float_tensor": (1,)}
        for number in range(6):
            for part, tensors in layer.items():
                shapes |= {f"{side}.layers.{number}.{part}.{name}": shape for name, shape in tensors.items()}
    return shapes


@pytest.fixture(scope="session")
def hat_state():
    """Random tensors under the names of a HAT family's release, the decoder's embedding the encoder's where they share it."""
    import torch

    def make(table):
        generator = torch.Generator().manual_seed(0)
        state = {key: torch.randn(shape, generator=generator) for key, shape in _hat_shapes(table).items()}
        shared = (
            {} if table.source_vocabulary else {"decoder.embed_tokens.weight": state["encoder.embed_tokens.weight"].clone()}
        )
        return state | shared

    return make


SUBWORDS = [*(f"Wort{i}" for i in range(8)), "Unter@@", "Über@@"]


@pytest.fixture(scope="session")
def translations():
    """Writes WMT14's files to a folder: so many lines of each split, which are translated by turning them round."""

    def write(folder, n_train, n_others):
        folder.mkdir(parents=True)
        rng, seen = np.random.default_rng(0), set()
        for name, n in (("train.tok.clean", n_train), ("newstest2013.tok", n_others), ("newstest2014.tok", n_others)):
            lines = []
            while len(lines) < n:
                picks = (*rng.integers(len(SUBWORDS), size=rng.integers(5, 9)), rng.integers(8))
                if picks not in seen:
                    lines.append([SUBWORDS[pick] for pick in picks])
                    seen.add(picks)
            for language, step in {"en": 1, "de": -1}.items():
                text = "".join(" ".join(words[::step]) + "\n" for words in lines)
                (folder / f"{name}.bpe.32000.{language}").write_text(text)
        (folder / "dict.en.txt").write_text("".join(f"{word} {100 - i}\n" for i, word in enumerate(SUBWORDS)))

    return write


@pytest.fixture(scope="session")
def rated_sentences():
    """Writes the files of VADER to a folder: ``n`` sentences in each, those of products and of newspapers three to a text."""
    from nastoolkit.tasks.sentences import EDITIONS

    def write(folder, n):
        folder.mkdir(parents=True)
        for seed, (edition, file) in enumerate(EDITIONS.items()):
            rng, lines = np.random.default_rng(seed), []
            for row in range(n):
                name = f"{row // 3}_{row}" if edition in ("amazon", "nyt") else row
                words = " ".join(rng.choice(WORDS, rng.integers(6, 12)))
                lines.append(f"{name}\t{(-1) ** row * rng.uniform(0, 4):.3f}\tThe {edition}, {row}: {words}.")
            (folder / file).write_bytes("\r\n".join(lines).encode())

    return write


@pytest.fixture(scope="session")
def sentence_pairs():
    """Writes Tatoeba's file to a folder: so many sentences, which are translated by turning them round."""

    def write(folder, n):
        folder.mkdir(parents=True)
        rng = np.random.default_rng(0)
        sentences = [[str(row), *rng.choice(WORDS, rng.integers(4, 8))] for row in range(n)]
        lines = ["1\t2", *(f"{' '.join(words)}\t{' '.join(words[::-1])}" for words in sentences)]
        (folder / "deu.txt").write_bytes("\r\n".join(lines).encode())

    return write


@pytest.fixture(scope="session")
def data_sets(
    tmp_path_factory,
    image_folder,
    image_rows,
    small_cifar,
    scene_files,
    stereo_files,
    speech,
    sentence_rows,
    save_tokenizer,
    bert_texts,
    translations,
    rated_sentences,
    sentence_pairs,
    poses,
    drawings,
    skeleton_files,
    real_flows,
    captures,
):
    """A folder with small data sets laid out like the published ones, and with a tokenizer, for NASTOOLKIT_DATASETS."""
    import datasets

    folder = tmp_path_factory.mktemp("datasets")
    image_folder(folder / "imagenet" / "train", 1000, 1, seed=0)
    image_folder(folder / "imagenet" / "val", 1000, 1, seed=1)
    for name, n_classes, label in (("cifar10", 10, "label"), ("cifar100", 100, "fine_label")):
        splits = {
            split: image_rows(2 * n_classes + 100, n_classes, seed, label) for seed, split in enumerate(("train", "test"))
        }
        datasets.DatasetDict(splits).save_to_disk(folder / name)
    sizes = {"train": (200, 0, None), "validation": (40, 1, None), "test": (30, 2, -1)}
    datasets.DatasetDict({name: sentence_rows(*how) for name, how in sizes.items()}).save_to_disk(folder / "sst2")
    save_tokenizer(folder / "bert-base-uncased")
    bert_texts(folder / "bert-texts", 2000, 500)
    small_cifar(folder / "cifar10-16", 40, 10)
    scene_files(folder / "nyuv2", 30, 10)
    stereo_files(folder / "sceneflow", 30, 10)
    speech(folder / "libri-speakers", 20)
    translations(folder / "wmt14-en-de", 200, 40)
    rated_sentences(folder / "vader", 210)
    sentence_pairs(folder / "tatoeba-en-de", 210)
    poses(folder / "jhmdb-poses", 20)
    drawings(folder / "omniglot", 3)
    skeleton_files(folder / "ntu-skeletons", (*range(1, 20), 25), 3)
    real_flows(folder / "ndpi-flows")
    captures(folder / "flow-captures")
    return folder

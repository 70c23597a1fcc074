"""What the scoreboard says about each paper: its title, what it claims, and which of our tests are its headlines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Headline:
    """A claim on the first screen.

    Attributes:
        item: The claim's item.
        parts: Texts that are in its statement, and together in no other statement with the same paper and item.
        label: Short label.
    """

    item: str
    parts: tuple[str, ...]
    label: str


@dataclass(frozen=True)
class Paper:
    """A paper, described in a few words.

    Attributes:
        title: Its title.
        claims: Its claims and where they are, in our words.
        headlines: Tests that matter most for whether this holds.
    """

    title: str
    claims: str
    headlines: tuple[Headline, ...]


OURS = "nastoolkit"  # the paper of a claim of our own
PAPERS = {
    "2202.12954": Paper(
        "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
        """Predictors rank sub-networks well after a few hundred measurements (Section 5.4, Figs 13 to 15, Table 3). A
warm start from a search for other hardware makes a search faster by an order of magnitude (Section 4.4, Fig 8).
Concurrent search, later named LINAS, which learns predictors as it goes on, needs fewer evaluations than a full search
(Figs 9, 10), and 8 times fewer than WeakNAS (Fig 11, Table 2). In a space that past searches made smaller the front
grows faster early, and ends as high (Section 5.3, Fig 12). Fronts found for one hardware setting are not the best for
another (Figs 5, 6).""",
        (
            Headline("Table 3, Fig 15", ("HAT's published measurements",), "Table 3: latencies are predicted (tau)"),
            Headline("Figs 5, 6", ("HAT",), "Figs 5, 6: fronts do not transfer"),
            Headline("Fig 7", ("ofa-mbv3-w1.2",), "Fig 7: a full search beats random search"),
            Headline("Fig 8", ("published tables",), "Fig 8: a warm start saves evaluations"),
            Headline(
                "Figs 9, 10", ("(linas) against full (nsga2)", "published tables"), "Figs 9, 10: concurrent beats full search"
            ),
            Headline("Fig 11, Table 2", ("(a) LINAS", "ofa-mbv3"), "Fig 11: LINAS beats WeakNAS"),
            Headline("Fig 12", ("faster early", "OFA"), "Fig 12: a smaller space helps early"),
        ),
    ),
    "2205.10358": Paper(
        "A Hardware-Aware Framework for Accelerating Neural Architecture Search Across Modalities",
        """LINAS comes to the hypervolume of random search, and to that of NSGA-II, in fewer evaluations than NSGA-II
does: 2.6 and 5.8 times fewer on MobileNetV3, 4.5 and 6.5 times on ResNet50, 1.7 and 1.3 times on a Transformer (Table
3).""",
        (Headline("Table 3", ("level 2", "ofa-mbv3-w12-macs"), "Table 3: LINAS beats NSGA-II"),),
    ),
    "2303.13683": Paper(
        "OFA^2: A Multi-Objective Perspective for the Once-for-All Neural Architecture Search",
        """One search with several objectives finds networks for all devices at once, as good as those of one
constrained search for each device. Three algorithms come to hypervolumes of 751.6, 722.0 and 758.3 in 100,000
evaluations. Its sequel, OFA^3, makes the best of such a front an ensemble.""",
        (
            Headline("OFA2", ("(a) nsga2",), "OFA²: the hypervolume of NSGA-II"),
            Headline("OFA2", ("(b)",), "OFA²: one search serves all devices"),
        ),
    ),
    "2005.05859": Paper(
        "Neural Architecture Transfer",
        """To adapt the supernet to a task along the networks that the search keeps finds better networks than to
fine-tune it before, most of all on small and fine-grained tasks.""",
        (Headline("NAT (a)", ("fine-tuned before",), "NAT: adapting beats fine-tuning before"),),
    ),
    "2203.04011": Paper(
        "Evolutionary Neural Cascade Search across Supernetworks",
        """Cascades of networks from the fronts of several supernets dominate every single network, and ensembles of
them; evolution finds better ones than greedy or random search does.""",
        (Headline("ENCAS (a)", ("best single",), "ENCAS: cascades beat single networks"),),
    ),
    "2306.04845": Paper(
        "Mixture-of-Supernets: Improving Weight-Sharing Supernet Training with Architecture-Routed Mixture-of-Experts",
        """Several sets of feed-forward weights, mixed for each sub-network by a router that reads its architecture, bring
what sub-networks reach with shared weights nearer to what they reach alone than HAT's single set does, and give a better
trade-off of quality and latency.""",
        (Headline("MoS (a)", ("Neuron-wise", "HAT's"), "MoS: experts shrink the gap to training alone"),),
    ),
    "2302.14772": Paper(
        "PA&DA: Jointly Sampling PAth and DAta for Consistent NAS",
        """To draw paths and training examples by the norms of their gradients lowers the variance of gradients while a
supernet trains, so that it ranks networks more reliably than with uniform paths, at hardly any cost.""",
        (Headline("PA&DA (a)", ("ranks cells",), "PA&DA: it ranks better than uniform paths"),),
    ),
    "2203.15207": Paper(
        "Generalizing Few-Shot NAS with Gradient Matching",
        """A supernet that is split in copies where the gradients of a choice's options disagree most ranks and chooses
networks better than one that is whole, or that is split at random or for each option of one choice.""",
        (Headline("GM (b)", ("split at random",), "Gradient matching: better than a random split"),),
    ),
    "2109.00642": Paper(
        "Searching for Efficient Multi-Stage Vision Transformers",
        """Spatial reductions with a skip make multi-stage Vision Transformers better (Section 3.2). A supernet that trains
many sub-networks in every pass, each on its own rows of the batch, has better ones than one that trains a single one a pass
(Section 3.3); evolution within a band of MACs finds networks above uniformly scaled ones: the tiny one is 8.6 points above
DeiT-Tiny.""",
        (
            Headline("ViT-ResNAS (a)", ("one a pass",), "ViT-ResNAS: many in one pass beat one a pass"),
            Headline("ViT-ResNAS (e)", ("skip",), "ViT-ResNAS: spatial reduction with a skip"),
        ),
    ),
    "2306.11982": Paper(
        "Balanced Mixture of SuperNets for Learning the CNN Pooling Architecture",
        """Where several copies of the weights are there, and configurations of pooling learn which copy they take, all copies
equally busy, a supernet ranks them better (Kendall's tau .14 with one copy, .53 with four), and the one that is selected
beats the default.""",
        (Headline("Figure 3", ("(b)",), "Balanced Mixture: four copies rank better than one (published)"),),
    ),
    "2307.08300": Paper(
        "ShiftNAS: Improving One-shot NAS via Probability Shift",
        """Operations that are drawn uniformly leave small and large sub-networks untrained. A cost is drawn first, a
generator gives a network of this cost, and probabilities move to costs whose validation loss still falls: networks are more
accurate than with uniform probabilities, mostly at the ends, and need no more training (Table 2, Figs 2, 4 and 5).""",
        (Headline("ShiftNAS (a)", ("uniform bins",), "ShiftNAS: better than uniform bins of cost"),),
    ),
    "2108.04392": Paper(
        "Rethinking Architecture Selection in Differentiable NAS",
        """The largest architecture parameter of an edge does not stand for its best operation (Fig 1), the less so the better
the supernet is (Fig 3). To keep the operation that the supernet misses most gives better cells from the same supernets, most
of all where alphas lead to skips or noise (Table 3).""",
        (Headline("DARTS-PT (b)", ("is a skip",), "DARTS-PT: perturbation beats magnitude"),),
    ),
    "2308.15609": Paper(
        "InstaTune: Instantaneous Neural Architecture Search During Fine-Tuning",
        """Slices of a pre-trained Transformer, trained beside it while it is fine-tuned, are a supernet, whose networks
have a quarter fewer MACs at no worse accuracy (Table 1). A strong teacher helps its sub-networks, and less so with more
steps (Table 2, Fig 3).""",
        (Headline("InstaTune (i)", ("sub-networks at half",), "InstaTune: a teacher helps sub-networks"),),
    ),
    "2201.12507": Paper(
        "Few-shot Task-agnostic Neural Architecture Search for Distilling Large Language Models",
        """A supernet for each of three sub-spaces of students of about the same size, which learn the relations between
tokens in the teacher's last layer, gives better students than one supernet for all (Table 5). That loss, measured on
texts without labels, picks students for any task (Section 3.3, Table 2).""",
        (Headline("AutoDistil (a)", ("fine-tuned",), "AutoDistil: three supernets beat one (points)"),),
    ),
    "2103.13253": Paper(
        "Learning Versatile Neural Architectures by Propagating Network Codes",
        """The gradient of a predictor with respect to a network's code leads from any network to better ones in seconds; the
gradients of several tasks, added up, lead to networks that are good at all of them.""",
        (
            Headline("NCP", ("random network to a better one", "nas-bench-201"), "NCP: the gradient improves a network"),
            Headline("NCP", ("two tasks",), "NCP: edited for two tasks at once"),
        ),
    ),
    "2108.01899": Paper(
        "Generic Neural Architecture Search via Regression",
        """How well the stages of a network learn synthetic signals, sines and dots, in 100 steps ranks networks better than
proxies without training do (Spearman's correlation .85 against .38 on NAS-Bench-101), without any label; the regression
task is found with 20 of them.""",
        (Headline("GenNAS (b)", ("best proxy",), "GenNAS: above the best proxy without training"),),
    ),
    "2103.13581": Paper(
        "EfficientTDNN: Efficient Architecture Search for Speaker Recognition",
        """A supernet of time-delay networks, trained in stages, has a network for every device: an evolutionary search by a
predictor finds it within any limit of latency or of MACs.""",
        (Headline("EfficientTDNN", ("within limits (points of EER)",), "EfficientTDNN: evolution beats random search"),),
    ),
    "2210.10209": Paper(
        "Exclusive Supermask Subnetwork Training for Continual Learning",
        """Tasks that come one after the other share a network of fixed weights, and each has a mask. Training the weights
that only a new mask has gains 8.3 points over masks alone, with masks of 2 to 10 % of the weights, and no task forgets
anything. A mask learns faster from that of the nearest task (KKT).""",
        (Headline("ExSSNeT (a)", ("than SupSup",), "ExSSNeT: above masks alone (points)"),),
    ),
    "2103.01495": Paper(
        "Task-Adaptive Neural Network Search with Meta-Contrastive Learning",
        """Encoders of data sets and of networks, which learn by contrast on a zoo of 14,000 trained networks, find a network
for a new data set. Fine-tuned, it is more accurate after fewer steps than networks that were searched for or pre-trained.""",
        (
            Headline("TANS (a)", ("found by their data set",), "TANS: networks are found by data set (points)"),
            Headline("TANS (d)", ("nearest data set",), "TANS: above the nearest data set's (points)"),
        ),
    ),
    "2107.00860": Paper(
        "Rapid Neural Architecture Search by Learning to Generate Graphs from Datasets",
        """A generator that has learnt from many data sets writes networks for a new one from its images, and a predictor says
which to train: more accurate than what searches find, in seconds in place of hours.""",
        (
            Headline("MetaD2A (c)", ("Another task's images",), "MetaD2A: its images matter (points)"),
            Headline("MetaD2A (e)", ("task-agnostic",), "MetaD2A: above the task-agnostic cell (points)"),
        ),
    ),
    "1911.13053": Paper(
        "Block-wisely Supervised Neural Architecture Search with Knowledge Distillation",
        """A supernet that is cut into blocks, each of which learns from a block of a teacher, ranks networks better than one
that is trained end to end along single paths (DNA); an exact search finds the best sum of ratings under a limit.""",
        (Headline("DNA (a)", ("SPOS in as many steps (",), "DNA: above SPOS (tau)"),),
    ),
    "2003.14058": Paper(
        "MTL-NAS: Task-Agnostic Neural Architecture Search towards General-Purpose Multi-Task Learning",
        """Two tasks have a network of a fixed shape each, and a search learns which layers see layers of the other one. If the
entropy of the gates is minimised, they can be rounded without training again, and the result is better than single tasks
and than NDDR, where layers of the same depth see each other.""",
        (
            Headline("MTL-NAS (a)", ("removes the gap",), "MTL-NAS: entropy removes the gap (%)"),
            Headline("MTL-NAS (d)", ("single tasks",), "MTL-NAS: better than single tasks (%)"),
        ),
    ),
    "2207.03677": Paper(
        "SuperTickets: Drawing Task-Agnostic Lottery Tickets from Supernets",
        """Units of a supernet are searched for and its weights pruned in one training: a share of masked weights that grows,
and weights that come back where a block loses units. Such tickets are more accurate than networks that are pruned after a
search, with and without retraining, and they transfer between tasks.""",
        (Headline("SuperTickets (a)", ("Without retraining, above",), "SuperTickets: above pruning after a search (points)"),),
    ),
    "2010.13501": Paper(
        "Hierarchical Neural Architecture Search for Deep Stereo Matching",
        """A search by gradients finds cells, and their path through levels of resolution, for both halves of a stereo network
at once, features and matching. The small networks that it finds (LEAStereo) are more exact than larger ones made by hand.""",
        (
            Headline("LEAStereo (a)", ("random ones of their size",), "LEAStereo: more exact than random networks (%)"),
            Headline("LEAStereo (b)", ("made by hand",), "LEAStereo: no worse than larger ones by hand (%)"),
        ),
    ),
    "2310.17025": Paper(
        "netFound: Foundation Model for Network Security",
        """A Transformer on bursts of packets, with tokens along the fields of protocols, learns from traffic without labels;
then it needs few labels, also if many of them are wrong, and uses shortcuts less.""",
        (
            Headline("netFound (b)", ("labels wrong", "ndpi"), "netFound: above scratch, wrong labels, real flows (points)"),
            Headline("netFound (d)", ("LightGBM", "ndpi"), "netFound: above LightGBM, real flows (points)"),
        ),
    ),
    "1801.02475": Paper(
        "Ensemble One-dimensional Convolution Neural Networks for Skeleton-based Action Recognition",
        """Four small networks over time, each with its own view of a skeleton (two streams, parts of the body, attention,
differences of frames), recognise actions better together than the best of them.""",
        (Headline("1-D ensembles (b)", ("four seeds", "jhmdb"), "1-D ensembles: views above seeds, real poses (points)"),),
    ),
    "2110.05842": Paper(
        "Across-Task Neural Architecture Search via Meta Learning",
        """A supernet that is meta-learned over many tasks, with a population of sub-networks that evolves meanwhile, adapts
to a new task in a few steps and with little search (AT-NAS). Only the abstract was at hand: a reconstruction is tested.""",
        (
            Headline("AT-NAS, a reconstruction (a)", ("median network",), "AT-NAS, reconstructed: above MAML (points)"),
            Headline("AT-NAS, a reconstruction (c)", ("no worse",), "AT-NAS, reconstructed: adapted or not (points)"),
        ),
    ),
    "2312.13301": Paper(
        "SimQ-NAS: Simultaneous Quantization Policy and Neural Architecture Search",
        """One search for architecture and bits finds networks up to 3.44 times smaller, and 4.80 times faster, than the
largest one in INT8, at no worse accuracy.""",
        (Headline("SimQ-NAS (a)", ("then bits",), "SimQ-NAS: joint beats one after the other"),),
    ),
    "1908.09791": Paper(
        "Once-for-All: Train One Network and Specialize it for Efficient Deployment",
        """Sub-networks of one trained supernet are accurate without training of their own. Statistics of batch
normalisation are computed anew for each of them, and channels are sorted by importance before widths shrink (Section
3.3).""",
        (Headline("BN calibration", ("Sub-networks need",), "OFA: sub-networks need their own statistics"),),
    ),
}

"""Why we find something else than a paper: what the notebooks say after their runs, in a sentence or two for each such claim.

A reason is what a control, another arm or a second look shows. Where it is a guess, it says so.
"""

REASONS = {  # by a claim's paper and item
    ("1911.13053", "DNA (d)"): (
        "At this size a block of all layers can be trained, too: 4,096 paths in 450 steps rank no worse than three "
        "blocks. The truth is noisy: halves of its trainings agree with a tau of .32."
    ),
    ("1911.13053", "DNA (g)"): (
        "The stand-in is not the paper's code, which is not public; it needs two views and an averaged twin, and has "
        "as many passes of students, which may be too few."
    ),
    ("2003.14058", "MTL-NAS (e)"): (
        "All arms are far from having learnt all that they can, so twice the steps for single tasks are worth more "
        "than any fusion."
    ),
    ("2003.14058", "MTL-NAS (g)"): (
        "A search makes twice the passes; NDDR with as many trains longer, and no arm has learnt all that it can."
    ),
    ("2003.14058", "MTL-NAS (h)"): (
        "Which layers see each other hardly matters here: random gates, all gates and NDDR are as good. Gates seem to "
        "be decided by the first batches, before fusions have learnt to see anything."
    ),
    ("2005.05859", "NAT (a)"): (
        "On equal images a supernet that is trained first has all its steps before it is searched, NAT only some of "
        "them before each search; 1,300 steps are few beside the paper's 30 iterations of 5 epochs."
    ),
    ("2005.05859", "NAT (b)"): (
        "The same network gets as many steps alone as the whole supernet, which favours it; the paper's other "
        "networks were tuned by schedules of their own."
    ),
    ("2005.05859", "NAT (c)"): (
        "With 30 of 150 networks in the archive, its frequencies draw paths that are not far from uniform ones."
    ),
    ("2103.01495", "TANS (d)"): (
        "Tasks that look alike want much the same network here, and rankings of networks are measured with a "
        "reliability of .29 only, so that there is little to retrieve beyond the nearest data set."
    ),
    ("2103.01495", "TANS (f)"): (
        "Pre-trained weights alone save nearly as many steps (40 %), and a random network of the zoo 36 %."
    ),
    ("2103.13253", "NCP"): (
        "Half of a small table is enough for random search to come near its front, so that little is left to edit; on "
        "NAS-Bench-201 twenty seeds see no difference."
    ),
    ("2107.00860", "MetaD2A (e)"): (
        "Unseen tasks have the cues of known ones, so that one compromise is good for most of them; if two cells are "
        "trained, MetaD2A is ahead."
    ),
    ("2108.04392", "DARTS-PT (a)"): (
        "The failure that PT mends is absent at this size: alphas pick convolutions on all edges from every supernet "
        "on S4, and so does PT."
    ),
    ("2108.04392", "DARTS-PT (c)"): (
        "An operation without which little is lost may still be the better one of an edge, and alphas are not wrong "
        "here, as the failure of magnitude is absent at this size."
    ),
    ("2108.04392", "DARTS-PT (d)"): (
        "The gap is measured along one search, where alphas part less as accuracy grows; the paper compares supernets."
    ),
    ("2110.05842", "AT-NAS, a reconstruction (a)"): (
        "Its networks are larger than the median one, and size alone gains more (12.7 points)."
    ),
    ("2110.05842", "AT-NAS, a reconstruction (b)"): (
        "The largest network has 2.4 times the MACs, and all iterations for itself, which the supernet's networks share."
    ),
    ("2110.05842", "AT-NAS, a reconstruction (f)"): "Few steps are MAML's merit: it has the same ratio without any search.",
    ("2201.12507", "AutoDistil (a)"): (
        "As many steps in all are a third for each of three supernets, and none of them has learnt all that it can; "
        "the paper trains each for as many epochs."
    ),
    ("2201.12507", "AutoDistil (b)"): (
        "MACs alone rank students better (.58): with ten labelled pieces a class, size decides more than what a "
        "student has learnt of the teacher."
    ),
    ("2202.12954", "Fig 9"): (
        "On these tables the optimal front is that of 100,000 evaluations, of which five populations of 50 are a "
        "small part; the paper's space of accuracies may be flatter, which is a guess."
    ),
    ("2202.12954", "Figs 5, 6"): (
        "Two runtimes and two numbers of threads of one machine rank networks much alike, unlike a server and a GPU; "
        "what is lost is no more than two seeds of one search differ."
    ),
    ("2202.12954", "Section 4.4"): (
        "The control, a warm start by MACs, helps as much by 1,000 evaluations: any good start does by then."
    ),
    ("2202.12954", "Section 5.2"): (
        "The search starts from the best of the other hardware, and even 10,000 evaluations from scratch do not reach "
        "all of what these have; the paper's curves meet to the eye."
    ),
    ("2203.15207", "GM (d)"): (
        "Gradients hardly disagree in one cell of 16 channels (distances of .09 at most), so that there is little to "
        "part; MACs alone rank better than any split."
    ),
    ("2207.03677", "SuperTickets (c)"): (
        "A search in half of the steps drops fewer units, so that retrained networks have a fifth to a quarter more "
        "weights; at as many weights both are close."
    ),
    ("2207.03677", "SuperTickets (d)"): (
        "In 250 steps pruning at once has nearly all of them to train a sparse network; progress comes to 95 % after "
        "seven tenths."
    ),
    ("2210.10209", "ExSSNeT (f)"): (
        "New scores are already the best start (96.8 % after 15 steps), and a mask for other digits is no help, not "
        "even that of the related task."
    ),
    ("2210.10209", "ExSSNeT (g)"): (
        "Neighbours tell five digits apart almost equally well by the features of any network, so that tasks are too "
        "much alike for a choice."
    ),
    ("2302.14772", "PA&DA (c)"): (
        "Weighted as theory asks, its probabilities make the variance larger, since they are far from those that "
        "minimise it; the method does not weight its steps."
    ),
    ("2303.13683", "OFA2"): (
        "Our search proposes no network twice, where theirs measures many twice, and its random numbers are others; "
        "with their own program and versions 750.7 comes out."
    ),
    ("2303.13683", "OFA^3"): (
        "The least latency of an ensemble is that of several networks, where curves of the authors go on far above "
        "the dearest single one; and networks of one small supernet err much alike, which is a guess."
    ),
    ("2306.04845", "MoS (a)"): (
        "A fixed input of the router gives the same: what is seen is that of the parameters. Gaps at this size are "
        "small beside their scatter over seeds."
    ),
    ("2306.11982", "BM (c)"): (
        "Configurations of pooling do not seem to disagree at 8x8 pixels, so that there is nothing to part; each of "
        "four copies has a quarter of the steps."
    ),
    ("2306.11982", "BM (d)"): (
        "One copy ranks no worse after a quarter of the steps (.38), so training is not what is missing."
    ),
    ("2306.11982", "BM (e)"): (
        "MACs rank the authors' own networks with .50, too; here they have .43, and the truth allows .54 at most."
    ),
    ("2307.08300", "ShiftNAS (e)"): (
        "A thousand steps are shared by all networks, while each alone has as many for itself; the paper trains for "
        "hundreds of epochs."
    ),
    ("2310.17025", "netFound (d)"): (
        "Sizes and times of packets tell these classes apart, which trees learn from 50 labels a class; the paper's "
        "network is a thousand times larger and has seen a campus."
    ),
    ("2310.17025", "netFound (e)"): (
        "As with right labels: statistics of flows are enough, and trees average wrong labels away."
    ),
    ("2312.13301", "SimQ-NAS (b)"): (
        "In 100 evaluations no search found a network that is as good on validation images as the largest one with 8 "
        "bits; architectures alone at 8 bits found smaller ones."
    ),
    ("2010.13501", "LEAStereo (d)"): (
        "What random networks lose is mostly the level of their features; plain convolutions at level 0, without a "
        "search, gain as much."
    ),
}

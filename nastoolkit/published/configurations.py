"""Sub-networks as other code writes them, turned into our genotypes.

It reads the lists and ``net.config`` of Once-for-All, NSGANetV2 and NAT, HAT's YAML, DyNAS-T's dictionaries, and our cards.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020.
[Wang2020] H. Wang et al., "HAT: Hardware-Aware Transformers for Efficient Natural Language Processing", ACL 2020.

Sources of the formats: https://github.com/mit-han-lab/once-for-all, ``set_active_subnet`` and ``config``;
https://github.com/mikelzc1990/nsganetv2 and https://github.com/human-analysis/neural-architecture-transfer, ``net.subnet`` and
``net.config``; https://github.com/mit-han-lab/hardware-aware-transformers, ``configs``; https://github.com/IntelLabs/DyNAS-T.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from nastoolkit.blocks import make_divisible
from nastoolkit.families import Family
from nastoolkit.space import SearchSpace

BLOCK = re.compile(r"stage(\d+)\.block(\d+)\.expand")
HAT_NAME = re.compile(r"((?:en|de)coder_\w+)_subtransformer")
DEEPEST = 9
RESOLUTION = 224  # of Once-for-All's networks, if they name none
RESOLUTION_NAMES = ("r", "resolution", "image_size")
HAT_NAMES = {
    "embed_dim": "embed_dim",
    "layer_num": "layers",
    "ffn_embed_dim": "ffn",
    "self_attention_heads": "heads",
    "ende_attention_heads": "cross_heads",
    "arbitrary_ende_attn": "cross_attention",
}
ENCODER_NAMES = {"num_attention_heads": "heads", "intermediate_sizes": "ffn"}
DAMAGE = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError, yaml.YAMLError)

Place = tuple[int, int]  # of a block: its stage and its number there, from 1


def read_configuration(family: Family, source: str | Path | Mapping[str, Any], resolution: int | None = None) -> np.ndarray:
    """The genotype ``(d,)`` of a sub-network as other code writes it.

    Args:
        family: Family of the network.
        source: A file of JSON or YAML, or what such a file holds: lists ``ks``, ``e``, ``d`` (and ``w``) of all blocks or only
            of those that the depths keep; a ``net.config``; HAT's names; DyNAS-T's; options by the names of choices; or a card
            that ``nastoolkit export`` wrote.
        resolution: Height and width of the inputs, in pixels; by default the configuration's, or 224 if it has none.

    Raises:
        ValueError: The source is none of these, or not a network of the family.
        OSError: The file cannot be read.
    """
    config = source if isinstance(source, Mapping) else _content(Path(source))
    named = "the configuration" if isinstance(source, Mapping) else str(source)
    try:
        return family.space.encode(_options(family, config, resolution))
    except DAMAGE as error:
        reason = error if isinstance(error, ValueError) else f"it is in no form that is known: {error!r}"
        raise ValueError(f"{named} is not a network of {family.name!r}: {reason}") from error


def _content(path: Path) -> Any:
    try:
        text = path.read_text()
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            _refuse_depths(text)
            return yaml.load(text, yaml.SafeLoader)
    except DAMAGE as error:
        raise ValueError(f"{path} is neither JSON nor YAML: {error}") from error


def _refuse_depths(text: str) -> None:
    """Raise ValueError for YAML nested deeper than any configuration, because thousands of levels take the parser seconds."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"it nests deeper than {DEEPEST} times")


def _options(family: Family, config: Mapping[str, Any], resolution: int | None) -> dict[str, Any]:
    """Options by the names of choices."""
    if isinstance(config.get("config"), Mapping):
        config = config["config"]
    space = family.space
    if "options" in config:
        found = dict(config["options"])
    elif "blocks" in config or "d" in config:
        found = _once_for_all(family, config)
    elif "num_layers" in config:
        found = {"layers": config["num_layers"], **_by_layer("", {ours: config[name] for name, ours in ENCODER_NAMES.items()})}
    elif hat := _hat(config):
        found = hat
    else:
        found = {name: option for name, option in config.items() if name not in RESOLUTION_NAMES}
    return found | ({"resolution": _resolution(space, {**config, **found}, resolution)} if "resolution" in space.names else {})


def _resolution(space: SearchSpace, config: Mapping[str, Any], wanted: int | None) -> Any:
    options = next(choice.options for choice in space.choices if choice.name == "resolution")
    named = [config[name] for name in RESOLUTION_NAMES if config.get(name) is not None]
    default = RESOLUTION if RESOLUTION in options else max(options)
    found = wanted if wanted is not None else (named or [default])[0]
    (found,) = found if isinstance(found, Sequence) else (found,)
    if found not in options:
        raise ValueError(f"its resolution {found} is none of {options}; name another one")
    return found


def _once_for_all(family: Family, config: Mapping[str, Any]) -> dict[str, Any]:
    table = family.table
    if hasattr(table, "widths"):
        lists = _resnet_lists(table, config) if "blocks" in config else config
        return _resnet_options(family.space, table, lists["d"], lists["e"], lists["w"])
    lists = _mobile_lists(config) if "blocks" in config else config
    widths = [lists[name] for name in ("w", "wid", "width") if isinstance(lists.get(name), int | float)]
    if any(width != table.width for width in widths):
        raise ValueError(f"its width is {widths[0]}, the family's {table.width}")
    options = mobile_options(family.space, lists["ks"], lists["e"], lists["d"])
    if "channels" in lists and lists["channels"] != (ours := _channels(family, options)):
        raise ValueError(f"its blocks have {lists['channels']} channels, not {ours}")
    return options


def encode(
    space: SearchSpace, kernels: Sequence[int], expands: Sequence[int], depths: Sequence[int], resolution: int
) -> np.ndarray:
    """A genotype ``(d,)`` of a mobile family from Once-for-All's lists ``ks``, ``e``, ``d`` and ``r``.

    Args:
        space: The family's: that of ``ofa-mbv3-w1.0``, ``ofa-mbv3-w1.2``, ``ofa-proxyless-w1.3`` or a smaller one.
        kernels: Kernels of all blocks (those that the depths leave out do not matter), or only of the blocks that are kept.
        expands: Expansions of the same blocks.
        depths: Numbers of blocks in the stages. A last stage that always has one block may be left out, here and in the
            lists: its block is then the largest, as in a supernet that was just loaded.
        resolution: Height and width of the inputs, in pixels.

    Raises:
        ValueError: Lists have the wrong length, or an option does not exist.
    """
    return space.encode({**mobile_options(space, kernels, expands, depths), "resolution": resolution})


def mobile_options(space: SearchSpace, kernels: Any, expands: Any, depths: Any) -> dict[str, Any]:
    """Options of all choices except the resolution; see :func:`encode`."""
    stages = _stages(space)
    elastic = [stage for stage in stages if len(_options_of(space, f"stage{stage}.depth")) > 1]
    given = _listed(depths, len(stages))
    known = dict(zip(stages if len(given) == len(stages) else elastic, given, strict=False))
    if len(given) not in (len(stages), len(elastic)):
        raise ValueError(f"it has depths of {len(given)} stages, not of {len(stages)}")
    live = {stage: known.get(stage, n_blocks) for stage, n_blocks in stages.items()}
    options = {f"stage{stage}.depth": depth for stage, depth in live.items()}
    kernels, expands = _without_first(kernels, expands)
    for name, values in (("kernel", kernels), ("expand", expands)):
        options |= _by_block(space, name, values, _layouts(stages, live, elastic, len(given) == len(stages)))
    return options


def _without_first(kernels: Any, expands: Any) -> tuple[Any, Any]:
    """The lists without the first block, which is fixed and does not expand, if they include it."""
    has_first = isinstance(expands, Sequence) and len(expands) > 0 and expands[0] == 1
    return (kernels[1:], expands[1:]) if has_first else (kernels, expands)


def _layouts(stages: Mapping[int, int], live: Mapping[int, int], elastic: Iterable[int], all_named: bool) -> list[list[Place]]:
    """The blocks that a list may describe, likelier ones first: all or the live ones, with or without a fixed last stage."""
    every = [(stage, block) for stage, n_blocks in stages.items() for block in range(1, n_blocks + 1)]
    alive = [(stage, block) for stage, block in every if block <= live[stage]]
    inner = [[place for place in places if place[0] in elastic] for places in (every, alive)]
    return [every, alive, *inner] if all_named else [every, *inner, alive]


def _by_block(space: SearchSpace, name: str, values: Any, layouts: list[list[Place]]) -> dict[str, Any]:
    """Options of one kind for the blocks; the largest option for a block that the list does not name."""
    values = _listed(values, len(layouts[0]))
    fitting = [places for places in layouts if len(places) == len(values)]
    if not fitting:
        lengths = sorted({len(places) for places in layouts}, reverse=True)
        raise ValueError(f"it has a list {name!r} of {len(values)} blocks, not of {' or '.join(map(str, lengths))}")
    names = {place: f"stage{place[0]}.block{place[1]}.{name}" for place in layouts[0]}
    largest = {choice: max(_options_of(space, choice)) for place, choice in names.items() if place not in fitting[0]}
    return largest | {names[place]: value for place, value in zip(fitting[0], values, strict=True)}


def _listed(values: Any, n: int) -> list[Any]:
    """A list; a single number stands for all blocks, as in Once-for-All."""
    return [values] * n if isinstance(values, int | float) else list(values)


def _stages(space: SearchSpace) -> dict[int, int]:
    """Largest number of blocks of each stage."""
    found = [match for name in space.names if (match := BLOCK.fullmatch(name))]
    if not found:
        raise ValueError("it has stages of blocks, and the family has none")
    return {int(match[1]): int(match[2]) for match in found}


def _options_of(space: SearchSpace, name: str) -> tuple[Any, ...]:
    return space.choices[space.names.index(name)].options


def _mobile_lists(config: Mapping[str, Any]) -> dict[str, Any]:
    """Once-for-All's lists of the blocks of a ``net.config``, and their channels; a stage begins where channels change."""
    layers = [block.get("mobile_inverted_conv") or block["conv"] for block in config["blocks"]][1:]
    starts = [number for number, layer in enumerate(layers) if layer["in_channels"] != layer["out_channels"]]
    ratios = [layer["expand_ratio"] or round(layer["mid_channels"] / layer["in_channels"]) for layer in layers]
    kernels = [layer["kernel_size"] for layer in layers]
    channels = [layer["out_channels"] for layer in layers]
    resolution = {name: config[name] for name in RESOLUTION_NAMES if name in config}
    return {"ks": kernels, "e": ratios, "d": np.diff([*starts, len(layers)]).tolist(), "channels": channels, **resolution}


def _channels(family: Family, options: Mapping[str, Any]) -> list[int]:
    """Output channels of all blocks of the stages."""
    sizes = {"resolution": family.space.decode(family.space.smallest)["resolution"]}
    plan = family.plan(family.space.encode({**options, **sizes}))
    return [spec.out_channels for name, spec in plan if name.startswith("stage")]  # type: ignore[attr-defined]


def _resnet_options(space: SearchSpace, table: Any, depths: Any, expands: Any, widths: Any) -> dict[str, Any]:
    """Options of Once-for-All's ResNet50: the stem comes first in depths, and twice in widths, which are indices."""
    stages = _stages(space)
    stem, *depths = _listed(depths, len(stages) + 1)
    live = {stage: row.n_blocks + depth for stage, row, depth in zip(stages, table.stages, depths, strict=True)}
    scales = [width if isinstance(width, float) else table.widths[width] for width in _listed(widths, len(stages) + 2)]
    names = ["stem.mid_width", "stem.width", *(f"stage{stage}.width" for stage in stages)]
    options = {"stem.depth": stem if stem == max(table.stem_depths) else min(table.stem_depths)}
    options |= {f"stage{stage}.depth": depth for stage, depth in zip(stages, depths, strict=True)}
    options |= dict(zip(names, scales, strict=True))
    return options | _by_block(space, "expand", expands, _layouts(stages, live, stages, all_named=True))


def _resnet_lists(table: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    """Once-for-All's lists of a ResNet's ``net.config``; a stage begins where channels change."""
    blocks, stem = config["blocks"], config["input_stem"]
    starts = [number for number, block in enumerate(blocks) if block["in_channels"] != block["out_channels"]]
    depths = np.diff([*starts, len(blocks)]) - [stage.n_blocks for stage in table.stages]
    channels = [stem[0]["out_channels"], stem[-1]["out_channels"], *(blocks[start]["out_channels"] for start in starts)]
    bases = [*table.stem, *(stage.channels for stage in table.stages)]
    widths = [_width(table, base, found) for base, found in zip(bases, channels, strict=True)]
    stem_depth = max(table.stem_depths) if len(stem) > 2 else min(table.stem_depths)
    return {"d": [stem_depth, *depths.tolist()], "e": [block["expand_ratio"] for block in blocks], "w": widths}


def _width(table: Any, base: int, channels: int) -> int:
    """Index of the multiplier that gives this number of channels."""
    made = [make_divisible(base * width) for width in table.widths]
    if channels not in made:
        raise ValueError(f"it has {channels} channels, where the family has one of {made}")
    return made.index(channels)


def _hat(config: Mapping[str, Any]) -> dict[str, Any]:
    """Options by HAT's names, which end in ``-subtransformer`` in its YAML, and are grouped by encoder and decoder in its
    search.
    """
    flat = {str(name).replace("-", "_"): value for name, value in config.items()}
    named = {match[1]: value for name, value in flat.items() if (match := HAT_NAME.fullmatch(name))}
    for side in ("encoder", "decoder"):
        named |= flat[side] if isinstance(flat.get(side), Mapping) else {}
    options: dict[str, Any] = {}
    for name, value in named.items():
        side, _, rest = name.removesuffix("_all").partition("_")
        ours = HAT_NAMES[rest]
        ours = "self_heads" if (side, ours) == ("decoder", "heads") else ours
        options |= _by_layer(f"{side}.", {ours: value}) if isinstance(value, Sequence) else {f"{side}.{ours}": value}
    return options


def _by_layer(side: str, lists: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    return {f"{side}layer{n}.{name}": value for name, values in lists.items() for n, value in enumerate(values, start=1)}

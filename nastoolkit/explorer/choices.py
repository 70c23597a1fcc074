"""Controls for every choice of a space: a slider if others depend on it or it has many options, else buttons."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import ipywidgets as widgets

from nastoolkit.explorer.model import Model
from nastoolkit.space import SearchSpace

MOST_BUTTONS = 5
ALL_OPEN = 24  # choices; in a larger space only the first group is open
Group = dict[str, list[int]]


def groups_of(space: SearchSpace) -> dict[str, Group]:
    """Genes by group, and by row within it: ``stage1.block2.kernel`` is in group ``stage1``, row ``block2``.

    Names of two parts are in the group of their first part, if names of three parts created it; the others, like names of one
    part, are in the group ``network``.
    """
    places = [choice.place for choice in space.choices]
    known = {place.partition(".")[0] for place in places if "." in place}
    groups: dict[str, Group] = defaultdict(lambda: defaultdict(list))
    for gene, place in enumerate(places):
        group, _, row = place.partition(".") if place.partition(".")[0] in known else ("network", "", place)
        groups[group][row].append(gene)
    return {group: dict(rows) for group, rows in groups.items()}


class Choices(widgets.VBox):
    """The controls. They follow the model, and the model follows them; choices that do not matter are disabled."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.controls = [self._control(gene) for gene in range(model.space.n_genes)]
        groups = groups_of(model.space)
        is_open = [model.space.n_genes <= ALL_OPEN or number == 0 for number in range(len(groups))]
        sections = [self._section(name, rows, shown) for (name, rows), shown in zip(groups.items(), is_open, strict=True)]
        super().__init__(sections)
        self.add_class("explorer-choices")
        self.follow()
        model.observe(lambda _: self.follow(), "genotype")

    def _control(self, gene: int) -> Any:
        choice, allowed = self.model.space.choices[gene], self.model.space.allowed[gene]
        options = [(str(choice.options[index]), index) for index in allowed]
        wakes = any(other.when is not None and other.when[0] == choice.name for other in self.model.space.choices)
        slides = len(options) > 1 and (wakes or len(options) > MOST_BUTTONS)
        kind = widgets.SelectionSlider if slides else widgets.ToggleButtons
        control = kind(options=options, description=choice.kind, tooltip=choice.name)
        control.style = {"description_width": "auto"} if slides else {"button_width": "auto", "description_width": "auto"}
        control.add_class("explorer-choice").add_class(f"explorer-choice-{choice.name.replace('.', '-')}")
        control.observe(lambda change: self.model.choose(gene, change["new"]), "value")
        return control

    def _section(self, name: str, rows: Group, is_open: bool) -> widgets.Accordion:
        lines = [self._row(row, [self.controls[gene] for gene in genes]) for row, genes in rows.items()]
        section = widgets.Accordion([widgets.VBox(lines)], titles=(name,), selected_index=0 if is_open else None)
        return section.add_class("explorer-group")

    def _row(self, name: str, controls: list[Any]) -> widgets.HBox:
        label = [widgets.Label(name).add_class("explorer-row-name")] if name else []
        return widgets.HBox([*label, *controls]).add_class("explorer-row")

    def follow(self) -> None:
        """Show the model's sub-network. A control that does not matter, or offers only a twin, keeps its value."""
        genotype, allowed = self.model.genotype, self.model.space.allowed
        for gene, (control, alive) in enumerate(zip(self.controls, self.model.space.alive(genotype), strict=True)):
            control.disabled = not alive
            if alive and genotype[gene] in allowed[gene]:
                control.value = int(genotype[gene])

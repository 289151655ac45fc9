"""Which layers share a box: a convolution, its normalisation and its activation."""

from __future__ import annotations

from archdsl.ir.fold import Flat
from archdsl.ir.network import Repeat, Stage
from archdsl.ir.unchecked import Unchecked
from archdsl.ops.record import Look, Site

# So many operations at most are written in one box.
MAX_FUSED = 6

SMALL = frozenset(("normalisation", "activation", "regularisation"))
LEADS = frozenset(("convolution", "linear", "merge"))


def units(flat: Flat) -> list[list[int]]:
    """Which nodes share a box: a layer and the small ones before or after it."""
    uses = [0] * len(flat.nodes)
    for sources in (*flat.sources, flat.outputs):
        for source in sources:
            if source >= 0:
                uses[source] += 1
    # A tensor that takes no input has a box of its own.
    looks: list[Look | None] = [
        look_of(node.target)
        if isinstance(node, Stage) and isinstance(node.target, Site) and node.inputs
        else None
        for node in flat.nodes
    ]
    before = _acts_first(looks)
    units: list[list[int]] = []
    unit_of: list[list[int]] = []
    for at, look in enumerate(looks):
        sources = flat.sources[at]
        unit = [at]
        if look is not None and len(sources) == 1 and sources[0] >= 0:
            source = sources[0]
            known = unit_of[source]
            begun = looks[known[0]]
            alone = uses[source] == 1 and len(known) < MAX_FUSED
            alone = alone and (at in flat.training) == (source in flat.training)
            alone = alone and _is_known(flat.nodes[at]) == _is_known(flat.nodes[source])
            if look in SMALL:
                joins = begun in SMALL and looks[known[-1]] in SMALL
                joins = joins or (begun in LEADS and not (before and begun != "merge"))
                joins = joins or (begun == "pooling" and look == "activation")
            else:
                joins = before and look in LEADS and looks[known[-1]] in SMALL
                joins = joins and begun in SMALL
            if alone and joins:
                known.append(at)
                unit = known
        if unit[0] == at:
            units.append(unit)
        unit_of.append(unit)
    return units


def look_of(site: Site) -> Look | None:
    """What kind of operation a layer is; None for one that is wrong, which is alone."""
    if isinstance(site, Unchecked):
        return site.look if site.fault is None else None
    return site.layer.look


def _is_known(node: Stage | Repeat) -> bool:
    return isinstance(node, Repeat) or not isinstance(node.target, Unchecked)


def _acts_first(looks: list[Look | None]) -> bool:
    """Whether a body normalises and activates before it convolves."""
    for at, look in enumerate(looks):
        if look not in SMALL:
            return look in LEADS and look != "merge" and "activation" in looks[:at]
    return False

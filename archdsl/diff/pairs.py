"""Which nets of two specs belong together."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.diff.content import Contents
from archdsl.ir.network import Network
from archdsl.ir.outline import Outline


def pairs(
    old: Mapping[str, Network], new: Mapping[str, Network]
) -> list[tuple[Network | None, Network | None]]:
    """The nets of both, in the order of the new ones; None stands for none.

    Nets of one name belong together. Of the others those with the same content do,
    and then, if there is one of each left, these two.
    """
    gone = {name: net for name, net in old.items() if name not in new}
    fresh = {name: net for name, net in new.items() if name not in old}
    before: dict[str, Network] = {}
    contents = Contents()
    bodies: dict[int, list[str]] = {}
    for name, net in gone.items():
        bodies.setdefault(contents.body(net.root, Outline(net)), []).append(name)
    for name, net in fresh.items():
        same = bodies.get(contents.body(net.root, Outline(net)))
        if same:
            before[name] = gone.pop(same.pop(0))
    left = [name for name in fresh if name not in before]
    if len(left) == len(gone) == 1:
        before[left[0]] = gone.pop(next(iter(gone)))
    found: list[tuple[Network | None, Network | None]] = [
        (old.get(name) or before.get(name), net) for name, net in new.items()
    ]
    return found + [(net, None) for net in gone.values()]

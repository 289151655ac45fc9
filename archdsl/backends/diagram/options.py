"""What a picture shows and how far it is opened, for every format alike."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Shown: TypeAlias = Literal["shapes", "params", "macs"]
Order: TypeAlias = Literal["chw", "hwc"]
Direction: TypeAlias = Literal["TB", "LR"]

SHOWN: tuple[Shown, ...] = ("shapes", "params", "macs")
ORDERS: tuple[Order, ...] = ("chw", "hwc")
DIRECTIONS: tuple[Direction, ...] = ("TB", "LR")


class Options(NamedTuple):
    """How a network is drawn.

    Blocks and labelled groups nested deeper than `depth` are one closed box; 0 closes
    those of the net itself. Without a depth the built-in picture closes what a slide
    has no room for, and other formats nothing. `expand` are paths as in the
    `state_dict` (`layer1.0`) of blocks that are opened although they would be closed,
    and so are those around them; copies that are drawn as one are opened together.
    Without `fold` every copy is drawn. `show` is what boxes and edges tell. With
    `order` "hwc" the channels of maps and volumes come last, where it is known which
    axis they are; vectors and sequences stay as they are.
    """

    depth: int | None = None
    expand: tuple[str, ...] = ()
    fold: bool = True
    show: tuple[Shown, ...] = ("shapes", "params")
    order: Order = "chw"


DEFAULT = Options()


class PlanError(ValueError):
    """A picture that cannot be drawn as asked; the text is for people."""

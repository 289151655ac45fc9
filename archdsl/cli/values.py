"""What single arguments of a command are: text to value, or what is wrong with it."""

from __future__ import annotations

import argparse

# What a picture may tell.
SHOWN = ("shapes", "params", "macs")


def whole(text: str) -> int:
    """A number of samples."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 0 < number < 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 1 or more")
    return number


def level(text: str) -> int:
    """How deep blocks are nested."""
    number = int(text)
    if number < 0:
        raise ValueError
    return number


level.__name__ = "whole number of 0 or more"


def inches(text: str) -> float:
    """The width of a picture."""
    number = float(text)
    if not 0.1 <= number <= 200:
        raise ValueError
    return number


inches.__name__ = "number of inches from 0.1 to 200"


def shown(text: str) -> tuple[str, ...]:
    """What a picture tells, in one order."""
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if word not in SHOWN:
            raise argparse.ArgumentTypeError(
                f"{word!r} is none of {', '.join(SHOWN)} (with commas between)"
            )
    return tuple(word for word in SHOWN if word in words)


def tolerance(text: str) -> float:
    """A tolerance."""
    number = float(text)
    if not 0 <= number < float("inf"):
        raise ValueError
    return number


tolerance.__name__ = "number of 0 or more"


def seed(text: str) -> int:
    """What PyTorch's generators take."""
    number = int(text)
    if not 0 <= number < 2**63:
        raise ValueError
    return number


seed.__name__ = "whole number of 0 or more"

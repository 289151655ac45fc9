"""Entries of a table."""

from torch import Tensor


def look_up(table: Tensor, places: Tensor) -> Tensor:
    """The entries of `table`, which has a batch of one, at each of the places."""
    return table[0][places]

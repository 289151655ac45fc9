"""What is drawn with: small choices, and the shapes that they act on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

from archdsl.shapes.tensor import AXES
from archdsl.tuples import NamedTuple

T = TypeVar("T")

# A size is a number, or a name for one that is not known. Two sizes that are not known
# are equal if and only if they have the same name.
Size: TypeAlias = int | str

# Where a shape may not be known the rules ask for as much as they need; no rule needs
# more than so many.
ENOUGH = 6


class Drawing:
    """Reads choices from bytes, and nothing else decides.

    Zero is the simplest choice everywhere, and there are zeros without end behind the
    bytes: what is written from fewer of them, or smaller ones, is simpler.
    """

    def __init__(self, tape: bytes) -> None:
        self._tape = tape
        self._at = 0

    def whole(self, least: int, most: int) -> int:
        """A number from `least` to `most`."""
        if least >= most:
            return least
        at = self._at
        self._at = at + 1
        return least + (self._tape[at] if at < len(self._tape) else 0) % (
            most - least + 1
        )

    def pick(self, options: Sequence[T]) -> T:
        """One of several."""
        return options[self.whole(0, len(options) - 1)]

    def chance(self, of: int) -> bool:
        """True once in so many times."""
        return self.whole(0, of - 1) == of - 1


class Value(NamedTuple):
    """What flows: the sizes without the batch, and what it holds."""

    sizes: tuple[Size, ...]
    dtype: str = "float"

    @property
    def rank(self) -> int:
        return len(self.sizes)

    @property
    def known(self) -> bool:
        """Whether all sizes are numbers."""
        return all(isinstance(size, int) for size in self.sizes)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The sizes, which are all known."""
        return tuple(size for size in self.sizes if isinstance(size, int))

    @property
    def elements(self) -> int:
        """How many numbers there are; of sizes that are not known, a guess."""
        total = 1
        for size in self.sizes:
            total *= at_least(size)
        return total

    def replaced(self, axis: int, size: Size) -> Value:
        """With another size along an axis."""
        sizes = list(self.sizes)
        sizes[axis] = size
        return self._replace(sizes=tuple(sizes))

    def without(self, *axes: int) -> Value:
        """Without some axes."""
        kept = (s for at, s in enumerate(self.sizes) if at not in axes)
        return self._replace(sizes=tuple(kept))

    def names(self, axis: int) -> list[str]:
        """What an axis is called."""
        return [name for name, at in AXES[self.rank].items() if at == axis]


def at_least(size: Size) -> int:
    """What a size can be counted on to be."""
    return size if isinstance(size, int) else ENOUGH


def divisors(number: int, most: int = 8) -> list[int]:
    """The numbers up to `most` that divide a number."""
    return [d for d in range(1, min(number, most) + 1) if number % d == 0]


def text_of(sizes: Sequence[Size]) -> str:
    """Sizes as a shape is written."""
    return "x".join(map(str, sizes))

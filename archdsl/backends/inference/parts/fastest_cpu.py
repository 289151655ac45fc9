"""Which of several ways is taken on a CPU."""

from collections.abc import Callable
from time import perf_counter


def fastest(ways: list[Callable[[], object]]) -> int:
    """Which of them takes the least time: the least of some calls in turn.

    The last one gets a quarter off: its weights are laid out for it, which counts for
    more amid other layers than here, where all weights are in the cache.
    """
    least = [float("inf")] * len(ways)
    for _ in range(5):
        for at, way in enumerate(ways):
            begin = perf_counter()
            way()
            least[at] = min(least[at], perf_counter() - begin)
    least[-1] *= 0.75
    return least.index(min(least))

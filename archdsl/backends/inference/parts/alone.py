"""Computing on one thread where others would not help."""

import ctypes
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from archdsl.backends.inference.parts.fastest_cpu import fastest


class Alone:
    """A way to compute, on the calling thread alone."""

    def __init__(self, way: Callable[..., Tensor]) -> None:
        self.way = way

    def __call__(self, *given: Tensor | None) -> Tensor:
        set_threads = thread_setter()
        if set_threads is None:
            return self.way(*given)
        threads = torch.get_num_threads()
        set_threads(1)
        try:
            return self.way(*given)
        finally:
            set_threads(threads)


def alone_if_faster(
    way: Callable[..., Tensor], *given: Tensor | None
) -> Callable[..., Tensor]:
    """The same way, on the calling thread alone if that takes less time.

    For a small map it does: the others take longer to wake up than they save.
    """
    if torch.get_num_threads() == 1 or thread_setter() is None:
        return way
    alone = Alone(way)
    both = [lambda: way(*given), lambda: alone(*given)]
    return alone if fastest(both) == 1 else way


@cache
def thread_setter() -> Callable[[int], object] | None:
    """OpenMP's call for the number of threads that the calling one computes with.

    PyTorch's own also changes what threads begin with that come later. None if
    PyTorch's OpenMP is not found.
    """
    try:
        set_threads: Callable[[int], object] = ctypes.PyDLL(None).omp_set_num_threads
    except (AttributeError, TypeError):
        return None
    threads = torch.get_num_threads()
    set_threads(threads + 1)
    told = torch.get_num_threads() == threads + 1
    set_threads(threads)
    return set_threads if told else None

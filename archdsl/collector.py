"""Python's garbage collector, paused.

The compiler makes many small values that live on and few circles. The collector looks
through all of them again and again, so that ten times the text would take twenty
times as long.
"""

from __future__ import annotations

import gc


class Paused:
    """`with Paused():` runs without the collector, which then goes on as before."""

    def __enter__(self) -> None:
        self._collecting = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._collecting:
            gc.enable()

"""Fuzzing with Atheris: parse, check, format, draw, compile and tell mistakes.

    python tests/fuzz/fuzz.py -max_total_time=600 CORPUS tests/fuzz/corpus

Options are those of libFuzzer; `make fuzz` has those that are usual. What it finds is
written where `-artifact_prefix` says, and becomes a file in `tests/fuzz/crashes`, which
the tests go through.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(os.path.dirname(HERE)), HERE]

DICTIONARY = os.path.join(HERE, "words.dict")


def main() -> None:
    """Fuzz until the options say that it is enough."""
    import atheris
    from atheris.import_hook import HookManager

    # Branches are counted. Comparisons are not followed: that takes most of the time,
    # and the words that they would find stand in the dictionary.
    with HookManager({"archdsl"}, set(), True, trace_dataflow=False):
        import target
    # What was imported stays; the collector need not look at it again and again.
    gc.collect()
    gc.freeze()

    def one(data: bytes) -> None:
        with contextlib.suppress(*target.Expected):
            target.run(data, everything=False)

    words = [f"-dict={DICTIONARY}"] if os.path.exists(DICTIONARY) else []
    atheris.Setup([*sys.argv, *words], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

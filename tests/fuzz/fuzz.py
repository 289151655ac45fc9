"""Fuzzing with Atheris: parse, check, format, draw, compile and tell mistakes.

    python tests/fuzz/fuzz.py -max_total_time=600 CORPUS tests/fuzz/corpus

Options are those of libFuzzer; `make fuzz` has those that are usual. What it finds is
written where `-artifact_prefix` says, and becomes a file in `tests/fuzz/crashes`, which
the tests go through. An input that takes more than 5 s of processor time, or the
process over 256 MiB, is a find too. At the end it tells how many inputs there were, and
the most that they took.
"""

from __future__ import annotations

import contextlib
import gc
import mmap
import os
import resource
import struct
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(os.path.dirname(HERE)), HERE]

DICTIONARY = os.path.join(HERE, "words.dict")
MOST_SECONDS = 5.0
MOST_MIB = 256.0


class TooMuchError(AssertionError):
    """An input took more time or memory than one may."""


class Taken:
    """How many inputs there were, the longest time, and the peak of memory.

    libFuzzer ends the process without a word to Python, so these numbers stand in
    memory that is shared with the process that waits for it.
    """

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 24)

    def add(self, seconds: float) -> None:
        """Count an input. Raises TooMuchError if it took too much."""
        inputs, slowest, _ = self.read()
        # In KiB but on macOS. What the fuzzer keeps itself is in it.
        mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if sys.platform == "darwin":
            mib /= 1024
        struct.pack_into("qdd", self._shared, 0, inputs + 1, max(seconds, slowest), mib)
        if seconds > MOST_SECONDS:
            raise TooMuchError(f"this took {seconds:.1f} s")
        if mib > MOST_MIB:
            raise TooMuchError(f"with this the process has had {mib:.0f} MiB")

    def read(self) -> tuple[int, float, float]:
        """Inputs, seconds and MiB."""
        inputs, slowest, mib = struct.unpack_from("qdd", self._shared)
        return inputs, slowest, mib


def fuzz(taken: Taken) -> None:
    """Fuzz until the options say that it is enough; does not return."""
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
        begin = time.process_time()
        with contextlib.suppress(*target.Expected):
            target.run(data, everything=False)
        taken.add(time.process_time() - begin)

    words = [f"-dict={DICTIONARY}"] if os.path.exists(DICTIONARY) else []
    atheris.Setup([*sys.argv, *words], one)
    atheris.Fuzz()


def main() -> int:
    """Fuzz in a process of its own, and tell what it did; its exit status."""
    taken = Taken()
    child = os.fork()
    if child == 0:
        fuzz(taken)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    inputs, seconds, mib = taken.read()
    sys.stdout.write(
        f"{inputs:,} inputs; the slowest took {seconds:.2f} s of the processor, and the"
        f" whole process at most {mib:.0f} MiB; "
        f"{'nothing was found' if code == 0 else 'it ended at a find'}\n"
    )
    return code


if __name__ == "__main__":
    sys.exit(main())

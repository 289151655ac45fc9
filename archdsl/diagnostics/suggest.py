"""Did you mean …?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from archdsl.diagnostics.diagnostic import Hint
from archdsl.source import Span

# Names of tensors are looked at for likeness up to so many on either side.
MAX_GUESSED = 500


_PLAIN = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")

# Among more than so many words none is guessed.
MAX_KNOWN = 1000


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` most resembles, if any does."""
    import difflib

    candidates = sorted(set(known))
    for candidate in candidates:
        if candidate.lower() == word.lower():
            return candidate
    if len(candidates) > MAX_KNOWN:
        return None
    found = difflib.get_close_matches(word, candidates, n=1, cutoff=0.7)
    return found[0] if found else None


def did_you_mean(
    word: str, known: Iterable[str], at: Span | None = None
) -> tuple[str, ...]:
    """A hint, or none; `at` is where the word stands, if it can be changed there."""
    found = nearest(word, known)
    if found is None:
        return ()
    if not _PLAIN.fullmatch(found):
        # It would have to stand in quotes, where that can be.
        at = None
    return (Hint.writing(f"did you mean `{found}`?", at, found),)


def renamed_to(
    before: Mapping[str, object],
    after: Mapping[str, object],
    missing: Sequence[str],
    new: Sequence[str],
) -> dict[str, str]:
    """For tensors that are gone, the new one of the same shape most like it in name.

    `before` and `after` hold the shapes of all by name. Nothing is guessed if there
    are many.
    """
    if not 0 < len(missing) <= MAX_GUESSED or not 0 < len(new) <= MAX_GUESSED:
        return {}
    left = dict.fromkeys(new)
    guessed: dict[str, str] = {}
    for name in missing:
        same = [other for other in left if after[other] == before[name]]
        # The last of one shape, called alike within its layer, needs no likeness.
        tail = name.rpartition(".")[2]
        like = nearest(name, same) or (
            same[0] if len(same) == 1 and same[0].rpartition(".")[2] == tail else None
        )
        if like is not None:
            guessed[name] = like
            del left[like]
    return guessed

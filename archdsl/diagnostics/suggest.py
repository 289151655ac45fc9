"""Did you mean …?"""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` most resembles, if any does."""
    import difflib

    candidates = sorted(set(known))
    for candidate in candidates:
        if candidate.lower() == word.lower():
            return candidate
    found = difflib.get_close_matches(word, candidates, n=1, cutoff=0.7)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """A hint, or none."""
    found = nearest(word, known)
    return (f"did you mean `{found}`?",) if found else ()

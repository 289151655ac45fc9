"""Every copy on its own, for pictures that fold nothing."""

from __future__ import annotations

from archdsl.backends.diagram.options import PlanError
from archdsl.ir.fold import Fold, Folder
from archdsl.ir.network import Repeat


def too_many(most: int) -> PlanError:
    """A picture with every copy in it that nobody could read."""
    return PlanError(
        f"with every copy drawn there would be more than {most:,} boxes; close blocks"
        " with a depth, or let copies that are alike be drawn once"
    )


class Unfolder(Folder):
    """Takes no copies together. Raises PlanError where they are more than `most`."""

    def __init__(self, most: int) -> None:
        super().__init__(rates=True)
        self._most = most

    def folded(self, repeat: Repeat) -> list[Fold]:
        """Each copy of a repeat."""
        if repeat.count > self._most:
            raise too_many(self._most)
        return [
            Fold((run.stage,), (1,)) for run in repeat.runs for _ in range(run.count)
        ]

"""What calls of layers gave, for calls that say the same of the same.

A text repeats itself. What a call gives follows from its words, from the numbers that
its parameters stand for, if it names nothing else, from the `default` lines before it,
and from the types that flow in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.elaborate.arguments import names_in
from archdsl.elaborate.report import TrialEndedError
from archdsl.shapes.tensor import TensorType
from archdsl.syntax import nodes as n

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from archdsl.elaborate.apply import Built, Target
    from archdsl.elaborate.arguments import Bindings
    from archdsl.elaborate.frame import Value
    from archdsl.shapes.size import Size

    Key: TypeAlias = tuple[object, ...]


# When so many calls are kept, at least two of three are to be like one before. Texts
# that are all different would be elaborated twice if something is wrong at their end.
WORTH_IT = 2000


class Known:
    """What was elaborated before.

    The places in it are those of the first such call, and findings would point there:
    nothing is kept where some may be told (`remembers` is False).
    """

    def __init__(self, remembers: bool) -> None:
        self.remembers = remembers
        # By the identity of what `default` lines set, which the elaborator keeps.
        self._calls: dict[int, dict[Key, Built]] = {}
        self._types: dict[object, TensorType] = {}
        # By the texts of calls: what they name.
        self._named: dict[str, tuple[str, ...] | None] = {}
        self._kept = 0

    def calls(self, defaults: dict[str, Bindings]) -> dict[Key, Built]:
        """What calls gave under these defaults, by their `key`."""
        return self._calls.setdefault(id(defaults), {})

    def key(
        self,
        call: n.Call,
        text: str,
        target: Target,
        inputs: list[Value],
        params: Bindings,
        symbolic: bool,
    ) -> Key | None:
        """By what the outcome of a call in a text is kept; None if it is not.

        It is the call's words without inputs, the numbers that `params` has for what it
        names, and the identity of the types of the inputs, which the outcome keeps. In
        a net that is `symbolic` some may have sizes that are not known.
        """
        if not self.remembers or target.defined or target.chosen_by:
            return None
        if symbolic and not all(isinstance(size, int) for size in _sizes(inputs)):
            return None
        layer = target.layer
        assert layer is not None
        if call.inputs is None:
            said = text[call.start : call.end]
        else:
            said = f"{layer.name}("
            if call.args:
                said += text[call.args[0].start : call.end]
        if said in self._named:
            names = self._named[said]
        else:
            names = self._named[said] = names_in(layer, call.args)
        types = [id(value.type) for value in inputs]
        if not names:
            return (said, *types) if names is not None else None
        numbers: list[object] = []
        for name in names:
            bound = params.get(name)
            # 1.0 and true are equal to 1.
            if bound is None or type(bound.value) is not int:
                return None
            numbers.append(bound.value)
        return (said, tuple(numbers), *types)

    def keep(self, built: Built, stages: int) -> Built:
        """The outcome as it is kept: types that are equal are one.

        Of so many stages until now; ends the trial if too few were alike.
        """
        self._kept += 1
        if self._kept > WORTH_IT and 3 * self._kept > stages:
            raise TrialEndedError
        tensor = built.type
        # Sizes that enter a block at different places have formulas that say so.
        dims = tuple([(dim.size, dim.expr) for dim in tensor.dims])
        key = (dims, tensor.dtype, tensor.batched)
        known = self._types.setdefault(key, tensor)
        return built if known is tensor else built._replace(type=known)


def _sizes(inputs: list[Value]) -> Iterator[Size]:
    for value in inputs:
        if value.type is not None:
            yield from value.type.sizes

"""A network as text, for debugging: each module once, with its values numbered.

%3 = bottleneck block 1 (%2) c=64 : 256x56x56
"""

from __future__ import annotations

from archdsl.ir.network import Choice, LayerRef, Module, Network, Node, Repeat, Stage
from archdsl.ops.record import Bound
from archdsl.ops.values import IndexFormula
from archdsl.shapes.expr import Const, Expr, InputSize, Op, Var
from archdsl.shapes.size import is_symbolic
from archdsl.shapes.tensor import TensorType


def dump(network: Network) -> str:
    """The whole IR in a stable form. Lines end with a newline."""
    dumped = _Dump()
    dumped.number(network.root)
    lines = [f"network {network.name or '-'} from {network.source_name}"]
    if network.facts is not None:
        lines += [f"  needs {each}" for each in network.facts.constraints()]
    at = 0
    # Modules are numbered as they are met, so the list grows while it is read.
    while at < len(dumped.modules):
        lines += ["", *dumped.module(dumped.modules[at])]
        at += 1
    return "\n".join(lines) + "\n"


def formula(expr: Expr) -> str:
    """A formula in prefix form: `(+ c 1)`."""
    if isinstance(expr, Const):
        return _value(expr.value)
    if isinstance(expr, Var):
        return expr.name
    if isinstance(expr, InputSize):
        return f"in{expr.input}[{expr.axis}]"
    if isinstance(expr, Op):
        return f"({expr.operator} {' '.join(map(formula, expr.operands))})"
    names = sorted(map(formula, expr.depends))
    return f"?({' '.join(names)})"


class _Dump:
    def __init__(self) -> None:
        self.modules: list[Module] = []
        self._numbers: dict[int, int] = {}

    def number(self, module: Module) -> int:
        known = self._numbers.get(id(module))
        if known is None:
            known = self._numbers[id(module)] = len(self.modules)
            self.modules.append(module)
        return known

    def module(self, module: Module) -> list[str]:
        cost = module.cost
        head = f"{module.kind} {self.number(module)} {module.name or '-'}"
        lines = [
            f"{head}{_arguments(module.params)}",
            f"  inputs {_inputs(module)}",
        ]
        lines += self._nodes(module.nodes, "  ")
        if module.outputs:
            lines.append(f"  return {module.output_form}")
            lines += [
                f"    {output.name or '-'} = %{output.value} : {_type(output.type)}"
                f"{' in training' if output.training else ''}"
                for output in module.outputs
            ]
        else:
            lines.append(f"  return %{module.output} : {_type(module.type)}")
        if module.order:
            lines.append(f"  order {' '.join(module.order)}")
        lines += [
            f"  params={cost.params} trainable={cost.trainable} macs={cost.macs}"
            f" activation_bytes={cost.activation_bytes} layers={cost.layers}",
        ]
        return lines

    def _nodes(self, nodes: tuple[Node, ...], indent: str) -> list[str]:
        lines: list[str] = []
        for node in nodes:
            if isinstance(node, Stage):
                lines.append(f"{indent}%{node.output} = {self._stage(node)}")
            elif isinstance(node, Repeat):
                lines += self._repeat(node, indent)
            else:
                lines += self._choice(node, indent)
        return lines

    def _stage(self, stage: Stage) -> str:
        name = f"{stage.label}: " if stage.label is not None else ""
        made = ""
        if isinstance(stage.target, Module):
            made = f" {stage.target.kind} {self.number(stage.target)}"
        values = _values(stage.inputs)
        ordinal = f" #{stage.ordinal}" if stage.ordinal else ""
        shared = "share " if stage.shared else ""
        return (
            f"{name}{shared}{stage.kind}{ordinal}{made} ({values})"
            f"{_arguments(stage.args)} : {_type(stage.type)}"
        )

    def _repeat(self, node: Repeat, indent: str) -> list[str]:
        name = f"{node.label}: " if node.label is not None else ""
        if node.names is not None:
            name = f"{', '.join(node.names)}: "
        lines = [
            f"{indent}%{node.output} = {name}{'share ' if node.shared else ''}"
            f"repeat x{node.count} ({_values(node.inputs)}) : {_type(node.type)}"
        ]
        for run in node.runs:
            count = f"{run.count} = {formula(run.count_expr)}"
            lines.append(f"{indent}  [{count}] {self._stage(run.stage)}")
        return lines

    def _choice(self, node: Choice, indent: str) -> list[str]:
        taken = "taken" if node.taken else "not taken"
        condition = "training" if node.training else formula(node.condition)
        lines = [
            f"{indent}%{node.output} = if {condition}: {taken}, from %{node.input}"
        ]
        lines += self._nodes(node.nodes, indent + "  ")
        lines.append(f"{indent}  yield %{node.result}")
        return lines


def _inputs(module: Module) -> str:
    types = [_type(tensor) for tensor in module.inputs]
    if module.input_names:
        pairs = zip(module.input_names, types, strict=True)
        types = [f"{name}: {text}" for name, text in pairs]
    return ", ".join(types) or "-"


def _type(tensor: TensorType) -> str:
    kind = "" if tensor.dtype == "float" else f" {tensor.dtype}"
    return f"{tensor}{kind}{'' if tensor.batched else ' for all samples'}"


def _values(numbers: tuple[int, ...]) -> str:
    return ", ".join(f"%{number}" for number in numbers)


def _arguments(args: dict[str, Bound]) -> str:
    parts = []
    for name, bound in args.items():
        text = f" {name}={_value(bound.value)}"
        if not isinstance(bound.expr, Const) and bound.expr != Var(name):
            text += f" = {formula(bound.expr)}"
        parts.append(text)
    return "".join(parts)


def _value(value: object) -> str:
    if isinstance(value, LayerRef):
        return value.name
    if isinstance(value, IndexFormula):
        return value.text
    if isinstance(value, tuple):
        return "[" + ",".join(map(_value, value)) + "]"
    return str(value) if is_symbolic(value) else repr(value)

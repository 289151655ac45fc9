"""A difference for people: the totals first, then the stages, then the names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from archdsl.backends.text.wording import bytes_text, human
from archdsl.diagnostics.render import printable
from archdsl.diff.changes import Change, Detail, Difference, Kind, Side, same_shapes
from archdsl.diff.tensors import gathered
from archdsl.ir.network import Network
from archdsl.ir.signature import inputs_text, outputs_text, tensor_text
from archdsl.shapes.size import Size
from archdsl.tuples import NamedTuple

# So many lines of what follows from other changes, and of each sort of tensor.
MOST = 8

SIGNS: dict[Kind, str] = {
    **{"added": "+", "removed": "−", "changed": "~", "renamed": "~", "follows": " "}
}
_COLOURS = {"+": "32", "−": "31", "~": "33"}
# So wide at most are the columns of names and of what is told.
_NAME, _TEXT = 24, 60


class _Row(NamedTuple):
    sign: str
    name: str
    text: str
    place: str = ""


def told(difference: Difference, everything: bool = False, colour: bool = False) -> str:
    """One net's difference in lines that end with a newline.

    Of what follows from other changes, and of tensors, the first are told, unless
    `everything` is asked for.
    """
    old, new = difference.old, difference.new
    if old is None or new is None:
        return _alone(new or old, new is not None, colour)
    lines = [_bold(_title(old, new), colour)]
    if not difference.any:
        return "\n".join([*lines, "  no difference"]) + "\n"
    lines += [f"  {line}" for line in _totals(difference)]
    most = None if everything else MOST
    direct = [change for change in difference.changes if change.kind != "follows"]
    own = [change for change in direct if not change.block]
    if own:
        lines += ["", "  stages", *_stages(own, colour)]
    for block in dict.fromkeys(change.block for change in direct if change.block):
        inside = [change for change in direct if change.block == block]
        lines += ["", f"  in block {printable(block)}", *_stages(inside, colour)]
    rest = [change for change in difference.changes if change.kind == "follows"]
    if rest:
        shown = rest[:most]
        lines += ["", "  what follows from it", *_stages(shown, colour)]
        lines += _more(len(rest) - len(shown), "stages")
    lines += _tensors(difference, most, colour)
    return "\n".join(lines) + "\n"


def _title(old: Network, new: Network) -> str:
    names = [net.name or "the net" for net in (old, new)]
    name = names[0] if names[0] == names[1] else f"{names[0]} → {names[1]}"
    files = [net.source_name for net in (old, new)]
    return printable(f"{name} ({files[0]} → {files[1]})")


def _alone(net: Network | None, added: bool, colour: bool) -> str:
    assert net is not None
    sign = "+" if added else "−"
    cost = net.root.cost
    line = (
        f"{sign} net {net.name} ({net.source_name}): {inputs_text(net.root)} →"
        f" {outputs_text(net.root)}, {_number(cost.params)} parameters,"
        f" {_number(cost.macs)} MACs"
    )
    return _painted(printable(line), sign, colour) + "\n"


def _totals(difference: Difference) -> Iterator[str]:
    assert difference.old is not None
    assert difference.new is not None
    old, new = difference.old.root.cost, difference.new.root.cost
    rows: list[tuple[str, Size, Size, Callable[[Size], str]]] = [
        ("parameters", old.params, new.params, _number),
        ("trainable", old.trainable, new.trainable, _number),
        ("MACs", old.macs, new.macs, _number),
        ("activations", old.activation_bytes, new.activation_bytes, bytes_text),
        ("layers", old.layers, new.layers, _number),
    ]
    if old.params == old.trainable and new.params == new.trainable:
        del rows[1]
    names = [row[0] for row in rows] + [each.what for each in difference.interface]
    width = min(max(map(len, names)), _NAME)
    for name, a, b, form in rows:
        text = form(a) if str(a) == str(b) else f"{form(a)} → {form(b)}{_grown(a, b)}"
        yield f"{name:{width}}  {text}"
    for detail in difference.interface:
        text = printable(f"{detail.old} → {detail.new}")
        yield f"{printable(detail.what):{width}}  {text}"


def _grown(a: Size, b: Size) -> str:
    if not isinstance(a, int) or not isinstance(b, int) or a == 0:
        return ""
    percent = f"{100 * (b - a) / a:+.2g}".replace("e+0", "e").replace("-", "−")
    if abs(b - a) < 1000 * a:
        percent = f"{100 * (b - a) / a:+.1f}".replace("-", "−")
    return f" ({percent} %)"


def _number(number: Size) -> str:
    if not isinstance(number, int) or number < 100_000:
        return f"{number:,}"
    return f"{number:,} ({human(number)})"


# Stages


def _stages(changes: Iterable[Change], colour: bool) -> list[str]:
    rows = [
        _Row(SIGNS[change.kind], _name(change), _text(change), _place(change))
        for change in changes
    ]
    name = min(max(len(row.name) for row in rows), _NAME)
    text = min(max(len(row.text) for row in rows), _TEXT)
    found = []
    for row in rows:
        line = f"{row.sign} {row.name:{name}}  {row.text:{text}}  {row.place}"
        found.append("    " + _painted(line.rstrip(), row.sign, colour))
    return found


def _name(change: Change) -> str:
    old, new = change.old, change.new
    name = change.side.path
    if change.kind == "renamed" and old is not None and new is not None:
        name = f"{old.path} → {new.path}"
    if change.places > 1:
        name += f" and {change.places - 1:,} more"
    return printable(name)


def _text(change: Change) -> str:
    old, new = change.old, change.new
    if old is None or new is None:
        side = change.side
        times = f" ×{side.count:,}" if side.count > 1 else ""
        cost = f", {_number(side.cost.params)} parameters" if side.cost.params else ""
        return printable(f"{side.text}{times}{cost}")
    words = []
    if old.text != new.text:
        words.append(f"{old.text} → {new.text}")
    words += _details(change.details, old, new)
    if not same_shapes(old.out, new.out):
        words.append(f"gives {tensor_text(old.out)} → {tensor_text(new.out)}")
    if old.cost.params != new.cost.params:
        a, b = f"{old.cost.params:,}", f"{new.cost.params:,}"
        words.append(f"parameters {a} → {b}")
    elif str(old.cost.macs) != str(new.cost.macs) and len(words) == 0:
        words.append(f"MACs {old.cost.macs:,} → {new.cost.macs:,}")
    return printable("; ".join(words))


def _details(details: Sequence[Detail], old: Side, new: Side) -> list[str]:
    """What the texts of the stages do not show already."""
    found = []
    for what, a, b, _ in details:
        if what == "copies":
            found.append(f"×{a} → ×{b}")
        elif what == "inputs":
            found.append(f"from {a} → from {b}")
        elif old.text == new.text:
            found.append(f"{what} {a} → {b}")
    return found


def _place(change: Change) -> str:
    span = change.side.span
    return printable(f"{span.source.name}:{span.line}")


# Names


def _tensors(difference: Difference, most: int | None, colour: bool) -> list[str]:
    found = difference.tensors
    if found.left_out:
        return ["", "  state_dict: too many names to be compared"]
    if not found.any:
        return ["", "  state_dict: the same names and shapes"]
    counts = {
        "added": len(found.added),
        "removed": len(found.removed),
        "renamed": len(found.renamed),
        "with another shape": len(found.reshaped),
    }
    said = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    lines = ["", f"  state_dict: {said}"]
    renames = gathered(found.renamed)
    for sign, rows in (
        ("~", [f"{r.old} → {r.new}{_tensor_count(r.tensors)}" for r in renames]),
        (
            "~",
            [
                f"{name}  {_shape(a)} → {_shape(b)}"
                for name, (a, b) in found.reshaped.items()
            ],
        ),
        ("+", [f"{name}  {_shape(shape)}" for name, shape in found.added.items()]),
        ("−", [f"{name}  {_shape(shape)}" for name, shape in found.removed.items()]),
    ):
        shown = rows[:most]
        lines += [
            "    " + _painted(f"{sign} {printable(row)}", sign, colour) for row in shown
        ]
        lines += _more(len(rows) - len(shown), "names")
    return lines


def _tensor_count(number: int) -> str:
    return f" ({number:,} tensors)" if number > 1 else ""


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _more(number: int, what: str) -> list[str]:
    return [f"      … and {number:,} more {what} (--all)"] if number > 0 else []


def _painted(line: str, sign: str, colour: bool) -> str:
    code = _COLOURS.get(sign)
    return f"\x1b[{code}m{line}\x1b[0m" if colour and code else line


def _bold(line: str, colour: bool) -> str:
    return f"\x1b[1m{line}\x1b[0m" if colour else line

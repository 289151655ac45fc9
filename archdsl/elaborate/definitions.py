"""The definitions of a file: what is defined twice, unknown, or contains itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.diagnostics import Note
from archdsl.diagnostics.suggest import did_you_mean
from archdsl.elaborate.bodies import declared
from archdsl.elaborate.names import Scope
from archdsl.elaborate.report import Reporter
from archdsl.elaborate.words import RESERVED, elsewhere, there_are
from archdsl.ir.network import LayerRef
from archdsl.ops import LAYERS
from archdsl.ops.record import Layer
from archdsl.source import Source, Span
from archdsl.syntax import nodes as n
from archdsl.tuples import NamedTuple

if TYPE_CHECKING:
    from archdsl.reading import Files, Place


class Defined(NamedTuple):
    """A block or extern, and the definitions among which it stands."""

    item: n.Block | n.Extern
    home: Definitions

    @property
    def key(self) -> tuple[str, str]:
        """What keeps it apart from those of the same name in other files."""
        return self.home.file, self.item.name.name

    @property
    def ref(self) -> LayerRef:
        """Itself as an argument."""
        return LayerRef(self.item.name.name, self.home.file)

    @property
    def span(self) -> Span:
        """Where its name stands."""
        return Span(self.home.source, self.item.name.start, self.item.name.end)

    def layer(self) -> Layer:
        """The record of an extern."""
        assert isinstance(self.item, n.Extern)
        found = self.home.layers.get(self.item.name.name)
        if found is None:
            from archdsl.elaborate.extern import record

            found = record(self.item, self.home.source)
            self.home.layers[self.item.name.name] = found
        return found


class Library:
    """The files of one check: the spec, those it uses, and the standard ones."""

    def __init__(self, files: Files | None) -> None:
        self.files = files
        self.homes: dict[str, Definitions] = {}
        self._standard: dict[str, Defined | None] = {}

    def standard(self, name: str) -> Defined | None:
        """The block of that name in the standard library, read when first asked for."""
        if name not in self._standard:
            from archdsl.reading import standard_file

            # A file that asks for itself finds its own definition before.
            self._standard[name] = None
            files = standard_file(name)
            if files is not None:
                from archdsl.elaborate.used import standard_block

                self._standard[name] = standard_block(name, files, self)
        return self._standard[name]

    def spec(self) -> list[Definitions]:
        """The files without the standard ones."""
        return [home for home in self.homes.values() if not home.standard]

    def at(self, ref: LayerRef) -> Defined | None:
        """What was given as an argument."""
        home = self.homes.get(ref.file)
        found = home.visible.get(ref.name) if home else None
        return self.standard(ref.name) if found is None else found


class Definitions:
    """What a file defines, and what it sees of others.

    `file` is the empty string for the spec itself. `defaults` holds the `default`
    lines in force at each definition; `visible` the blocks and externs that can be
    called, those of used files with their prefix: `b.up`. `whole` is False if a used
    file could not be read, so that unknown names may be its.
    """

    def __init__(
        self,
        source: Source,
        library: Library,
        file: str = "",
        place: Place | None = None,
        standard: bool = False,
    ) -> None:
        self.source = source
        self.library = library
        self.file = file
        self.place = place
        self.standard = standard
        self.blocks: dict[str, n.Block] = {}
        self.externs: dict[str, n.Extern] = {}
        self.nets: dict[str, n.Net | n.Family] = {}
        self.default_lines: list[n.Default] = []
        # How many of them stand before each definition.
        self.defaults: dict[str, int] = {}
        self.visible: dict[str, Defined] = {}
        self.prefixes: dict[str, n.Use] = {}
        self.layers: dict[str, Layer] = {}
        # The texts of calls of layers that name nothing: whether a label of one would
        # name no submodule.
        self.plain: dict[str, bool] = {}
        # The file through which this one came in.
        self.used_by: Definitions | None = None
        self.whole = True
        # By the identity of the bodies of nets.
        self._symbols: dict[int, tuple[str, ...]] = {}
        library.homes[file] = self

    def own(self) -> dict[str, n.Block | n.Extern]:
        """What other files see when they use this one."""
        return {**self.blocks, **self.externs}

    def symbols(self, body: n.Body) -> tuple[str, ...]:
        """What the `input` lines of a net declare, looked for once."""
        found = self._symbols.get(id(body))
        if found is None:
            found = self._symbols[id(body)] = declared(body)
        return found

    def find(self, name: str) -> Defined | None:
        """The block or extern of that name, also of the standard library."""
        return self.visible.get(name) or self.library.standard(name)


def definitions(tree: n.File, home: Definitions, report: Reporter) -> Definitions:
    """Gather the definitions of a file; what is defined twice is reported.

    The files that it uses are read.
    """
    before = report.enter(home)
    seen: dict[str, n.Name] = {}
    uses: list[n.Use] = []
    for item in tree.items:
        if isinstance(item, n.Use):
            uses.append(item)
            continue
        if isinstance(item, n.Default):
            home.default_lines.append(item)
            _check_default(item, report)
            continue
        name = item.name.name
        where = seen.get(name)
        if where is not None:
            report.error(
                "E0209",
                f"`{name}` is defined twice",
                item.name,
                related=(Note(report.span(where), "first defined here"),),
                hints=("give one of them another name",),
            )
            continue
        seen[name] = item.name
        if isinstance(item, n.Net | n.Family):
            home.nets[name] = item
        elif name in LAYERS or name in RESERVED:
            report.error(
                "E0213",
                f"`{name}` is a name of the language",
                item.name,
                hints=(f"choose another name, such as `my_{name}`",),
            )
            continue
        elif isinstance(item, n.Block):
            home.blocks[name] = item
        else:
            home.externs[name] = item
        home.defaults[name] = len(home.default_lines)
    for name, mine in home.own().items():
        home.visible[name] = Defined(mine, home)
    if uses:
        from archdsl.elaborate.used import follow

        follow(uses, home, report)
    report.enter(before)
    return home


def _check_default(item: n.Default, report: Reporter) -> None:
    layer = LAYERS.get(item.layer.name)
    if layer is not None:
        Scope({}, (), report, (), ()).arguments(item.args, layer)
    else:
        at = report.editable(item.layer)
        report.error(
            "E0201",
            f"there is no layer `{item.layer.name}`",
            item.layer,
            hints=elsewhere(item.layer.name, at)
            or did_you_mean(item.layer.name, LAYERS, at)
            or ("`default` sets arguments of a layer, such as `default conv same`",),
        )


def check_names(home: Definitions, report: Reporter) -> bool:
    """Report what is wrong with names. False if nothing can be elaborated."""
    calls: dict[tuple[str, str], dict[tuple[str, str], Span]] = {}
    sound = True
    circles: set[str] = set()
    if home.whole:
        for net in home.nets.values():
            if isinstance(net, n.Net):
                scope = Scope(home.visible, home.nets, report, net.params, (), net=True)
                scope.module(net.body)
                sound = sound and scope.sound
            else:
                _check_family(net, home, report, circles)
    checked: set[str] = set()
    homes = home.library.homes
    # Standard ones come to light while others are looked through.
    while len(checked) < len(homes):
        for file in [file for file in homes if file not in checked]:
            checked.add(file)
            sound = _check_home(homes[file], report, calls) and sound
    return _no_recursion(calls, report) and sound


def _check_home(
    home: Definitions,
    report: Reporter,
    calls: dict[tuple[str, str], dict[tuple[str, str], Span]],
) -> bool:
    """Check the names in a file's blocks and externs, and gather what they call."""
    if not home.whole:
        return False
    sound = True
    report.enter(home)
    for name, block in home.blocks.items():
        scope = Scope(home.visible, home.nets, report, block.params, block.inputs)
        scope.module(block.body)
        sound = sound and scope.sound
        called: dict[tuple[str, str], Span] = {}
        for other, node in scope.called.items():
            called.setdefault(home.visible[other].key, report.span(node))
        calls[home.file, name] = called
    if home.externs:
        from archdsl.elaborate.extern import check_extern

        for extern in home.externs.values():
            sound = check_extern(extern, home, report) and sound
    return sound


def _check_family(
    family: n.Family, home: Definitions, report: Reporter, circles: set[str]
) -> None:
    """Check the names of a derived net; `circles` are those found to be in one.

    Those are also in it that are derived too deep.
    """
    seen = [family.name.name]
    base: n.Net | n.Family | None = family
    while isinstance(base, n.Family):
        name = base.base.name
        if name in seen:
            if name == seen[0]:
                way = " → ".join((*seen, name))
                report.error(
                    "E0210",
                    f"the net `{name}` is derived from itself",
                    family.base,
                    notes=(f"the way round: {way}",) if len(seen) > 1 else (),
                    hints=("derive it from a net that has a body `{…}`",),
                )
                circles.update(seen)
            return
        if name in circles:
            circles.add(family.name.name)
            return
        if len(seen) > report.limits.nesting:
            report.error(
                "E0703",
                f"nets are derived more than {report.limits.nesting} deep",
                family.base,
                hints=("derive it from a net that has a body `{…}`",),
            )
            circles.add(family.name.name)
            return
        seen.append(name)
        following = home.nets.get(name)
        if following is None and base is family:
            report.error(
                "E0211",
                f"there is no net `{name}`",
                family.base,
                hints=()
                if report.many
                else did_you_mean(name, home.nets, report.editable(family.base))
                or there_are(home.nets, (family.name.name,)),
            )
        base = following
    scope = Scope(home.visible, home.nets, report, (), ())
    for arg in family.args:
        scope.expression(arg.value)
    for line in family.body.lines if family.body else ():
        if isinstance(line, n.AssertLine):
            if isinstance(base, n.Net):
                scope.assume((param.name for param in base.params), family.base)
            # The labels are the base's: looked up when its value is known.
            scope.asserted(line.condition, trust_labels=True)
        else:
            report.error(
                "E0214",
                "a derived net adds assertions only",
                line,
                hints=("give the base a parameter for what differs",),
            )


def _no_recursion(
    calls: dict[tuple[str, str], dict[tuple[str, str], Span]], report: Reporter
) -> bool:
    """Whether no block reaches itself; each circle is reported once."""
    done: set[tuple[str, str]] = set()
    good = True
    for start in calls:
        # Depth first with a stack of iterators: blocks may be many and deep.
        path = [start]
        stack = [iter(calls[start].items())]
        while stack:
            for key, span in stack[-1]:
                if key in path:
                    circle = [name for _, name in (*path[path.index(key) :], key)]
                    report.error(
                        "E0210",
                        f"the block `{key[1]}` contains itself",
                        span,
                        notes=("the way round: " + " → ".join(circle),)
                        if len(circle) > 2
                        else (),
                        hints=("repeat a block with `x`: `unit 64 x3`",),
                    )
                    good = False
                elif key in calls and key not in done:
                    path.append(key)
                    stack.append(iter(calls[key].items()))
                    break
            else:
                done.add(path.pop())
                stack.pop()
    return good

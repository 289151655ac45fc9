"""archdsl from Python: check and compile; `load` is in `archdsl.runtime`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl import pipeline
from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.render import render
from archdsl.ir.network import Network
from archdsl.limits import MOST, Limits, lowered
from archdsl.reading import MAX_BYTES, SpecFiles, decoded
from archdsl.request import converted, net_names, the_net
from archdsl.source import Source
from archdsl.tuples import NamedTuple

if TYPE_CHECKING:
    from typing import Literal

    from archdsl.backends.html import View
    from archdsl.backends.inference.emit import Device, DType

TEXT_NAME = "<text>"


class SpecError(ValueError):
    """A spec with mistakes. `diagnostics` holds them; the text shows them in full."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__("\n" + render(diagnostics, "full"))
        self.diagnostics = diagnostics

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the place in the spec, not that in Python."""
        return render(self.diagnostics, "full", colour=True).splitlines()


class ShownNetwork(Network):
    """A checked net that shows itself in a notebook."""

    __slots__ = ()

    def __repr__(self) -> str:
        from archdsl.backends.text.wording import title

        return f"<{title(self)}; {self.root.cost.params:,} parameters>"

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> dict[str, str]:
        """Diagram and summary, the graph alone, and the tree where text is all."""
        from archdsl.backends.html import bundle

        return bundle(self)


class Spec(NamedTuple):
    """A text that was checked, where it uses files from, and what was asked of it."""

    name: str
    data: bytes
    files: SpecFiles | None
    net: str | None = None
    params: Mapping[str, object] = {}

    def __repr__(self) -> str:
        return f"Spec({self.name!r}, {len(self.data):,} bytes)"


class Checked(NamedTuple):
    """What came of a spec.

    `networks` holds the checked nets by name and is empty if there are mistakes;
    `nets` are the names of all nets of the spec, `name` is that of the file. All
    functions that take a spec take this as well, as it was checked: the same text, net
    and parameters. In a notebook it shows its diagram and summary, or what was found.
    """

    name: str
    nets: tuple[str, ...]
    networks: dict[str, Network]
    diagnostics: list[Diagnostic]
    spec: Spec

    def __repr__(self) -> str:
        found = ", ".join(dict.fromkeys(each.code for each in self.diagnostics))
        nets = ", ".join(name or '""' for name in self.networks)
        return f"<Checked {self.name}: {found or nets or 'no net'}>"

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.diagnostics

    def network(self, net: str | None = None) -> Network:
        """The net of that name, or the one that the file is about.

        Raises SpecError if the spec has mistakes, ValueError if no net was named and
        there are several, KeyError if there is none of that name.
        """
        if self.diagnostics:
            raise SpecError(self.diagnostics)
        if net is None:
            net = the_net(tuple(self.networks), self.name)
        if net is None or net not in self.networks:
            raise KeyError(f"there is no net `{net or ''}` in {self.name}")
        return self.networks[net]

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> dict[str, str]:
        """The one net as it shows itself, a table of several, or the findings."""
        return shown(self)


def shown(checked: Checked, view: View = "graph") -> dict[str, str]:
    """What a notebook shows of a spec, by the type of its content."""
    from archdsl.backends.html import bundle, bundle_of_findings, bundle_of_several

    if not checked.ok:
        try:
            known = sketch(checked)
        except ValueError:
            # Nothing is known, or not of which net.
            known = None
        return bundle_of_findings(checked.diagnostics, known, view)
    networks = list(checked.networks.values())
    if len(networks) == 1:
        return bundle(networks[0], view)
    return bundle_of_several(checked.name, networks)


def check(
    path_or_text: str | Path | Checked,
    net: str | None = None,
    *,
    limits: Mapping[str, int] | None = None,
    **params: object,
) -> Checked:
    """Check a spec: all its nets, or the one named.

    A `Path` is a file. So is a string that names a file or ends in `.arch`, unless it
    holds a line end, `|` or `{`; other strings with a blank or one of these are the
    spec itself, which has no place to `use` files from. What `check` gave before is the
    same text, net and parameters again. `params` set parameters of the net: numbers,
    truth values, lists, sizes as `"3x3"`, layers and blocks by name, other strings.
    `limits` lowers what the spec may ask for, as in `{"tokens": 1000}`;
    `archdsl.limits` lists them. Raises OSError if the file cannot be read, and
    ValueError if there are parameters and several nets, none of them named, for values
    that no parameter can have, and for limits that there are not or that would be
    raised.
    """
    return checked(path_or_text, net, params, lowered(limits) if limits else MOST)


def checked(
    path_or_text: str | Path | Checked,
    net: str | None,
    params: Mapping[str, object],
    limits: Limits = MOST,
) -> Checked:
    """`check`, where parameters and limits cannot be taken for each other."""
    return checked_spec(_spec(path_or_text, net, params), limits)


def checked_spec(spec: Spec, limits: Limits = MOST) -> Checked:
    """The same for a text that was read."""
    source, found = decoded(spec.data, spec.name, limits)
    if source is None:
        return Checked(spec.name, (), {}, found, spec)
    net, values = _asked(spec, source)
    made = pipeline.check(source, net, values, spec.files)
    networks: dict[str, Network] = {
        net: ShownNetwork(*network) for net, network in made.networks.items()
    }
    spec = spec._replace(net=net)
    return Checked(spec.name, made.nets, networks, made.diagnostics, spec)


def _asked(spec: Spec, source: Source) -> tuple[str | None, dict[str, object]]:
    """The net that is asked for, if it can only be one, and its parameters."""
    values = {k: converted(v, source, spec.files) for k, v in spec.params.items()}
    net = spec.net
    if values and net is None:
        net = the_net(net_names(source, values), spec.name)
    return net, values


def sketch(
    path_or_text: str | Path | Checked,
    net: str | None = None,
    *,
    limits: Mapping[str, int] | None = None,
    **params: object,
) -> Network:
    """What is known of a net, also where its check fails, for pictures only.

    In a notebook it shows itself: the stage that is wrong is marked, what comes after
    it is grey. `wrong` tells what was found, and is empty if nothing was. The arguments
    are those of `check`. Raises SpecError if nothing of the net is known, as where the
    spec cannot be read, and what `check` and `Checked.network` raise.
    """
    most = lowered(limits) if limits else MOST
    spec = _spec(path_or_text, net, params)
    whole = checked_spec(spec, most)
    if whole.ok:
        return whole.network(spec.net)
    source, _ = decoded(spec.data, spec.name, most)
    known = None
    if source is not None:
        net, values = _asked(spec, source)
        wanted = net if net is not None else the_net(net_names(source), spec.name)
        if wanted is not None:
            known = pipeline.sketch(source, wanted, values, spec.files)
    if known is None:
        raise SpecError(whole.diagnostics)
    return ShownNetwork(*known)


def compile(
    path_or_text: str | Path | Checked,
    net: str | None = None,
    *,
    limits: Mapping[str, int] | None = None,
    target: Literal["training", "inference"] = "training",
    device: Device = "cpu",
    dtype: DType = "float32",
    **params: object,
) -> str:
    """The PyTorch source of a net, a module of its own that imports torch alone.

    Its last class is the net, an nn.Module. With `target="inference"` it is no module,
    and a function `prepare` makes it of the `state_dict` of one: batch normalisation is
    folded into the layers before it, and additions and activations are part of the
    convolutions. `device` and `dtype` are what `prepare` then has for defaults. The
    other arguments are those of `check`. Raises SpecError if the spec has mistakes,
    ValueError for float16 on a CPU, and what `check` and `Checked.network` raise.
    """
    network = check(path_or_text, net, limits=limits, **params).network(net)
    if target == "inference":
        return inference_source_of(network, device, dtype)
    return source_of(network)


def source_of(network: Network) -> str:
    """The PyTorch source of a checked net. Raises SpecError if there is none."""
    from archdsl.backends.torch.emit import emit

    return _emitted(lambda: emit(network))


def inference_source_of(
    network: Network, device: Device = "cpu", dtype: DType = "float32"
) -> str:
    """The source of a checked net for inference.

    Raises SpecError if there is none, ValueError for float16 on a CPU.
    """
    from archdsl.backends.inference.emit import emit

    return _emitted(lambda: emit(network, device, dtype))


def _emitted(emit: Callable[[], str]) -> str:
    from archdsl.backends.torch.size import NoSourceError

    try:
        return emit()
    except NoSourceError as problem:
        found = Diagnostic(
            problem.code,
            str(problem),
            problem.span,
            hints=(problem.hint,),
        )
    raise SpecError([found])


def _spec(
    path_or_text: str | Path | Checked, net: str | None, params: Mapping[str, object]
) -> Spec:
    if isinstance(path_or_text, Checked):
        before = path_or_text.spec
        if net is None or net == before.net:
            net, params = before.net, {**before.params, **params}
        return before._replace(net=net, params=params)
    if isinstance(path_or_text, str) and not _is_path(path_or_text):
        data = path_or_text.encode("utf-8", "surrogatepass")
        return Spec(TEXT_NAME, data, None, net, params)
    path = os.fspath(path_or_text)
    with open(path, "rb") as file:
        return Spec(path, file.read(MAX_BYTES + 1), SpecFiles(path), net, params)


def _is_path(text: str) -> bool:
    if "\n" in text or not text:
        return False
    if os.path.isfile(text):
        return True
    if "|" in text or "{" in text:
        return False
    return text.endswith(".arch") or " " not in text

"""What holds for every spec, on specs that are drawn.

`make properties` draws many more, and other ones each time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from rewriting import expanded, renamed

from archdsl.backends.graphviz.dot import dot
from archdsl.backends.torch.emit import emit, net_class
from archdsl.ir.flat import layers, state_dict_names
from archdsl.ir.network import Network
from archdsl.pipeline import check
from archdsl.runtime.matching import (
    drawn_inputs,
    fresh_class,
    match,
    sampled,
    tensors,
)
from archdsl.source import Source
from archdsl.syntax import parse
from archdsl.testing import (
    InvalidSpec,
    arch_text,
    assert_roundtrip,
    invalid_specs,
    specs,
)

ASKED = os.environ.get("ARCHDSL_EXAMPLES")
EXAMPLES = int(ASKED or 2000)
# Without the variable a run draws what the last one drew, so that it cannot fail by
# chance.
PROPERTY = settings(
    max_examples=EXAMPLES,
    derandomize=ASKED is None,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
BATCH_OF_GRAPHS = 200


@pytest.fixture(scope="module", autouse=True)
def plainly() -> Iterator[None]:
    """These nets are so small that threads would only wait for each other.

    And oneDNN in PyTorch 2.13 ends the process at some of them: a convolution with
    stride 2, padding 1, dilation 3 and a kernel of 1, of transposed maps of one place.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.backends.mkldnn, "enabled", False)
        yield
    torch.set_num_threads(threads)


def networks(text: str) -> dict[str, Network]:
    """The nets of a spec that checks clean."""
    checked = check(Source("t.arch", text))
    assert not checked.diagnostics, (checked.diagnostics[0], text)
    return checked.networks


def numbers(net: Network) -> object:
    """All that a spec says in numbers, without a name."""
    rows = [
        (layer.kind, tuple(map(str, layer.ins)), str(layer.out), layer.params)
        for layer in layers(net)
    ]
    weights = [(weight.shape, weight.parameter) for _, weight in state_dict_names(net)]
    cost = [str(part) for part in net.root.cost]
    return rows, weights, cost, [str(out.type) for out in net.root.outputs]


@PROPERTY
@given(specs())
def test_formatting_keeps_the_meaning_and_the_comments(text: str) -> None:
    formatted = assert_roundtrip(text)
    assert set(networks(formatted)) == set(networks(text))


@PROPERTY
@given(arch_text())
def test_any_text_is_refused_or_formatted(text: str) -> None:
    source = Source("t.arch", text)
    tree, found = parse(source)
    checked = check(source)
    assert bool(checked.diagnostics) is not bool(checked.networks)
    if tree is None:
        assert found
    else:
        assert_roundtrip(text)


@PROPERTY
@given(specs())
def test_shapes_weights_and_costs_are_those_of_pytorch(text: str) -> None:
    for net in networks(text).values():
        match(net, text)


@PROPERTY
@given(specs())
def test_a_repeat_is_so_many_copies(text: str) -> None:
    apart = expanded(text)
    if apart is None:
        return
    found = networks(apart)
    for name, net in networks(text).items():
        assert numbers(found[name]) == numbers(net), apart
        names = [name for name, _ in state_dict_names(net)]
        assert [name for name, _ in state_dict_names(found[name])] == names, apart


@PROPERTY
@given(specs())
def test_names_change_no_number(text: str) -> None:
    other, names = renamed(text)
    found = networks(other)
    for name, net in networks(text).items():
        assert numbers(found[names.get(name, name)]) == numbers(net), other


@PROPERTY
@given(specs())
def test_compiled_source_runs_and_is_the_same_again(text: str) -> None:
    again = networks(text)
    for name, net in networks(text).items():
        source = emit(net)
        assert emit(again[name]) == source
        made = fresh_class(source, net_class(name))
        outputs = []
        for _ in range(2):
            torch.manual_seed(1)
            module = made().eval()
            inputs = drawn_inputs(net, sampled(net, text), "cpu")
            with torch.no_grad():
                outputs.append(tensors(net, module(*inputs)))
        for one, other in zip(*outputs, strict=True):
            assert torch.equal(one.nan_to_num(), other.nan_to_num())


@PROPERTY
@given(invalid_specs())
def test_a_mistake_is_found_where_it_is_and_nothing_else(spec: InvalidSpec) -> None:
    found = check(Source("t.arch", spec.text)).diagnostics
    there = [(d.code, d.span and (d.span.start, d.span.end)) for d in found]
    assert there == [(spec.code, (spec.start, spec.end))]


def canonical(graphs: list[str]) -> str:
    """What is wrong with some graphs, by Graphviz; nothing if it takes them all."""
    done = subprocess.run(
        ["dot", "-Tcanon"],
        input="\n".join(graphs),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.stderr or ("" if done.returncode == 0 else "it failed")


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_takes_every_graph() -> None:
    graphs: list[str] = []

    def flush() -> None:
        if canonical(graphs):
            # Each alone, to tell which one it is.
            for graph in graphs:
                assert not canonical([graph]), graph
        graphs.clear()

    @PROPERTY
    @given(specs())
    def drawn(text: str) -> None:
        graphs.extend(dot(net) for net in networks(text).values())
        # One process for many, since starting it takes longest.
        if len(graphs) >= BATCH_OF_GRAPHS:
            flush()

    drawn()
    flush()

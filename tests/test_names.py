"""Names in the state_dict, by the rules of the language."""

from __future__ import annotations

from itertools import islice

from archdsl.ir.flat import layers, state_dict_names
from archdsl.ir.network import Network
from archdsl.pipeline import check
from archdsl.source import Source


def network(text: str, net: str | None = None) -> Network:
    checked = check(Source("test.arch", text), net)
    assert not checked.diagnostics, checked.diagnostics
    (found,) = checked.networks.values()
    return found


def paths(text: str) -> list[str]:
    return [layer.path for layer in layers(network(text))]


def codes(text: str) -> list[str]:
    return [d.code for d in check(Source("test.arch", text)).diagnostics]


def test_a_stage_is_its_kind_and_ordinal() -> None:
    assert paths("input 3x8x8 | conv 4x1x1 | bn | relu | conv 4x1x1") == [
        *("conv1", "bn1", "relu1", "conv2")
    ]


def test_lines_not_taken_are_counted() -> None:
    text = "block b wide=false { conv 8x1x1 if wide\n conv 4x1x1 }\n"
    assert paths(text + "net n { input 3x8x8 | b }") == ["b1.conv2"]
    assert paths(text + "net n { input 3x8x8 | b wide=true }") == [
        *("b1.conv1", "b1.conv2")
    ]


def test_unlabelled_repeats_are_plain_expansion() -> None:
    text = "input 3x8x8 | conv 3x1x1 | conv 3x1x1 x2 | conv 3x1x1"
    assert paths(text) == ["conv1", "conv2", "conv3", "conv4"]


def test_repeated_groups_continue_the_count() -> None:
    text = """
      input 3x8x8
      conv 3x1x1
      {conv 3x1x1 | {relu | conv 3x1x1} x2 | bn} x2
      conv 3x1x1 | relu
    """
    assert paths(text) == [
        "conv1",
        *("conv2", "relu1", "conv3", "relu2", "conv4", "bn1"),
        *("conv5", "relu3", "conv6", "relu4", "conv7", "bn2"),
        *("conv8", "relu5"),
    ]


def test_copies_may_write_different_numbers_of_stages() -> None:
    text = "input 3x8x8\n{ {relu} x=i+1 | conv 3x1x1 } x3\nrelu"
    assert [path for path in paths(text) if path.startswith("relu")] == [
        *("relu1", "relu2", "relu3", "relu4", "relu5", "relu6", "relu7")
    ]


def test_a_labelled_group_is_a_sequential() -> None:
    text = """
      input 3x8x8
      features: {
        conv 3x1x1 | {bn | relu} x2 | skip: add(id, in) | last: relu6 | relu
        add(id, skip)
      }
    """
    assert paths(text) == [
        *("features.0", "features.1", "features.2", "features.3", "features.4"),
        *("features.skip", "features.last", "features.6", "features.add2"),
    ]


def test_what_makes_no_module_takes_no_position() -> None:
    assert paths("input 3x8x8\nf: { relu | add(id, id) | relu }") == [
        *("f.0", "f.add1", "f.1")
    ]


def test_a_labelled_repeat_counts_from_zero() -> None:
    text = "block b { conv 3x1x1 }\nnet n { input 3x8x8 | layer: b x2 | tail: relu x2 }"
    assert paths(text) == [
        *("layer.0.conv1", "layer.1.conv1", "tail.0", "tail.1"),
    ]


def test_copies_of_a_labelled_group_are_sequentials() -> None:
    assert paths("input 3x8x8\nf: {conv 3x1x1 | relu} x2") == [
        *("f.0.0", "f.0.1", "f.1.0", "f.1.1")
    ]


def test_a_label_with_the_index_names_each_copy() -> None:
    text = 'block d { conv 3x1x1 }\nnet n { input 3x8x8 | "d{i+1}": d x2 }'
    assert paths(text) == ["d1.conv1", "d2.conv1"]


def test_a_label_with_the_index_in_a_repeated_group() -> None:
    assert paths('input 3x8x8\n{"c{i}": conv 3x1x1 | relu} x2') == [
        *("c0", "relu1", "c1", "relu2")
    ]


def test_a_layer_that_a_parameter_chose_goes_by_its_own_name() -> None:
    assert paths("net n act=relu6 { input 3x8x8 | act | relu }") == ["relu61", "relu1"]


def test_tensors_of_a_resnet() -> None:
    text = """
      default conv same bias=false
      block basic c s=1 {
        conv c 3x3 s=s | bn | relu
        conv c 3x3 | bn
        add(id, in | downsample: {conv c 1x1 s=s | bn} if s > 1 or in.c != c else in)
        relu
      }
      net resnet {
        input 3x32x32
        conv 8x3x3 | bn | relu
        layer1: basic 8 x2
        layer2: basic 16 s=[2,1] x2
        gap | fc: fc 10
      }
    """
    names = {name: w.shape for name, w in state_dict_names(network(text))}
    assert list(names)[:6] == [
        *("conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean"),
        *("bn1.running_var", "bn1.num_batches_tracked"),
    ]
    assert names["layer1.1.conv2.weight"] == (8, 8, 3, 3)
    assert names["layer2.0.downsample.0.weight"] == (16, 8, 1, 1)
    assert names["layer2.0.downsample.1.running_var"] == (16,)
    assert names["fc.bias"] == (10,)
    assert not any(name.startswith("layer2.1.downsample") for name in names)


def test_flat_views_are_lazy() -> None:
    text = "block b { relu | conv 3x1x1 }\nnet n { input 3x8x8 | b x100000000 }"
    first = [layer.path for layer in islice(layers(network(text)), 4)]
    assert first == ["b1.relu1", "b1.conv1", "b2.relu1", "b2.conv1"]


def test_two_stages_with_one_name() -> None:
    assert codes("input 3x8x8 | conv1: conv 3x1x1 | conv 3x1x1 | relu") == []
    assert codes("input 3x8x8 | conv3: conv 3x1x1 | conv 3x1x1 x2") == ["E0212"]
    assert codes("input 3x8x8\n{a: conv 3x1x1} x2") == ["E0212"]
    assert codes("input 3x8x8\nf: { 1: conv 3x1x1 | conv 3x1x1 }") == ["E0212"]
    assert codes("input 3x8x8\nf: { 0: conv 3x1x1 | conv 3x1x1 }") == []


def test_kinds_that_end_in_digits_may_clash() -> None:
    text = "block conv1 { relu }\nnet n { input 3x8x8 | conv1 | conv 3x1x1 x11 }"
    assert codes(text) == ["E0212"]


def test_a_clash_names_both_places() -> None:
    text = "input 3x8x8\nconv2: conv 3x1x1\nconv 3x1x1\nconv 4x1x1"
    (found,) = check(Source("test.arch", text)).diagnostics
    assert found.code == "E0212"
    assert "`conv2`" in found.message
    assert found.span is not None
    assert found.span.line == 3
    assert [note.span.line for note in found.related] == [2]

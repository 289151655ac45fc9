"""Recurrent layers and embeddings against those of PyTorch, number by number."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from archdsl.ops.helpers.gru import GRU
from archdsl.ops.helpers.lstm import LSTM
from archdsl.ops.helpers.rnn import RNN
from archdsl.pipeline import check
from archdsl.runtime.load import execute
from archdsl.source import Source


def built(text: str) -> nn.Module:
    """The net of a text."""
    from archdsl.backends.torch.emit import emit

    found = check(Source("t.arch", text))
    assert not found.diagnostics, found.diagnostics[0].message
    module: nn.Module = execute(emit(found.networks[""])).Net()
    return module


def refused(text: str) -> tuple[str, str]:
    """The code and message of the one mistake in a text."""
    (found,) = check(Source("t.arch", text)).diagnostics
    return found.code, found.message


KINDS = [(RNN, nn.RNN), (LSTM, nn.LSTM), (GRU, nn.GRU)]


@pytest.mark.parametrize(("ours", "theirs"), KINDS)
@pytest.mark.parametrize(("layers", "both"), [(1, False), (1, True), (3, True)])
def test_gives_what_torch_gives(
    ours: type[nn.Module], theirs: Callable[..., nn.Module], layers: int, both: bool
) -> None:
    torch.manual_seed(0)
    known = theirs(5, 7, layers, batch_first=True, bidirectional=both)
    made = ours(5, 7, layers, bidirectional=both)
    assert made.state_dict().keys() == known.state_dict().keys()
    made.load_state_dict(known.state_dict())
    x = torch.randn(2, 6, 5)
    expected, state = known(x)
    assert torch.allclose(made(x), expected, atol=1e-6)

    last = ours(5, 7, layers, bidirectional=both, last=True)
    last.load_state_dict(known.state_dict())
    # PyTorch's state after the last step: of the last layer, each direction's end.
    hidden = state[0] if theirs is nn.LSTM else state
    ends = hidden[-2:] if both else hidden[-1:]
    assert torch.allclose(last(x), torch.cat(list(ends), 1), atol=1e-6)


@pytest.mark.parametrize(("ours", "theirs"), KINDS)
def test_begins_from_states(
    ours: type[nn.Module], theirs: Callable[..., nn.Module]
) -> None:
    torch.manual_seed(0)
    count = 2 if theirs is nn.LSTM else 1
    known = theirs(5, 7, 2, batch_first=True, bidirectional=True)
    made = ours(5, 7, 2, bidirectional=True)
    made.load_state_dict(known.state_dict())
    x = torch.randn(3, 6, 5)
    for batch in (3, 1):
        states = [torch.randn(batch, 4, 7) for _ in range(count)]
        begin: list[Tensor] = [
            s.expand(3, -1, -1).transpose(0, 1).contiguous() for s in states
        ]
        expected = known(x, tuple(begin) if count == 2 else begin[0])[0]
        assert torch.allclose(made(x, *states), expected, atol=1e-6)
    known = theirs(5, 7, batch_first=True)
    made = ours(5, 7)
    made.load_state_dict(known.state_dict())
    states = [torch.randn(3, 7) for _ in range(count)]
    begin = [s[None] for s in states]
    expected = known(x, tuple(begin) if count == 2 else begin[0])[0]
    assert torch.allclose(made(x, *states), expected, atol=1e-6)


def test_relu_and_projection() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 6, 5)
    known: nn.Module = nn.RNN(5, 7, nonlinearity="relu", batch_first=True)
    made = built("input 6x5 | rnn 7 nonlinearity=relu")
    made.rnn1.load_state_dict(known.state_dict())  # type: ignore[union-attr]
    assert torch.allclose(made(x), known(x)[0], atol=1e-6)
    known = nn.LSTM(5, 7, proj_size=3, batch_first=True, num_layers=2)
    made = built("input 6x5 | lstm 7 proj=3 layers=2 dropout=0.5").eval()
    made.lstm1.load_state_dict(known.state_dict())  # type: ignore[union-attr]
    assert torch.allclose(made(x), known(x)[0], atol=1e-6)


def test_decoder_begins_where_the_encoder_ends() -> None:
    text = """
    input 9x8
    enc: gru 6 bidirectional last
    out: gru(in, enc) 12 last | fc 3
    """
    assert built(text)(torch.randn(2, 9, 8)).shape == (2, 3)
    text = "input 9x8 | lstm(id, {take 0 t | fc 6}, {take 0 t | fc 6}) 6"
    assert built(text)(torch.randn(2, 9, 8)).shape == (2, 9, 6)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("input 9x8 | gru(id, {take 0 t}) 6", "E0304", "a state of 6 here"),
        ("input 9x8 | gru(id, {take 0 t}) 8 layers=2", "E0304", "a state of 2x8"),
        ("input 9x8 | lstm(id, {take 0 t}) 8", "E0407", "the output and the cell"),
        ("input 9x8 | lstm 8 proj=8", "E0405", "less than the 8 hidden numbers"),
        ("input 9 | lstm 8", "E0301", "a sequence of vectors"),
        ("input 3x9x9 | lstm 8", "E0301", "a sequence of vectors"),
        ("input 9x8 | gru(param 9x8, {take 0 t}) 8", "E0304", "the same for all"),
    ],
)
def test_refuses(text: str, code: str, said: str) -> None:
    found, message = refused(text)
    assert found == code
    assert said in message


def test_embedding() -> None:
    net = built("input 6 int | embedding 11 4 padding=-1")
    table = net.get_parameter("embedding1.weight")
    x = torch.randint(0, 11, (2, 6))
    assert torch.equal(net(x), table[x])
    assert not bool(table[10].any())
    assert refused("input 6 int | embedding 4 2 padding=4")[0] == "E0405"
    assert refused("input 6 | embedding 4 2")[0] == "E0309"
    assert refused("input 2x2x2x2 int | embedding 4 2")[0] == "E0301"

"""Networks over sequences and pairs, written with torch.nn alone.

Beside each stand the names that its weights have in the spec, where they differ.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class TorchTransformer(nn.Module):
    """nn.Transformer between an embedding and the same table again."""

    def __init__(
        self, n: int, d: int, heads: int, hidden: int, rate: float, vocabulary: int
    ) -> None:
        super().__init__()
        given: dict[str, Any] = {"batch_first": True, "dropout": rate}
        self.table = nn.Embedding(vocabulary, d)
        self.transformer = nn.Transformer(
            d,
            heads,
            custom_encoder=nn.TransformerEncoder(
                nn.TransformerEncoderLayer(d, heads, hidden, **given),
                n,
                enable_nested_tensor=False,
            ),
            custom_decoder=nn.TransformerDecoder(
                nn.TransformerDecoderLayer(d, heads, hidden, **given), n
            ),
            batch_first=True,
        )

    def placed(self, words: Tensor) -> Tensor:
        d = self.table.embedding_dim
        place = torch.arange(words.shape[1]).unsqueeze(1)
        rate = torch.exp(torch.arange(0, d, 2) * (-math.log(10000.0) / d))
        places = torch.zeros(words.shape[1], d)
        places[:, 0::2] = torch.sin(place * rate)
        places[:, 1::2] = torch.cos(place * rate)
        out: Tensor = self.table(words) * math.sqrt(d) + places
        return out

    def forward(self, src: Tensor, tgt: Tensor, keep: Tensor | None = None) -> Tensor:
        hidden = None if keep is None else ~keep
        length = tgt.shape[1]
        out = self.transformer(
            self.placed(src),
            self.placed(tgt),
            tgt_mask=torch.ones(length, length).triu(1).bool(),
            src_key_padding_mask=hidden,
            memory_key_padding_mask=hidden,
        )
        return F.linear(out, self.table.weight)


class TorchMasked(TorchTransformer):
    """The same with the mask between source and target."""

    def forward(  # type: ignore[override]
        self, src: Tensor, keep: Tensor, tgt: Tensor
    ) -> Tensor:
        return super().forward(src, tgt, keep)


def attention_names(ours: str, theirs: str) -> dict[str, str]:
    """The paper has no biases there; PyTorch's begin with zeros."""
    names = ("in_proj_weight", "out_proj.weight")
    return {f"{theirs}.{name}": f"{ours}.{name}" for name in names}


def layer_names(ours: str, theirs: str) -> dict[str, str]:
    names = ("weight", "bias")
    return {f"{theirs}.{name}": f"{ours}.{name}" for name in names}


def transformer_names(n: int) -> dict[str, str]:
    """The names of PyTorch, and those of the spec."""
    names = {"table.weight": "table.weight"}
    for at in range(n):
        for side, ours in (("encoder", f"memory.{at}"), ("decoder", f"out.{at}")):
            theirs = f"transformer.{side}.layers.{at}"
            names |= attention_names(f"{ours}.attention1", f"{theirs}.self_attn")
            norms = ["ln1"]
            if side == "decoder":
                across = f"{theirs}.multihead_attn"
                names |= attention_names(f"{ours}.attention2", across)
                norms.append("ln2")
            norms.append("feed_forward1.ln1")
            for number, norm in enumerate(norms, 1):
                names |= layer_names(f"{ours}.{norm}", f"{theirs}.norm{number}")
            for number in (1, 2):
                fc = f"{ours}.feed_forward1.fc{number}"
                names |= layer_names(fc, f"{theirs}.linear{number}")
    return names


class TorchLanguageModel(nn.Module):
    """nn.LSTM between an embedding and a linear layer."""

    def __init__(self, width: int, rate: float, vocabulary: int) -> None:
        super().__init__()
        self.embedding1 = nn.Embedding(vocabulary, width)
        self.lstm1 = nn.LSTM(width, width, 2, dropout=rate, batch_first=True)
        self.fc1 = nn.Linear(width, vocabulary)
        self.drop = nn.Dropout(rate)

    def forward(self, words: Tensor) -> Tensor:
        x = self.drop(self.embedding1(words))
        out: Tensor = self.fc1(self.drop(self.lstm1(x)[0]))
        return out


class TorchSiamese(nn.Module):
    """Two passes through one tower."""

    def __init__(self) -> None:
        super().__init__()
        self.twin = nn.Sequential(
            nn.Conv2d(1, 64, 10),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 128, 7),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(128, 128, 4),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(128, 256, 4),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(9216, 4096),
            nn.Sigmoid(),
        )
        self.fc1 = nn.Linear(4096, 1, bias=False)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        out: Tensor = self.fc1((self.twin(first) - self.twin(second)).abs())
        return out


class TorchSeq2Seq(nn.Module):
    """Luong et al. 2015, equations 5 to 8, with an nn.GRU for each layer."""

    def __init__(self, n: int, words: int, rate: float) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(words, n), nn.Embedding(words, n)
        self.encoder, self.decoder = (
            nn.ModuleList(nn.GRU(n, n, batch_first=True) for _ in range(4))
            for _ in range(2)
        )
        self.score = nn.Linear(n, n, bias=False)
        self.attend = nn.Linear(2 * n, n, bias=False)
        self.predict = nn.Linear(n, words, bias=False)
        self.drop = nn.Dropout(rate)

    def forward(self, src: Tensor, tgt: Tensor) -> Tensor:
        x, y = self.source(src), self.target(tgt)
        ends = []
        for layer in self.encoder:
            x, end = layer(self.drop(x))
            ends.append(end)
        for layer, end in zip(self.decoder, ends, strict=True):
            y, _ = layer(self.drop(y), end)
        scores = self.score(y) @ x.transpose(1, 2)
        context = scores.softmax(2) @ x
        attentional = torch.tanh(self.attend(torch.cat([context, y], 2)))
        out: Tensor = self.predict(attentional)
        return out


def seq2seq_names() -> dict[str, str]:
    names = {
        "source": "embedding1",
        "target": "embedding2",
        "score": "fc1",
        "attend": "fc2",
        "predict": "fc3",
    }
    names = {f"{one}.weight": f"{other}.weight" for one, other in names.items()}
    ours = [f"e{at}" for at in range(1, 5)]
    ours += ["later_layer1", "later_layer2", "later_layer3", "state"]
    theirs = [f"{side}.{at}" for side in ("encoder", "decoder") for at in range(4)]
    for one, other in zip(theirs, ours, strict=True):
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            names[f"{one}.{name}_l0"] = f"{other}.gru1.{name}_l0"
    return names


class TorchWaveNet(nn.Module):
    """Figure 4 of the paper, the sum kept beside the residual."""

    def __init__(self, n: int, skips: int, stages: int, levels: int) -> None:
        super().__init__()
        self.levels = levels
        self.dilations = [2**at for at in range(10)] * stages
        self.conv1 = nn.Conv1d(levels, n, 2)
        layers = range(len(self.dilations))
        self.filter, self.gate = (
            nn.ModuleList(nn.Conv1d(n, n, 2, dilation=d) for d in self.dilations)
            for _ in range(2)
        )
        self.residual = nn.ModuleList(nn.Conv1d(n, n, 1) for _ in layers)
        self.skip = nn.ModuleList(nn.Conv1d(n, skips, 1) for _ in layers)
        self.conv2 = nn.Conv1d(skips, skips, 1)
        self.conv3 = nn.Conv1d(skips, levels, 1)

    def forward(self, samples: Tensor) -> Tensor:
        one_hot = F.one_hot(samples, self.levels).float().transpose(1, 2)
        x = self.conv1(F.pad(one_hot, (1, 0)))
        total = torch.zeros(())
        for at, dilation in enumerate(self.dilations):
            past = F.pad(x, (dilation, 0))
            z = torch.tanh(self.filter[at](past)) * torch.sigmoid(self.gate[at](past))
            x = x + self.residual[at](z)
            total = total + self.skip[at](z)
        out: Tensor = self.conv3(F.relu(self.conv2(F.relu(total))))
        return out


def wavenet_names(stages: int) -> dict[str, str]:
    names: dict[str, str] = {}
    for name in ("conv1", "conv2", "conv3"):
        names |= layer_names(name, name)
    for at in range(10 * stages):
        parts = ("filter", "gate", "residual", "skip")
        for number, part in enumerate(parts, 1):
            ours = f"layers.{at // 10}.{at % 10}.conv{number}"
            names |= layer_names(ours, f"{part}.{at}")
    return names

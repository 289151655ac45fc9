"""Training one network of networks.arch on the digits, and what is measured of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import archdsl
from examples.digits import read, standardised

SPEC = Path(__file__).with_name("networks.arch")

KINDS = ("plain", "resnet")
DEPTHS = (20, 32, 44, 56)
# Too slow for a CPU: the paper's deepest two, and its deepest plain net.
DEEP = ("plain110", "resnet110", "resnet1202")
SEEDS = (3, 4, 5, 6, 7)

# All fixed before the first run. Momentum and weight decay are those of the paper's
# section 4.2. Its rate for batches of 128 is 0.1, and a rate is commonly scaled with
# the batch (Goyal et al. 2017, section 2.1): 0.025 for 32, of which 0.02 is close by.
RATE = 0.02
MOMENTUM = 0.9
WEIGHT_DECAY = 1e-4
BATCH = 32
# What ten minutes on one core allow for the forty runs.
EPOCHS = 14


@dataclass(frozen=True)
class Digits:
    """Pictures of shape N x 1 x 8 x 8 and their classes, for training and testing."""

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor

    def first(self, count: int) -> Digits:
        """The first `count` of either part, for a trial that is over quickly."""
        return Digits(
            self.train_images[:count],
            self.train_labels[:count],
            self.test_images[:count],
            self.test_labels[:count],
        )

    def to(self, device: torch.device) -> Digits:
        """The same on the device."""
        return Digits(
            self.train_images.to(device),
            self.train_labels.to(device),
            self.test_images.to(device),
            self.test_labels.to(device),
        )


@dataclass(frozen=True)
class Run:
    """One network trained from one seed."""

    net: str
    seed: int
    parameters: int
    # For each epoch, the mean cross-entropy in nats of the training pictures, each
    # taken in training mode, in its batch, before the step that the batch causes.
    losses: tuple[float, ...]
    # After the last step, in evaluation mode.
    evaluated_loss: float
    test_right: int
    cpu_seconds: float

    @property
    def final_loss(self) -> float:
        """The loss of the last epoch, as in `losses`."""
        return self.losses[-1]


def load() -> Digits:
    """The digits of examples/digits.py, parted as there, at their own size of 8x8."""
    raw, labels, train, test = read()
    images = standardised(raw, train)
    return Digits(images[train], labels[train], images[test], labels[test])


def train(
    net: str, seed: int, digits: Digits, epochs: int, device: torch.device
) -> Run:
    """Train a net of networks.arch from a seed and measure it.

    The seed decides the weights to begin with and the order of the pictures, which is
    the same for all nets. The same seed gives the same numbers on the same CPU.
    """
    began = time.process_time()
    torch.manual_seed(seed)
    order = torch.Generator().manual_seed(seed)
    model = archdsl.load(SPEC, net=net).to(device)
    # This layout and the fused step save a seventh of the time on a CPU. (The types
    # that come with torch do not know the argument.)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=RATE,
        momentum=MOMENTUM,
        weight_decay=WEIGHT_DECAY,
        fused=True,
    )
    images, labels = digits.train_images, digits.train_labels
    losses = []
    model.train()
    for _ in range(epochs):
        total = torch.zeros((), device=device)
        for batch in torch.randperm(len(labels), generator=order).split(BATCH):
            chosen = batch.to(device)
            loss = F.cross_entropy(model(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(batch)
        losses.append(float(total) / len(labels))

    model.eval()
    evaluated = F.cross_entropy(outputs(model, images), labels)
    answers = outputs(model, digits.test_images).argmax(dim=1)
    return Run(
        net,
        seed,
        sum(parameter.numel() for parameter in model.parameters()),
        tuple(losses),
        float(evaluated),
        int((answers == digits.test_labels).sum()),
        time.process_time() - began,
    )


@torch.no_grad()
def outputs(model: nn.Module, images: Tensor) -> Tensor:
    """The model's logits, N x 10, without needing the memory for all at once."""
    return torch.cat([model(part) for part in images.split(256)])


def names(depths: Sequence[int]) -> list[str]:
    """The nets of these depths, plain before residual."""
    return [f"{kind}{depth}" for kind in KINDS for depth in depths]


def kind(net: str) -> str:
    """`plain` or `resnet`."""
    return net.rstrip("0123456789")


def depth(net: str) -> int:
    """The number of layers with weights."""
    return int(net.removeprefix(kind(net)))

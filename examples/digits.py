"""Train the LeNet-5 of specs/classics/lenet.arch on scikit-learn's digits.

    python examples/digits.py --out build/demo

prints the accuracy on digits held out and writes digits.png, ten of them with the
network's answers. It takes well under a minute on two CPU cores.
"""

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from tqdm import tqdm

import archdsl

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "specs" / "classics" / "lenet.arch"

BATCH = 32
PEAK_RATE = 4e-3

# The picture is drawn for screens of today: sizes are in pixels.
COLUMNS = 5
DIGIT = 256
GAP = 48
CAPTION = 96
INK, FAINT, RIGHT, WRONG = "#1a1a1a", "#d0d0d0", "#1a7f37", "#c62828"


def read() -> tuple[Tensor, Tensor, list[int], list[int]]:
    """The 1,797 digits, 8x8 and from 0 to 1, their classes, and which are for what.

    The split leaves 1,437 for training and 360 for the test, and every class keeps its
    share in both parts.
    """
    bunch = load_digits()
    train, test = train_test_split(
        range(len(bunch.target)),
        test_size=0.2,
        stratify=bunch.target,
        random_state=0,
    )
    raw = torch.tensor(bunch.images, dtype=torch.float32).unsqueeze(1) / 16
    return raw, torch.tensor(bunch.target, dtype=torch.long), train, test


def standardised(images: Tensor, train: list[int]) -> Tensor:
    """The images less the mean of those for training, by their deviation."""
    return (images - images[train].mean()) / images[train].std()


class Digits:
    """The digits as the network takes them, at 32x32."""

    def __init__(self) -> None:
        raw, labels, train, test = read()
        images = F.interpolate(raw, size=(32, 32), mode="bilinear")
        images = standardised(images, train)
        self.train_images, self.train_labels = images[train], labels[train]
        self.test_images, self.test_labels = images[test], labels[test]
        # As they came, 8x8 and from 0 to 1, for the picture.
        self.test_raw = raw[test].squeeze(1)


def train(model: nn.Module, digits: Digits, epochs: int, device: torch.device) -> None:
    """Fit the model to the training part, showing a progress bar."""
    images = digits.train_images.to(device)
    labels = digits.train_labels.to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=0.01)
    batches = -(-len(labels) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=PEAK_RATE, total_steps=epochs * batches
    )
    model.train()
    bar = tqdm(range(epochs), desc="training", unit="epoch")
    for _ in bar:
        total = 0.0
        for batch in torch.randperm(len(labels)).to(device).split(BATCH):
            loss = F.cross_entropy(model(jitter(images[batch])), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
        bar.set_postfix(loss=f"{total / len(labels):.3f}")


def jitter(images: Tensor) -> Tensor:
    """Turn, scale and move each image a little, so that no two epochs are alike."""
    n = len(images)
    angle = torch.empty(n).uniform_(-0.2, 0.2)
    scale = torch.empty(n).uniform_(0.9, 1.1)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    shift = torch.empty(2, n).uniform_(-0.12, 0.12)
    rows = [torch.stack([cos, -sin, shift[0]]), torch.stack([sin, cos, shift[1]])]
    theta = torch.stack(rows).permute(2, 0, 1).to(images.device)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


@torch.no_grad()
def answers(model: nn.Module, images: Tensor, device: torch.device) -> Tensor:
    """The probability of each class for each image."""
    model.eval()
    probabilities: Tensor = model(images.to(device)).softmax(dim=1).cpu()
    return probabilities


def contact_sheet(digits: Digits, probabilities: Tensor) -> Image.Image:
    """Draw the first held-out digit of each class over the network's answer."""
    rows = -(-10 // COLUMNS)
    cell = (DIGIT + GAP, DIGIT + CAPTION + GAP)
    sheet = Image.new("RGB", (COLUMNS * cell[0] + GAP, rows * cell[1] + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(44), ImageFont.load_default(28)
    for label in range(10):
        index = int((digits.test_labels == label).nonzero()[0])
        chance, answer = probabilities[index].max(dim=0)
        right = int(answer) == label
        x = GAP + label % COLUMNS * cell[0]
        y = GAP + label // COLUMNS * cell[1]

        ink = (255 * (1 - digits.test_raw[index])).round().to(torch.uint8)
        picture = Image.fromarray(ink.numpy())
        picture = picture.resize((DIGIT, DIGIT), Image.Resampling.NEAREST)
        sheet.paste(picture, (x, y))
        frame = (x - 1, y - 1, x + DIGIT, y + DIGIT)
        if right:
            draw.rectangle(frame, outline=FAINT, width=1)
        else:
            outside = (frame[0] - 5, frame[1] - 5, frame[2] + 5, frame[3] + 5)
            draw.rectangle(outside, outline=WRONG, width=6)

        base = y + DIGIT + 60
        colour = RIGHT if right else WRONG
        draw.text((x, base), f"{int(answer)}", colour, large, anchor="ls")
        note = f"{chance:.1%}" if right else f"{chance:.1%}, is {label}"
        draw.text((x + DIGIT, base), note, INK if right else WRONG, small, anchor="rs")
    return sheet


def pick_device(name: str) -> torch.device:
    """`auto` means CUDA where there is any."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def main() -> None:
    """Read the arguments, train, report, draw."""
    parser = argparse.ArgumentParser(description="Train LeNet-5 on 1,797 digits.")
    parser.add_argument("--out", type=Path, default=Path("."), help="output folder")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    device = pick_device(args.device)
    digits = Digits()
    model = archdsl.load(SPEC, net="lenet5").to(device)
    train(model, digits, args.epochs, device)

    probabilities = answers(model, digits.test_images, device)
    right = int((probabilities.argmax(dim=1) == digits.test_labels).sum())
    total = len(digits.test_labels)
    print(f"test accuracy: {right / total:.3f} ({right} of {total} right)")

    args.out.mkdir(parents=True, exist_ok=True)
    contact_sheet(digits, probabilities).save(args.out / "digits.png")


if __name__ == "__main__":
    main()

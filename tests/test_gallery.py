"""The gallery's pictures fit a slide and can be read there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
# Pictures that are asked for, and how they are drawn.
WANTED = {
    *(f"{net}-volumes" for net in ("lenet5", "alexnet_2012", "vgg16", "unet")),
    *("plain34", "resnet34", "resnet50", "resnet152", "resnet1202"),
    *("googlenet", "densenet121", "mobilenet_v3_large", "vit_b_16"),
}


def sizes() -> dict[str, tuple[float, float]]:
    found = {}
    for name in WANTED:
        text = (DOCS / "pictures" / f"{name}.svg").read_text(encoding="utf-8")
        match = re.search(r'width="([0-9.]+)" height="([0-9.]+)"', text)
        assert match is not None
        found[name] = float(match[1]), float(match[2])
    return found


def test_all_are_on_the_page_beside_their_specs() -> None:
    page = (DOCS / "gallery.md").read_text(encoding="utf-8")
    assert set(re.findall(r"!\[[^]]*\]\(pictures/([^)]+)\.svg\)", page)) == WANTED
    for path in set(re.findall(r"<summary>([^<]+)</summary>", page)):
        assert (ROOT / path).read_text(encoding="utf-8") in page


def test_each_fits_a_slide() -> None:
    for name, (wide, high) in sizes().items():
        assert 0.5 <= wide / high <= 2, name
        # The small text has ten pixels, of which 96 are an inch.
        assert 10 * 0.75 * min(1280 / wide, 720 / high) >= 6, name


def test_none_is_large() -> None:
    pictures = DOCS / "pictures"
    assert (pictures / "resnet50.svg").stat().st_size <= 25 * 1024
    wide, high = sizes()["resnet50"]
    assert wide <= 1500
    assert high <= 700
    assert (pictures / "googlenet.svg").stat().st_size <= 40 * 1024


def test_the_readme_shows_pictures() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^]]+\]\(docs/pictures/([^)]+)\.svg\)", readme)
    assert set(shown) <= WANTED
    assert len(shown) >= 2
    assert "docs/gallery.md" in readme

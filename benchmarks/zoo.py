"""`python -m benchmarks.zoo [FAMILY …]`: specs/torchvision held against torchvision.

For each of the 80 classification models: the names, shapes, types and order of the
`state_dict`, parameters and multiply-adds against tests/data/torchvision.json, and the
outputs of evaluation against torchvision's, in float32 on one thread. For the smallest
of each family also outputs, gradients and statistics of training.

All parameters are drawn anew and batch normalisation is calibrated before: outputs at
the published initialisation hide most mistakes (of ViT-B/16 they are all zeros).
"""

from __future__ import annotations

import argparse
import ast
import gc
import hashlib
import json
import re
import sys
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

import archdsl
from archdsl.runtime.comparison import TOLERANCE
from archdsl.runtime.randomise import calibrate, randomise
from archdsl.runtime.verify import verify
from benchmarks.report import markdown
from benchmarks.torchvision_cpu import import_torchvision

ROOT = Path(__file__).parents[1]
SPECS = ROOT / "specs" / "torchvision"
REFERENCE = ROOT / "tests" / "data" / "torchvision.json"
RESULTS = ROOT / "benchmarks" / "results" / "zoo.json"
PAGE = ROOT / "docs" / "zoo.md"

BATCH = 2
# What may come of training; chance is the same seed of dropout on both sides.
_TRAINED = tuple(
    measured + chance
    for measured in ("equal", f"within {TOLERANCE:g}")
    for chance in ("", " without dropout")
)
# torchvision's file of a family, where it is called otherwise; one may have several.
_FILES = {
    "mobilenet_v2": "mobilenetv2",
    "mobilenet_v3": "mobilenetv3",
    "shufflenet": "shufflenetv2",
    "swin": "swin_transformer",
    "swin_v2": "swin_transformer",
    "vit": "vision_transformer",
}
# What a family's spec uses besides.
_USED = {"inception": ROOT / "specs" / "modern" / "inception_v3.arch"}


class Row(NamedTuple):
    """What came of one model; errors are relative to the largest number."""

    model: str
    family: str
    params: int
    macs: int
    tensors: int
    same_names: bool
    same_params: bool
    same_macs: bool
    error: float
    equal: bool
    training: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether all that was compared agrees."""
        counted = self.same_names and self.same_params and self.same_macs
        trained = not self.training or self.training in _TRAINED
        return counted and self.error <= TOLERANCE and trained


def reference() -> dict[str, dict[str, Any]]:
    """The models of torchvision by name: family, side, params, macs, digest."""
    models = json.loads(REFERENCE.read_text(encoding="utf-8"))["models"]
    return dict(models)


def spec(family: str) -> Path:
    """The spec of a family."""
    return SPECS / f"{family}.arch"


def built(model: str) -> nn.Module:
    """Torchvision's module, its weights not yet drawn with care."""
    torchvision = import_torchvision()
    given = {"init_weights": False} if model in ("googlenet", "inception_v3") else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = torchvision.models.get_model(model, weights=None, **given)
    assert isinstance(module, nn.Module)
    return module


def digest(state: dict[str, Tensor]) -> str:
    """The digest of names, shapes and types, as the reference file has it."""
    lines = (
        f"{name} {tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"
        for name, tensor in state.items()
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def smallest(family: str) -> str:
    """The model of a family with the fewest multiply-adds."""
    models = {k: v for k, v in reference().items() if v["family"] == family}
    return min(models, key=lambda name: models[name]["macs"])


def compare(model: str, known: dict[str, Any], train: bool) -> Row:
    """Hold one net against torchvision's model."""
    begun = time.perf_counter()
    path = spec(known["family"])
    cost = archdsl.check(path, model).network(model).root.cost
    ours = archdsl.load(path, net=model).eval()
    names = digest(ours.state_dict())
    tensors = len(ours.state_dict())
    error, equal = _outputs(ours, built(model), known["side"])
    training = _training(path, model) if train else ""
    return Row(
        model,
        known["family"],
        cost.params,
        int(cost.macs),
        tensors,
        names == known["digest"],
        cost.params == known["params"],
        cost.macs == known["macs"],
        error,
        equal,
        training,
        time.perf_counter() - begun,
    )


def _outputs(ours: nn.Module, theirs: nn.Module, side: int) -> tuple[float, bool]:
    """How far outputs of evaluation are apart, and whether they are equal."""
    randomise(theirs, seed=0)
    generator = torch.Generator().manual_seed(1)

    def picture() -> Tensor:
        return torch.randn(BATCH, 3, side, side, generator=generator)

    calibrate(theirs, lambda _: theirs(picture()))
    theirs.eval()
    ours.load_state_dict(theirs.state_dict())
    x = picture()
    with torch.inference_mode():
        wanted, found = theirs(x), ours(x)
    # A net that told its pictures not apart would be easily equalled.
    assert float((wanted[0] - wanted[1]).abs().max()) > 1e-3 * float(wanted.abs().max())
    error = float((found - wanted).abs().max() / wanted.abs().max())
    return error, torch.equal(found, wanted)


def _training(path: Path, model: str) -> str:
    """One of `_TRAINED`, or what differs."""
    found = verify(path, lambda: built(model), model, passes=1, batch=BATCH)
    if found.state.findings:
        return str(found)
    for measure, chance in ((found.training, ""), (found.kept, " without dropout")):
        if measure is not None and measure.within(TOLERANCE):
            return ("equal" if measure.equal else f"within {TOLERANCE:g}") + chance
    return str(found)


# How long the specs are


def tokens(text: str) -> int:
    r"""Words and signs, as `\w+|[^\w\s]` parts them."""
    return len(re.findall(r"\w+|[^\w\s]", text))


def spec_tokens(family: str) -> int:
    """The tokens of a family's spec and of what it uses, comments aside."""
    paths = [spec(family), *filter(None, [_USED.get(family)])]
    texts = (path.read_text(encoding="utf-8") for path in paths)
    # No string of these specs holds a `#`.
    return sum(tokens(re.sub(r"#[^\n]*", "", text)) for text in texts)


def torchvision_tokens(family: str) -> int:
    """The tokens of torchvision's code for a family.

    Comments, docstrings, imports, and what tells of published weights are left out; so
    are the modules that families share.
    """
    name = _FILES.get(family, family)
    file = Path(import_torchvision().models.__file__).with_name(f"{name}.py")
    tree = _Bare().visit(ast.parse(file.read_text(encoding="utf-8")))
    return tokens(ast.unparse(tree))


class _Bare(ast.NodeTransformer):
    """Leaves the code alone that makes networks."""

    def visit_Import(self, node: ast.Import) -> None:
        return None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        return None

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_docstring = isinstance(node.value, ast.Constant)
        return None if is_docstring else self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        return None if _tells_of_weights(node.targets[0]) else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        return None if _tells_of_weights(node.target) else self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST | None:
        bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
        return None if "WeightsEnum" in bases else self.generic_visit(node)


def _tells_of_weights(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and (
        target.id == "__all__" or target.id.startswith("_COMMON")
    )


def lengths() -> list[tuple[str, int, int]]:
    """For each file of torchvision's: its families, and both counts of tokens."""
    together: dict[str, list[str]] = {}
    for family in dict.fromkeys(known["family"] for known in reference().values()):
        together.setdefault(_FILES.get(family, family), []).append(family)
    return [
        (
            ", ".join(families),
            sum(map(spec_tokens, families)),
            torchvision_tokens(families[0]),
        )
        for families in together.values()
    ]


# The page

_HEAD = """\
# The zoo

[specs/torchvision](../specs/torchvision) has the {count} classification models of
torchvision 0.28. `make zoo` holds each against torchvision itself and writes this page,
in some ten minutes on one core and with {memory} GB of memory. One alone, from the top
of a checkout:

```console
$ archdsl verify specs/torchvision/mnasnet.arch --net mnasnet0_5 \\
    --against benchmarks/torchvision_cpu.py:mnasnet0_5
```

`torchvision_cpu.py` lets torchvision be imported beside a CPU build of torch, too.
Where `import torchvision` works, `torchvision.models:mnasnet0_5` does as well.

- **names**: the `state_dict` has the same names, shapes and types in the same order.
- **parameters** and **MACs** are those of torchvision's module.
- **evaluation**: the largest difference of outputs, in float32 on one thread, relative
  to the largest output; 0 is `torch.equal`. All parameters are drawn before and batch
  normalisation is calibrated, since outputs at the initial weights hide most mistakes.
- **training**: outputs, gradients of all parameters and the statistics of batch
  normalisation, for the smallest model of each family, from the same seed. Where
  dropout draws in another order, it drops nothing on either side.

{ok} of {count} agree in all that; {equal} of {count} are equal to the bit.

Published weights load as they are, and those of GoogLeNet and Inception v3 want pixels
less 0.5, divided by 0.5. Those of DenseNet and ViT have names of older releases, and
[renames](../specs/torchvision/renames) has a table for each:
`archdsl.load(spec, net, weights="densenet121.pth", rename="…/densenet.txt")`.

"""

_LENGTHS = """
## How long they are

Tokens, as `\\w+|[^\\w\\s]` counts them. Left out are comments and docstrings, and in
torchvision imports and what describes published weights. What torchvision's families
share, such as `ops/misc.py`, is not counted; what a spec takes from another is.

"""


def page(result: dict[str, Any]) -> str:
    """The page of the documentation."""
    rows = [Row(**row) for row in result["rows"]]
    text = _HEAD.format(
        count=len(rows),
        memory=result["memory_gb"],
        ok=sum(row.ok for row in rows),
        equal=sum(row.equal for row in rows),
    )
    head = ("model", "parameters", "MACs", "names", "evaluation", "training")
    text += markdown(head, map(_cells, rows), head[1:3])
    text += _LENGTHS
    measured = [tuple(row) for row in result["lengths"]]
    ours, theirs = (sum(row[at] for row in measured) for at in (1, 2))
    shown = [
        (families, f"{mine:,}", f"{other:,}", f"{mine / other:.2f}")
        for families, mine, other in (*measured, ("all", ours, theirs))
    ]
    counted = ("family", "spec", "torchvision", "ratio")
    text += markdown(counted, shown, counted[1:])
    text += f"\nMeasured with torch {result['torch']} and torchvision"
    return f"{text} {result['torchvision']}.\n"


def _cells(row: Row) -> tuple[str, ...]:
    training = row.training
    if training and training not in _TRAINED:
        training = "DIFFERS"
    return (
        row.model,
        f"{row.params:,}" if row.same_params else "DIFFER",
        f"{row.macs:,}" if row.same_macs else "DIFFER",
        f"{row.tensors:,}" if row.same_names else "DIFFER",
        "0" if row.equal else f"{row.error:.1e}",
        training,
    )


def main(argv: list[str] | None = None) -> int:
    """Compare, print, and write the results; 1 if a model differs."""
    parser = argparse.ArgumentParser("benchmarks.zoo", description=__doc__)
    families = list(dict.fromkeys(known["family"] for known in reference().values()))
    parser.add_argument("families", nargs="*", metavar="FAMILY", help="some of them")
    args = parser.parse_args(argv)
    for family in args.families:
        if family not in families:
            parser.error(f"no family {family}; there are {', '.join(families)}")
    torch.set_num_threads(1)
    wanted = args.families or families
    rows: list[Row] = []
    for model, known in reference().items():
        if known["family"] in wanted:
            row = compare(model, known, train=model == smallest(known["family"]))
            rows.append(row)
            _tell(row)
            gc.collect()
    ok, equal = sum(row.ok for row in rows), sum(row.equal for row in rows)
    print(f"{ok} of {len(rows)} agree, {equal} equal to the bit")
    if not args.families:
        _write(rows)
    return int(ok != len(rows))


def _tell(row: Row) -> None:
    print(
        f"{'ok  ' if row.ok else 'FAIL'}  {row.model:<20}{row.params:>13,} parameters"
        f"{row.macs:>18,} MACs  {'equal' if row.equal else f'{row.error:.1e}':<8}"
        f"{row.training and 'training ' + row.training:<16}{row.seconds:>7.1f} s",
        flush=True,
    )


def _write(rows: list[Row]) -> None:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = {
        "torch": torch.__version__.partition("+")[0],
        "torchvision": import_torchvision().__version__.partition("+")[0],
        "memory_gb": round(peak / 2**20),
        "rows": [row._asdict() for row in rows],
        "lengths": lengths(),
    }
    text = json.dumps(result, indent=1, ensure_ascii=False)
    RESULTS.write_text(f"{text}\n", encoding="utf-8", newline="\n")
    PAGE.write_text(page(result), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main())

"""Inputs, outputs, shared weights and sizes that are not known."""

from __future__ import annotations

from archdsl.diagnostics.codes.record import Code

NETS = (
    Code(
        "E0310",
        "a symbol where a number is needed",
        """
`input 3xHxW` leaves H and W open, and shapes are carried along as formulas. Some
layers cannot be built without a number: `fc` has a weight for each number that
arrives. And a condition must come out one way or the other. Give the symbol a number
(`--set H=224`), write the number into the spec, or make the layer independent of the
size: `gap` makes a vector of a map of any size.
""",
        "input 3xHxW | conv 16x3x3 | flatten | fc 10\n",
        "input 3xHxW | conv 16x3x3 | gap | fc 10\n",
    ),
    Code(
        "E0314",
        "an output that cannot be returned so",
        """
`output(…)` ends a net and says what it returns: `output(a, b)`, by name
`output(logits=id, aux=head)`, as a dictionary `output(…) dict`. It stands on the last
line, outside of blocks, groups and conditions. Outputs have names of their own, all
of them or none. `if training` behind one leaves it out in evaluation; one output at
least is always there.
""",
        "net n {\n  input 16\n  output(fc 4, aux=fc 2 if training)\n  relu\n}\n",
        "net n {\n  input 16\n  relu\n  output(fc 4, aux=fc 2 if training)\n}\n",
    ),
    Code(
        "E0315",
        "an output that no input reaches",
        """
This output is computed from `param` and `buffer` alone, so it is the same whatever
comes in. They are values like others and take the place of what flows: join them with
it by `add`, `concat` or another merge.
""",
        "net n {\n  input 16\n  output(id, b=param 16)\n}\n",
        "net n {\n  input 16\n  output(id, b=add(id, param 16))\n}\n",
    ),
    Code(
        "E0316",
        "an input that is never used",
        """
Nothing reads this input of the net. Each `input` line begins a new value; what came
before it is fetched by its label.
""",
        "net n {\n  input a: 16\n  input b: 16\n  fc 4\n}\n",
        "net n {\n  input a: 16\n  input b: 16\n  add(a, b) | fc 4\n}\n",
    ),
    Code(
        "E0317",
        "weights that cannot be used again",
        """
`share enc` applies the stage labelled `enc` again, with its own weights, and `tie tok`
maps vectors to scores by the table of the embedding `tok`. The label stands on a
layer, block or group with weights, earlier in the same body.
""",
        "net n {\n  input 16\n  a: id\n  fc 16\n  add(id, a | share a)\n}\n",
        "net n {\n  input 16\n  a: fc 16\n  share a\n}\n",
    ),
    Code(
        "E0318",
        "weights used again at another shape",
        """
A shared layer takes what its weights fit: the same number of channels or features,
in a map of any size. A shared block or group takes the very shape that it was built
for.
""",
        "net n {\n  input 16\n  a: fc 8\n  share a\n}\n",
        "net n {\n  input 16\n  a: fc 16\n  share a\n}\n",
    ),
    Code(
        "E0319",
        "a constraint that no size fulfils",
        """
`assert H % 32 == 0` in a net that leaves H open restricts H, and so do layers that
need something of it. Together these conditions leave no size at all.
""",
        "net n {\n  input 3xH\n  assert H < 8\n  conv 4x3\n  assert H % 8 == 0\n}\n",
        "net n {\n  input 3xH\n  assert H < 80\n  conv 4x3\n  assert H % 8 == 0\n}\n",
    ),
)

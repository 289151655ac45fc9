"""Other weights to begin with: arguments that every layer with a `weight` has."""

from __future__ import annotations

from archdsl.ops.form import Form, Keyword, Slot, apply, fixed
from archdsl.ops.record import Arg, ArgType, Layer, Problem, Site
from archdsl.shapes.tensor import TensorType

# The function of nn.init for each word, and the arguments that it may take.
FUNCTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "kaiming": ("kaiming_normal_", ("fan",)),
    "kaiming_uniform": ("kaiming_uniform_", ("fan",)),
    "xavier": ("xavier_normal_", ("gain",)),
    "xavier_uniform": ("xavier_uniform_", ("gain",)),
    "orthogonal": ("orthogonal_", ("gain",)),
    "normal": ("normal_", ("std",)),
    "trunc_normal": ("trunc_normal_", ("std",)),
    "uniform": ("uniform_", ("bound",)),
    "zeros": ("zeros_", ()),
    "ones": ("ones_", ()),
}
# These count the inputs and outputs of each number, so a vector will not do.
OF_MATRICES = (
    "kaiming",
    "kaiming_uniform",
    "xavier",
    "xavier_uniform",
    "orthogonal",
)

_INIT = (
    Arg(
        "init",
        ArgType("number", words=tuple(FUNCTIONS)),
        None,
        "how the weights begin, as PyTorch does when left out; a number is for all",
        keyed=True,
    ),
)
OPTIONS = (
    Arg(
        "fan",
        ArgType("word", words=("in", "out")),
        None,
        "what `kaiming` keeps the variance of: the values (`in`) or the gradients",
        keyed=True,
    ),
    Arg("gain", ArgType("number", 0), None, "factor of `xavier` and `orthogonal`"),
    Arg("std", ArgType("number", 0), None, "deviation of `normal` and `trunc_normal`"),
    Arg(
        "bound",
        ArgType("number", 0),
        None,
        "`uniform` is from -bound to bound, and from 0 to 1 without it",
    ),
)
_BIAS = Arg("bias_init", ArgType("number"), None, "what the biases begin with")
_ARGS = (*_INIT, *OPTIONS, _BIAS)
_OPTIONS = tuple(arg.name for arg in OPTIONS)


def with_initialiser(layer: Layer) -> Layer:
    """The layer with the arguments that say how its `weight` and `bias` begin."""

    def shape(site: Site) -> TensorType | Problem:
        out = layer.shape(site)
        if isinstance(out, Problem):
            return out
        return _problem(site, out) or out

    def torch(site: Site) -> Form:
        return _initialised(site, layer.torch(site))

    return layer._replace(args=(*layer.args, *_ARGS), shape=shape, torch=torch)


def option_alone(site: Site) -> Problem | None:
    """An option that means nothing to how the weights are drawn."""
    init = site.args["init"].value
    allowed = FUNCTIONS[init][1] if isinstance(init, str) else ()
    for name in _OPTIONS:
        if site.given(name) and name not in allowed:
            fitting = [word for word, (_, takes) in FUNCTIONS.items() if name in takes]
            return Problem(
                "E0405",
                f"`{name}` goes with {' or '.join(f'`init={w}`' for w in fitting)}",
                at=name,
            )
    return None


def options_of(site: Site, init: str) -> dict[str, Slot]:
    """The arguments of the function of nn.init, as they are given here."""
    options: dict[str, Slot] = {}
    allowed = FUNCTIONS[init][1]
    if "fan" in allowed:
        fan = "fan_out" if site.is_word("fan", "out") else "fan_in"
        options["mode"] = fixed(fan)
        options["nonlinearity"] = fixed("relu")
    if "bound" in allowed and site.args["bound"].value is not None:
        bound = site.number("bound")
        options["a"], options["b"] = fixed(-bound), fixed(bound)
    for name in ("gain", "std"):
        if name in allowed and site.args[name].value is not None:
            options[name] = site.slot(name)
    return options


def _problem(site: Site, out: TensorType) -> Problem | None:
    """Why the weights cannot begin so."""
    init = site.args["init"].value
    problem = option_alone(site)
    if problem is not None:
        return problem
    if init is None and site.args["bias_init"].value is None:
        return None
    ranks: dict[str, int] = {}
    for weight in site.layer.weights(site, out):
        if weight.parameter:
            name = "bias" if "bias" in weight.name else "weight"
            # All of one name are alike in this.
            ranks[name] = len(weight.shape)
    for name, own in (("init", "weight"), ("bias_init", "bias")):
        if site.given(name) and own not in ranks:
            return Problem("E0405", f"this {site.layer.name} learns no {own}", at=name)
    if init in OF_MATRICES and ranks["weight"] < 2:
        return Problem(
            "E0405",
            f"`{init}` is for matrices and kernels, and {site.layer.name} has a vector",
            at="init",
            hints=("`ones`, `zeros`, a number, `normal` or `uniform` fit",),
        )
    return None


def _initialised(site: Site, form: Form) -> Form:
    """The form, its module initialised."""
    init, bias = site.args["init"], site.args["bias_init"]
    if "bias" in site.args and not site.truth("bias"):
        # A `default` line may speak of biases that this layer lacks.
        bias = bias._replace(value=None)
    if init.value is None and bias.value is None:
        return form
    # What has weights is a module, and no function would know of them.
    assert form.module is not None
    assert form.function is None
    options: dict[str, Slot] = {}
    function = None
    if isinstance(init.value, str):
        function = FUNCTIONS[init.value][0]
        options = options_of(site, init.value)
    elif init.value is not None:
        function = "constant_"
        options["val"] = site.slot("init")
    call = apply("initialised", form.module)
    if function is not None:
        call = call._replace(arguments=(*call.arguments, fixed(function)))
    if bias.value is not None:
        options = {"bias": site.slot("bias_init"), **options}
    named = tuple(Keyword(name, slot) for name, slot in options.items())
    return form._replace(
        module=call._replace(arguments=(*call.arguments, *named)),
        more_helpers=(*form.more_helpers, "initialised"),
    )

"""Names that the emitted source must not use for something else."""

from __future__ import annotations

import keyword
import re

from archdsl.backends.torch.formula import quoted

# The attributes of torch.nn.Module and nn.Sequential; a test compares them with the
# installed torch.
MODULE_ATTRIBUTES = frozenset(
    """
    append extend insert pop
    T_destination add_module apply bfloat16 buffers call_super_init children compile cpu
    cuda double dump_patches eval extra_repr float forward get_buffer get_extra_state
    get_parameter get_submodule half ipu load_state_dict modules mtia named_buffers
    named_children named_modules named_parameters parameters register_backward_hook
    register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
    register_parameter register_state_dict_post_hook register_state_dict_pre_hook
    requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty
    train training type xpu zero_grad
    """.split()
)

# These, and what both keep to themselves.
SEQUENTIAL_ATTRIBUTES = MODULE_ATTRIBUTES | frozenset(
    """
    _apply _backward_hooks _backward_pre_hooks _buffers _call_impl
    _compiled_call_impl _forward_hooks _forward_hooks_always_called
    _forward_hooks_with_kwargs _forward_pre_hooks _forward_pre_hooks_with_kwargs
    _get_backward_hooks _get_backward_pre_hooks _get_item_by_idx _get_name
    _is_full_backward_hook _load_from_state_dict _load_state_dict_post_hooks
    _load_state_dict_pre_hooks _maybe_warn_non_full_backward_hook _modules
    _named_members _non_persistent_buffers_set _parameters
    _register_load_state_dict_pre_hook _register_state_dict_hook
    _replicate_for_data_parallel _save_to_state_dict _slow_forward _state_dict_hooks
    _state_dict_pre_hooks _version _wrapped_call_impl
    """.split()
)

# What the emitted source itself imports or calls.
_SOURCE_NAMES = frozenset(
    "self nn torch F math Tensor Any OrderedDict super range int float bool str tuple"
    " list type max min round x make_divisible Callable".split()
)


def is_attribute(name: str) -> bool:
    """Whether `self.name` can hold a submodule of that name."""
    return (
        name.isidentifier()
        and name.isascii()
        and not keyword.iskeyword(name)
        and not name.startswith("_")
        and name not in MODULE_ATTRIBUTES
    )


def clashes(name: str) -> bool:
    """Whether nn.Sequential refuses a submodule of that name."""
    return name in SEQUENTIAL_ATTRIBUTES or name.startswith("__")


def member(name: str, among: str = "_modules") -> str:
    """What holds the submodule, parameter or buffer of that name.

    Dots in the name lead through submodules: `self.encoder.layer`.
    """
    holder, own = holder_of(name), name.rpartition(".")[2]
    if is_attribute(own):
        return f"{holder}.{own}"
    return f"{holder}.{among}[{quoted(own)}]"


def holder_of(name: str) -> str:
    """The module that holds what has that name: all before its last dot."""
    outside = name.rpartition(".")[0]
    if not outside:
        return "self"
    own = outside.rpartition(".")[2]
    if is_attribute(own):
        return member(outside)
    if own in MODULE_ATTRIBUTES or own.startswith("_"):
        # `getattr` would find what every module has of that name.
        return f'vars({holder_of(outside)})["_modules"][{quoted(own)}]'
    return f"getattr({holder_of(outside)}, {quoted(own)})"


def safe_name(name: str) -> str:
    """A name for a parameter or variable, changed as little as it takes."""
    if not (name.isidentifier() and name.isascii()):
        name = re.sub(r"[^A-Za-z0-9_]", "_", name)
        name = f"layer{name}" if not name[:1].isalpha() else name
    from archdsl.backends.torch.helpers import HELPERS

    if (
        keyword.iskeyword(name)
        or name in ("l", "I", "O")
        or name in _SOURCE_NAMES
        or name in HELPERS
        or name.startswith("__")
    ):
        return f"{name.lstrip('_')}_"
    return name


# As their papers spell them, where the rules of class_name do not.
_SPELLED = {"googlenet": "GoogLeNet", "preresnet": "PreResNet"}


def class_name(name: str) -> str:
    """The class for a block or net: `basic_block` → BasicBlock, `vgg16` → VGG16.

    A word without a vowel is taken for an initialism, and `net` at a word's end keeps
    its capital: AlexNet, ResNet50. Whatever is no letter or digit of ASCII, as labels
    in quotes may hold, ends a word.
    """
    shown = ""
    for word in re.split("[^A-Za-z0-9]+", name):
        apart = shown[-1:].isdigit() and word[:1].isdigit()
        shown += f"_{_capitalised(word)}" if apart else _capitalised(word)
    shown = shown or "Net"
    if keyword.iskeyword(shown):
        # None, True and False.
        shown += "_"
    return f"Net{shown}" if shown[0].isdigit() else shown


def _capitalised(word: str) -> str:
    letters = word.rstrip("0123456789")
    digits = word[len(letters) :]
    if letters in _SPELLED:
        return _SPELLED[letters] + digits
    if letters and letters.islower() and not set(letters) & set("aeiouy"):
        return letters.upper() + digits
    if len(letters) > 3 and letters.endswith("net"):
        return letters[:-3].capitalize() + "Net" + digits
    return word[:1].upper() + word[1:]

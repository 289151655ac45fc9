"""Tools for testing with specs: Hypothesis strategies, assertions, a pytest plugin.

specs(), invalid_specs(), arch_text()      strategies; they need hypothesis
assert_roundtrip(text)                     the formatter changes nothing but blanks
assert_matches_torch(text)                 shapes, parameters and MACs are PyTorch's
check_layer(record)                        so they are for one layer, however it is used
assert_expected(path)                      a file has the mistakes that it announces

docs/testing.md tells more. The plugin collects `*.arch` files with `pytest --arch`.
"""

from typing import TYPE_CHECKING

__all__ = [
    "InvalidSpec",
    "arch_text",
    "assert_expected",
    "assert_matches_torch",
    "assert_roundtrip",
    "check_layer",
    "invalid_specs",
    "specs",
]

if TYPE_CHECKING:
    from archdsl.testing.against_torch import assert_matches_torch, check_layer
    from archdsl.testing.expected import assert_expected
    from archdsl.testing.mutations import InvalidSpec
    from archdsl.testing.roundtrip import assert_roundtrip
    from archdsl.testing.strategies import arch_text, invalid_specs, specs

_HOME = {
    "InvalidSpec": "mutations",
    "arch_text": "strategies",
    "assert_expected": "expected",
    "assert_matches_torch": "against_torch",
    "assert_roundtrip": "roundtrip",
    "check_layer": "against_torch",
    "invalid_specs": "strategies",
    "specs": "strategies",
}


def __getattr__(name: str) -> object:
    # The plugin is imported by every run of pytest; strategies need hypothesis.
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return __all__

"""Keys to seeds (service 27): the function of the bench file, or the documented one of the virtual ECU."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Final

from hil.errors import UsageError

KeyFunction = Callable[[int, bytes], bytes]
"""`key(level, seed)`: level is the odd subfunction that asked for the seed."""
VIRTUAL: Final = "virtual"
_MASK: Final = (1 << 32) - 1


def virtual_key(level: int, seed: bytes) -> bytes:
    """The key of the virtual ECU: docs/diagnosis.md says how."""
    number = int.from_bytes(seed, "big") ^ 0x5EED_C0DE
    number = ((number << 7) | (number >> 25)) & _MASK
    return ((number * 0x9E37_79B1 + level) & _MASK).to_bytes(4, "big")


def key_function(name: str, where: str) -> KeyFunction:
    """The function called `module:function`, or `virtual`.

    Raises:
        UsageError: there is none of that name.
    """
    if name == VIRTUAL:
        return virtual_key
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        mend = "name it as module:function, or 'virtual' for the virtual ECU."
        raise UsageError(f"no key function '{name}': {error}", where=where, remedy=mend) from None
    if not callable(found):
        raise UsageError(f"'{name}' is no function", where=where, remedy="name one that takes level and seed.")
    return found  # type: ignore[no-any-return]

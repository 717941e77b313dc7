"""carekit: a plugin-based customer-care framework.

Everything a plugin may use is listed in ``__all__``, and nothing else is promised. The names load together when the
first of them is used, so that ``import carekit`` itself costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carekit._public import *  # noqa: F403
    from carekit._public import __all__ as __all__

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name.startswith("__") and name != "__all__":
        raise AttributeError(f"module 'carekit' has no attribute {name!r}")
    try:
        value = globals()[name] = getattr(import_module("carekit._public"), name)
    except AttributeError:
        raise AttributeError(f"module 'carekit' has no public name {name!r}; see carekit.__all__") from None
    return value


def __dir__() -> list[str]:
    return sorted(__getattr__("__all__"))

"""Makes ``tests`` a name that test modules can import their helpers from: ``from tests._servers import require``."""

from __future__ import annotations

from tests._servers import require

__all__ = ["require"]

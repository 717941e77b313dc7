"""What plugin authors test with: a frozen clock, a whole desk in memory, contract suites, a transport that misbehaves.

Everything listed here is public; the pytest plugin offers the fixtures ``desk`` and ``clock``.
"""

from __future__ import annotations

from carekit.testing.clock import FrozenClock
from carekit.testing.desk import DeskKit

__all__ = ["DeskKit", "FrozenClock"]

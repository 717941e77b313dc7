"""Live chat for carekit: a small widget for any page, and the socket behind it."""

from __future__ import annotations

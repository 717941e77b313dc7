"""The agents' console: an app of carekit, built on nothing but the desk's public contract."""

from __future__ import annotations

"""The first article of a new desk: bot and help centre need one to begin with."""

from __future__ import annotations

from collections.abc import Mapping

STARTER_FILES: Mapping[str, str] = {
    "articles/opening-hours.md": """\
---
title: Opening hours
aliases: When are you open?, When can I reach somebody?
language: en
updated: 2026-01-01
---

We answer from Monday to Friday, from 9:00 to 17:00.
"""
}

"""Adding a channel touches no file of core, so core names no plugin, not even in a comment or a template."""

from __future__ import annotations

import re

from tests.house._source import CORE, listing, plugin_folders, shown

TEXT = {".css", ".html", ".js", ".json", ".md", ".py", ".svg", ".toml", ".txt", ""}


def test_core_names_no_plugin() -> None:
    """Neither the distribution nor the import name of a plugin of ours appears in core."""
    kinds = sorted(folder.name.removeprefix("carekit-") for folder in plugin_folders())
    assert kinds, "no plugin found: this test would pass on anything"
    named = re.compile(rf"carekit[-_](?:{'|'.join(map(re.escape, kinds))})(?![a-z])", re.IGNORECASE)
    wrong = []
    for path in sorted(CORE.rglob("*")):
        if not path.is_file() or path.suffix not in TEXT:
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        wrong += [f"{shown(path)}:{at}: {line.strip()}" for at, line in enumerate(lines, 1) if named.search(line)]
    assert not wrong, listing(wrong, "core names a plugin")

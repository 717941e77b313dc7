"""Every block of TOML in the documentation is a file without faults, or a part of one."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from carekit.service import config, plugins
from tests.docs._pages import Block, all_blocks

BASE = {
    "service": '[service]\nname = "Docs"\n',
    "store": '[store]\nuse = "memory"\n',
    "channels.website": '[channels.website]\nuse = "loopback"\n',
    "channels.support-mail": '[channels.support-mail]\nuse = "loopback"\n',
    "calendars.office": '[calendars.office]\nhours = { mon-fri = ["09:00-17:00"] }\n',
    "bots.assistant": '[bots.assistant]\nuse = "faqbot"\narticles = "articles"\n',
    "surveys.csat": '[surveys.csat]\nuse = "csat"\n',
}
"""What a part of a file may lean on, unless it brings it itself."""

ARTICLE = "---\ntitle: Returns\naliases: Send it back\nlanguage: en\nupdated: 2025-10-02\n---\n\nWithin 60 days.\n"


class Environment(dict[str, str]):
    """Has every variable."""

    def get(self, name: str, default: Any = None) -> str:
        return "postgresql://care@127.0.0.1/care" if "DATABASE" in name else "a secret of over thirty-two characters"


def is_ours(block: Block) -> bool:
    """Whether it belongs into a carekit.toml; pyproject.toml and seed files do not."""
    return not ({"project", "build-system", "agents", "tool"} & set(tomllib.loads(block.text)))


def whole(block: Block) -> str:
    """The block with what it leans on."""
    tables = tomllib.loads(block.text)
    used = [text for place, text in BASE.items() if not _has(tables, place)]
    return block.text + "\n" + "\n".join(used)


def _has(tables: dict[str, Any], place: str) -> bool:
    section, _, name = place.partition(".")
    return section in tables and (not name or name in tables[section])


@pytest.mark.parametrize(
    "block",
    [block for block in all_blocks("toml") if not block.said.startswith(("shown only", "file: "))],
    ids=lambda block: block.place,
)
def test_a_block_has_no_faults(block: Block, tmp_path: Path) -> None:
    """carekit check would find nothing: names lead somewhere, keys exist, values fit."""
    if not is_ours(block):
        return
    installed = plugins.load()
    tables = tomllib.loads(whole(block))
    wanted = {(s, t["use"]) for s, named in tables.items() if s in installed.offers for t in named.values()}
    wanted |= {("stores", tables["store"]["use"])}
    if missing := [use for section, use in wanted if use not in installed.offers[section]]:
        pytest.skip(f"not installed: {', '.join(sorted(missing))}; pip install -r plugins/all.txt")
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "returns.md").write_text(ARTICLE, "utf-8")
    (tmp_path / "site").mkdir()
    (tmp_path / "seed.toml").write_text("", "utf-8")
    path = tmp_path / "carekit.toml"
    path.write_text(whole(block), "utf-8")
    config.load(path, installed, Environment())

"""Every block of Python in the documentation runs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from carekit.service import plugins
from tests.docs._pages import Block, all_blocks, blocks, pages

PYTHON = all_blocks("python")
HOOKS = next(page for page in pages() if page.name == "hooks.md")


def chains() -> Iterator[list[Block]]:
    """Blocks that run in one namespace, in order."""
    chain: list[Block] = []
    for block in PYTHON:
        if block.said.startswith(("shown only", "file: ", "pytest")):
            continue
        if chain and (block.said != "continues" or block.page != chain[0].page):
            yield chain
            chain = []
        chain.append(block)
    if chain:
        yield chain


@pytest.mark.parametrize("chain", list(chains()), ids=lambda chain: chain[0].place)
def test_a_block_runs(chain: list[Block], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the page shows can be run as it stands, and what it asserts holds."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "sample"}
    for block in chain:
        source = "\n" * block.line + block.text
        exec(compile(source, str(block.page), "exec", dont_inherit=True), names)


@pytest.mark.parametrize("block", [block for block in PYTHON if block.said == "pytest"], ids=lambda block: block.place)
def test_a_block_of_tests_passes(block: Block, tmp_path: Path) -> None:
    """A file of tests on a page is green in a folder of its own."""
    (tmp_path / "test_sample.py").write_text(block.text, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_sample.py"]
    done = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.place)
def test_a_block_can_be_read(block: Block) -> None:
    """Also what is not run here is Python."""
    ast.parse(block.text, block.place)


@pytest.mark.parametrize(
    "block", [block for block in blocks(HOOKS) if block.language == "python"], ids=lambda block: str(block.line)
)
def test_the_example_of_a_hook_is_a_plugin(block: Block) -> None:
    """Each example in hooks.md is taken as a plugin without a complaint."""
    module = ModuleType("example")
    exec(compile(block.text, block.place, "exec", dont_inherit=True), module.__dict__)
    loaded = plugins.load(extra={"example": module}, discover=False)
    info = next(info for info in loaded.infos if info.name == "example")
    heard = [name for name, _ in (*loaded.on_event, *loaded.on_measured) if name == "example"]
    assert not info.error
    assert info.offers or heard or loaded.commands

"""From source and docstrings to Markdown."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import attrs


def markdown(doc: str | None) -> str:
    """A docstring as Markdown: roles and double backquotes become single ones."""
    text = inspect.cleandoc(doc or "")
    text = re.sub(r":(?:meth|data|class|func|mod):`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", text)
    return text.replace("``", "`")


def first_paragraph(doc: str | None) -> str:
    """The first paragraph of a docstring on one line."""
    return " ".join(markdown(doc).split("\n\n")[0].split())


def first_sentence(doc: str | None) -> str:
    """The first sentence of a docstring."""
    paragraph = first_paragraph(doc)
    match = re.match(r"(.+?[.!?])(?=\s+[A-Z`*]|$)", paragraph)
    return match[1] if match else paragraph


def cell(text: str) -> str:
    """*text* for a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(' --- ' for _ in head)}|"]
    lines += [f"| {' | '.join(cell(part) for part in row)} |" for row in rows]
    return "\n".join(lines)


def code(text: str) -> str:
    """*text* as code in a line."""
    return f"`{text}`"


@cache
def tree(module: ModuleType) -> ast.Module:
    """The parsed source of *module*."""
    return ast.parse(Path(inspect.getfile(module)).read_text("utf-8"))


def node_of(cls: type) -> ast.ClassDef:
    """The class as it stands in its module's source."""
    module = import_module(cls.__module__)
    return next(node for node in tree(module).body if isinstance(node, ast.ClassDef) and node.name == cls.__name__)


def _docs(body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
        else:
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            yield name, after.value.value


def attribute_docs(cls: type) -> dict[str, str]:
    """The texts under the attributes of a class, by attribute."""
    return dict(_docs(node_of(cls).body))


def module_docs(module: ModuleType) -> dict[str, str]:
    """The texts under the values of a module, by name."""
    return dict(_docs(tree(module).body))


@attrs.frozen
class Member:
    """A field, property or method of a class, as its source has it."""

    name: str
    signature: str
    doc: str


def fields(cls: type) -> list[Member]:
    """The annotated attributes of a class in order: ``name: type = default``, and the text under it."""
    docs = attribute_docs(cls)
    found = []
    for node in node_of(cls).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id[0] != "_":
            annotation = re.sub(r"^ClassVar\[(.*)\]$", r"\1", ast.unparse(node.annotation))
            default = f" = {_default(node.value)}" if node.value is not None else ""
            name = node.target.id
            found.append(Member(name, f"{name}: {annotation}{default}", markdown(docs.get(name))))
    return found


def _default(value: ast.expr) -> str:
    if isinstance(value, ast.Call) and ast.unparse(value.func).endswith("field"):
        for keyword in value.keywords:
            if keyword.arg in {"factory", "default_factory"}:
                return {"dict": "{}", "list": "[]"}.get(ast.unparse(keyword.value), f"{ast.unparse(keyword.value)}()")
            if keyword.arg == "default":
                return ast.unparse(keyword.value)
        return "…"
    return ast.unparse(value)


def methods(cls: type) -> list[Member]:
    """The public methods and properties that a class itself defines."""
    found = []
    for node in node_of(cls).body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name[0] == "_":
            continue
        marks = {ast.unparse(mark) for mark in node.decorator_list}
        returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        doc = markdown(ast.get_docstring(node))
        if marks & {"property", "cached_property"}:
            found.append(Member(node.name, f"{node.name}{returns.replace(' ->', ':')}", doc))
            continue
        arguments = ast.unparse(node.args)
        if "staticmethod" not in marks:
            arguments = re.sub(r"^(self|cls)(, )?", "", arguments)
        begin = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
        found.append(Member(node.name, f"{begin}{node.name}({arguments}){returns}", doc))
    return found


def members(cls: type) -> str:
    """The fields and methods of a class as a list."""
    lines = []
    for member in [*fields(cls), *methods(cls)]:
        said = " ".join(member.doc.split("\n\n")[0].split())
        lines.append(f"- `{member.signature}`" + (f"  \n  {said}" if said else ""))
    return "\n".join(lines)


def draw_table(text: str) -> list[tuple[str, str]]:
    """The rows of a two-column table of reStructuredText (between lines of ``=``), continued lines joined."""
    lines = inspect.cleandoc(text).splitlines()
    edges = [number for number, line in enumerate(lines) if re.fullmatch(r"=+\s+=+", line)]
    width = lines[edges[0]].index(" ")
    rows: list[tuple[str, str]] = []
    for line in lines[edges[0] + 1 : edges[1]]:
        left, right = line[:width].strip(), line[width:].strip()
        if left and len(line) > width and line[width] != " ":  # longer than its column: it ends where its code does
            left, right = re.split(r"(?<=``) (?!`)", line.strip(), maxsplit=1)
        if left:
            rows.append((left, right))
        else:
            rows[-1] = (rows[-1][0], f"{rows[-1][1]} {right}")
    return [(markdown(left), markdown(right)) for left, right in rows]

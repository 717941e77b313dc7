"""``carekit new``: the beginning of a plugin, a whole distribution whose contract suite is green at once."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

import attrs
import click

from carekit import __version__
from carekit.ground.errors import ConfigError
from carekit.ground.suggest import did_you_mean
from carekit.service import plugins


@attrs.frozen
class Kind:
    """What can be begun: its base class, the section of the file, and how its own class is called."""

    base: str
    section: str
    suffix: str


KINDS = {
    "channel": Kind("Channel", "channels", "Channel"),
    "bot": Kind("Bot", "bots", "Bot"),
    "policy": Kind("Policy", "policies", "Policy"),
    "survey": Kind("SurveyProvider", "surveys", "Survey"),
    "store": Kind("Store", "stores", "Store"),
    "bus": Kind("Bus", "buses", "Bus"),
}

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_AT_THE_ROOT = frozenset({"pyproject.toml", "README.md", "LICENSE"})


@click.command("new")
@click.argument("kind", metavar="|".join(KINDS))
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Where to put the folder of the distribution; the present one if absent.",
)
@click.option(
    "--prefix",
    default="my",
    show_default=True,
    help="Whose it is, such as acme: the distribution is called PREFIX-carekit-NAME.",
)
def command(kind: str, name: str, folder: Path, prefix: str) -> None:
    """Begin a plugin: a distribution in a folder of its own, whose tests pass as it stands.

    The file of a desk will choose it by NAME. Names that begin with carekit- are for carekit's own plugins, so yours is
    called PREFIX-carekit-NAME.
    """
    values = describe(kind, name, prefix)
    target = folder / values["distribution"]
    if target.exists():
        raise ConfigError(f"{target}: is there already; choose another name or folder")
    _refuse_taken(KINDS[kind], name)
    try:
        for path, text in render(kind, values):
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_text(text, "utf-8", newline="\n")
    except OSError as error:
        raise ConfigError(f"{error.filename or target}: cannot be written: {error.strerror}") from None
    click.echo(f"wrote {target}")
    click.echo("next:")
    click.echo(f'  pip install -e "{target}[test]"')
    click.echo(f"  pytest {target}")
    click.echo(f'  then choose it in a carekit.toml: use = "{name}"')


def describe(kind: str, name: str, prefix: str) -> dict[str, str]:
    """What the skeletons are filled with; raises `click.BadParameter` for a kind, name or prefix that cannot be."""
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS) or f"; choose {', '.join(KINDS)}"
        raise click.BadParameter(f"{kind!r} cannot be begun{hint}", param_hint="KIND")
    for what, text in (("NAME", name), ("--prefix", prefix)):
        if not _NAME.fullmatch(text) or keyword.iskeyword(text):
            raise click.BadParameter(
                f"{text!r} must be lower-case letters, digits and single dashes, beginning with a letter, and none of "
                'the words that Python keeps for itself; such as "acme" or "acme-sms"',
                param_hint=what,
            )
    if prefix == "carekit":
        raise click.BadParameter("names that begin with carekit- are for carekit's own plugins", param_hint="--prefix")
    about = KINDS[kind]
    major, minor, _ = __version__.split(".")
    words = "".join(part.capitalize() for part in name.split("-"))
    return {
        "kind": kind,
        "name": name,
        "distribution": f"{prefix}-carekit-{name}",
        "package": f"{prefix}_carekit_{name}".replace("-", "_"),
        "plugin": f"{prefix}-{name}",
        "module": kind,
        "base": about.base,
        "section": about.section,
        "cls": words if words.endswith(about.suffix) else words + about.suffix,
        "upper": name.replace("-", "_").upper(),
        "core": f"carekit>={major}.{minor},<{major}.{int(minor) + 1}",
    }


def render(kind: str, values: dict[str, str]) -> Iterator[tuple[Path, str]]:
    """Every file of the distribution: its path from the folder of the distribution, and its text."""
    skeletons = files("carekit.cli").joinpath("skeletons")
    values = {**values, "sample": _fill(skeletons.joinpath(kind, "sample.toml.tmpl"), values).rstrip()}
    if kind == "store":
        values |= _memory_store(values["cls"])
    for folder in ("common", kind):
        for file in sorted(skeletons.joinpath(folder).iterdir(), key=lambda file: file.name):
            name = file.name.removesuffix(".tmpl")
            if name != "sample.toml" and name != file.name:
                yield _place(name, values["package"]), _fill(file, values)
    yield Path("src", values["package"], "py.typed"), ""


def _place(name: str, package: str) -> Path:
    if name in _AT_THE_ROOT:
        return Path(name)
    return Path("tests", name) if name.startswith("test_") else Path("src", package, name)


def _fill(file: Traversable, values: dict[str, str]) -> str:
    return Template(file.read_text("utf-8")).substitute(values)


def _memory_store(cls: str) -> dict[str, str]:
    """The source of the store in memory under the name *cls*, importing what a plugin may: the best place to begin."""
    source = files("carekit.builtin").joinpath("memory.py").read_text("utf-8")
    standard, ours, end = [], set[str](), 0
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("carekit."):
            ours |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", "") != "__future__":
            standard.append(ast.unparse(node))
        if isinstance(node, ast.Import | ast.ImportFrom):
            end = node.end_lineno or end
    public = sorted(ours, key=lambda name: (not name.isupper(), name))
    names = "".join(f"    {name},\n" for name in public)
    body = "\n".join(source.splitlines()[end:]).strip() + "\n"
    body = body.replace("_MemoryTransaction", f"_{cls}Transaction").replace("MemoryStore", cls)
    return {
        "standard": "\n".join(standard),
        "ours": f"from carekit import (\n{names})",
        "body": body.replace('name: str = "memory", settings: object = None', "name: str, settings: object"),
    }


def _refuse_taken(kind: Kind, name: str) -> None:
    """Two plugins that offer the same thing under one name would stop every file that is loaded."""
    offer = plugins.load().offers[kind.section].get(name)
    if offer is not None:
        raise ConfigError(f"{name!r} in {kind.section} is offered by plugin {offer.plugin!r}; choose another name")

"""``carekit init``: a working file, composed from what is installed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from zoneinfo import available_timezones

import click

from carekit.cli.starter import Starter, compose, gather
from carekit.ground.errors import ConfigError
from carekit.service import config, plugins
from carekit.service.faults import Fault, FaultyFile
from carekit.service.plugins import Plugins

FILE = "carekit.toml"


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
def command(folder: Path, force: bool) -> None:
    """Write a working carekit.toml into FOLDER (the present one if absent), composed from what is installed."""
    target = folder / FILE
    if target.exists() and not force:
        raise ConfigError(f"{target}: is there already; choose another folder, or --force to overwrite it")
    installed = plugins.load()
    for info in installed.broken:
        click.echo(f"plugin {info.name!r} is set aside: {info.error}", err=True)
    starters, left = gather(installed)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        made = [path for starter in starters for path in _make_files(folder, starter)]
        starters, more = _write(target, installed, starters)
    except OSError as error:
        raise ConfigError(f"{error.filename or folder}: cannot be written: {error.strerror}") from None
    for line in (*left, *more):
        click.echo(f"left out {line}", err=True)
    click.echo(f"wrote {target}")
    for path in made:
        click.echo(f"wrote {path}")
    click.echo(_next(target, durable=any(s.kind == "stores" for s in starters)))


def _write(target: Path, installed: Plugins, starters: Sequence[Starter]) -> tuple[list[Starter], list[str]]:
    """Write the file without the starters that have faults here; returns those kept, and what was left out and why."""
    name, zone = service_name(target.parent), local_zone()
    kept, left = list(starters), list[str]()
    trial = target.with_name(f".{FILE}.new")
    try:
        while True:
            trial.write_text(compose(name, zone, kept), "utf-8")
            faults = _faults(trial, installed)
            faulty = {s: f for s in kept for f in faults if f.table in s.places}
            if not faulty:
                break
            kept = [s for s in kept if s not in faulty]
            left += [f"{s.plugin}: {f}".replace(str(trial), str(target)) for s, f in faulty.items()]
        if faults:  # what is written besides the starters is ours
            raise ConfigError("\n".join(map(str, faults)))
        trial.replace(target)
    finally:
        trial.unlink(missing_ok=True)
    return kept, left


def _faults(file: Path, installed: Plugins) -> list[Fault]:
    try:
        config.load(file, installed)
    except FaultyFile as error:
        return error.faults
    return []


def _make_files(folder: Path, starter: Starter) -> list[Path]:
    made = []
    for name, text in starter.files.items():
        path = folder / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            made.append(path)
    return made


def service_name(folder: Path) -> str:
    """A name for the service of *folder*: ``northwind-care`` gives ``Northwind care``."""
    words = folder.resolve().name.replace("-", " ").replace("_", " ").split()
    text = " ".join(words)
    return text[:1].upper() + text[1:] if text else "Care desk"


def local_zone(environment: Mapping[str, str] | None = None, etc: Path = Path("/etc")) -> str:
    """The name of this machine's time zone (``Europe/Madrid``), empty if it does not say."""
    given = (os.environ if environment is None else environment).get("TZ", "").removeprefix(":")
    linked = str((etc / "localtime").resolve()).partition("zoneinfo/")[2]
    try:
        written = (etc / "timezone").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        written = ""
    known = available_timezones()
    return next((zone for zone in (given, linked, written) if zone in known and zone not in ("", "localtime")), "")


def _next(target: Path, *, durable: bool) -> str:
    file = "" if target == Path(FILE) else f" {target}"
    lines = ["next:"]
    if durable:
        lines.append(f"  carekit agents add{file or ' ' + FILE} ana --name Ana --email ana@example.com --role admin")
    else:
        lines.append("  the store is in memory, so agents come from a file: see the key seed of [service]")
    lines += [f"  carekit check{file}", f"  carekit serve{file}"]
    return "\n".join(lines)

"""``carekit serve``: run the service that a file describes."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import click
from starlette.applications import Starlette

from carekit import __version__
from carekit.cli.common import file_argument
from carekit.ground.errors import ConfigError
from carekit.ground.values import replace
from carekit.service import config, plugins
from carekit.service.config import Settings
from carekit.service.seed import plant
from carekit.service.service import Role, Service
from carekit.service.tuning import tune_gc
from carekit.web.app import build_app
from carekit.web.server import run, serve
from carekit.web.tokens import ApiToken


@click.command("serve")
@file_argument
@click.option("--host", help="Listen here instead of the file's address.")
@click.option("--port", type=click.IntRange(0, 65535), help="Listen on this port instead of the file's.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.ALL.value,
    show_default=True,
    help="What this process does, where several share one store: answer requests, work in the background, or both.",
)
@click.option("--quiet", is_flag=True, help="Print nothing but warnings.")
def command(file: Path, host: str | None, port: int | None, role: str, quiet: bool) -> None:
    """Run the service that FILE describes, until it is interrupted (INT or TERM)."""
    began = time.monotonic()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    installed = plugins.load()
    for info in installed.broken:
        click.echo(f"plugin {info.name!r} is set aside: {info.error}", err=True)
    settings = _moved(config.load(file, installed), host, port)
    if role != Role.ALL and not settings.store.component.shared:
        raise ConfigError(
            f"--role {role} needs a store that several processes can share; this one is for a single process: leave"
            " --role out, or change [store]"
        )
    service = Service(settings, installed, role=Role(role))
    run(_serve(service, began, quiet))


def _moved(settings: Settings, host: str | None, port: int | None) -> Settings:
    """The settings with another address to listen on; the public one moves along if it was the same."""
    if host is None and port is None:
        return settings
    before = settings.service.listen
    old_host, _, old_port = before.rpartition(":")
    listen = f"{host or old_host}:{old_port if port is None else port}"
    url = settings.service.url.replace(before, listen) if before in settings.service.url else settings.service.url
    return replace(settings, service=replace(settings.service, listen=listen, url=url))


async def _serve(service: Service, began: float, quiet: bool) -> None:
    settings = service.settings
    service.open()
    try:
        seeded = await plant(settings.service.seed, service.desk) if settings.service.seed else []
        app = _app(service)
        host, _, port = settings.service.listen.rpartition(":")

        def started(actual: int) -> None:
            if not quiet:
                click.echo(_summary(_moved(settings, None, actual), time.monotonic() - began))
                for agent in seeded:
                    click.echo(f"  demo agent  {agent.email}, password {agent.password.reveal()}")

        tune_gc()
        await service.start()
        await serve(
            app,
            host.strip("[]"),
            int(port),
            proxies=settings.service.proxies,
            on_start=started,
            on_stop=service.hub.close,
        )
    finally:
        await service.stop()
    if not quiet:
        click.echo("stopped")


def _app(service: Service) -> Starlette:
    """What answers requests: everything, or the health alone where this process only works in the background."""
    settings = service.settings
    quiet = service.role is Role.WORKER
    tokens = [ApiToken(n, t.value, frozenset(t.may), frozenset(t.inboxes)) for n, t in settings.tokens.items()]
    return build_app(
        service.desk,
        channels=() if quiet else service.channels.values(),
        bots=() if quiet else [part.component for part in settings.bots.values()],
        surveys=() if quiet else [part.component for part in settings.surveys.values()],
        apps=() if quiet else [part.component for part in settings.apps.values()],
        tokens=tokens,
        api=not quiet,
        url=settings.service.url,
        hosts=settings.service.hosts,
        ready=service.health,
    )


def _summary(settings: Settings, seconds: float) -> str:
    base = settings.service.url.rstrip("/")
    lines = [f"carekit {__version__}: {settings.service.name}, ready in {seconds:.1f} s at {base}"]
    for name, part in settings.apps.items():
        lines.append(f"  app         {name}: {base}{part.component.path}")
    for title, section in (
        ("channel", settings.channels),
        ("bot", settings.bots),
        ("survey", settings.surveys),
        ("policy", settings.policies),
    ):
        lines += [f"  {title:<11} {name} ({part.offer.name})" for name, part in section.items()]
    lines.append(f"  store       {settings.store.offer.name}")
    lines.append(f"  API         {base}/api")
    lines.append(f"  file        {settings.path} (configuration {settings.fingerprint}); Ctrl+C stops")
    return "\n".join(lines)

"""The whole service as one ASGI application: health, the API, what the components mount, in that order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from carekit.ground.errors import CarekitError, ConfigError, PluginError
from carekit.seams.app import App, path_fault
from carekit.seams.bot import Bot
from carekit.seams.channel import Channel
from carekit.seams.component import Component
from carekit.seams.desk import Desk
from carekit.seams.survey import SurveyProvider
from carekit.web.api.routes import api_routes
from carekit.web.edge import Edge, hosts_of
from carekit.web.health import Ready, health_routes
from carekit.web.inbound import inbound_route
from carekit.web.problems import answer
from carekit.web.tokens import ApiToken, Tokens


def build_app(
    desk: Desk,
    *,
    channels: Iterable[Channel],
    bots: Iterable[Bot],
    surveys: Iterable[SurveyProvider],
    apps: Iterable[App],
    tokens: Iterable[ApiToken],
    url: str,
    ready: Ready,
    hosts: Collection[str] = (),
    api: bool = True,
) -> Starlette:
    """The application that answers at *url*.

    *ready* gives the health of the store and of all components. *hosts* are names under which it may be reached besides
    the host of *url* and the loopback names. Without *api* the tokens only open the health. It has no lifespan: who
    makes it starts and stops the desk.

    Raises `ConfigError` for an unusable url, token or app path, `PluginError` if a component cannot make its routes.
    """
    channels, admitted = list(channels), Tokens(tokens)
    routes: list[BaseRoute] = [
        *health_routes(ready, admitted),
        *(api_routes(desk, admitted) if api else ()),
        Mount("/channels", routes=[mount for channel in channels for mount in _channel(channel, desk)]),
        Mount("/bots", routes=[mount for bot in bots for mount in _mounts(bot, _routes(bot, desk))]),
        Mount("/surveys", routes=[mount for survey in surveys for mount in _mounts(survey, _routes(survey, desk))]),
        *(route for app in _by_path(apps) for route in _app(app, desk)),
    ]
    handlers: dict[Any, Any] = {CarekitError: answer, HTTPException: answer}
    return Starlette(
        routes=routes,
        middleware=[Middleware(Edge, hosts=hosts_of(url, hosts))],
        exception_handlers=handlers,
    )


def _routes(component: Component, desk: Desk) -> Sequence[BaseRoute]:
    try:
        return list(component.routes(desk))
    except CarekitError:
        raise
    except Exception as error:  # a stranger's code: say whose, and do not start without it
        kind = f"{type(error).__name__}: {error}"
        raise PluginError(f"{type(component).__name__} {component.name!r} cannot make its routes: {kind}") from error


def _mounts(component: Component, routes: Sequence[BaseRoute]) -> list[BaseRoute]:
    return [Mount(f"/{component.name}", routes=routes)] if routes else []


def _channel(channel: Channel, desk: Desk) -> list[BaseRoute]:
    own = [inbound_route(channel, desk)] if channel.capabilities.webhook else []
    return _mounts(channel, [*own, *_routes(channel, desk)])


def _by_path(apps: Iterable[App]) -> list[App]:
    """The apps, longest path first, so that none hides another; raises `ConfigError` for a path that cannot be."""
    seen: dict[str, str] = {}
    found = list(apps)
    for app in found:
        path = app.path.rstrip("/")
        if fault := path_fault(app.path):
            raise ConfigError(f"[apps.{app.name}] path: {fault}")
        if path in seen:
            raise ConfigError(f"[apps.{app.name}] path: {app.path} is taken by the app {seen[path]!r}; choose another")
        seen[path] = app.name
    return sorted(found, key=lambda app: len(app.path.rstrip("/")), reverse=True)


def _app(app: App, desk: Desk) -> list[BaseRoute]:
    path = app.path.rstrip("/")
    mount = Mount(path, routes=_routes(app, desk), name=app.name)
    if not path:
        return [mount]

    async def with_slash(request: Request) -> Response:
        query = request.scope.get("query_string", b"").decode("latin-1")
        return RedirectResponse(f"{path}/?{query}" if query else f"{path}/", 307)

    # Without it, an app at "/" would answer for the path without the slash.
    return [Route(path, with_slash, methods=["GET"]), mount]

"""Where everything is mounted."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from carekit.ground.errors import ConfigError, PluginError
from carekit.seams.app import RESERVED_PATHS
from carekit.seams.bot import Bot
from carekit.seams.channel import Channel
from carekit.seams.survey import SurveyProvider
from carekit.testing.desk import DeskKit
from tests.unit.web._web import Part, Web, app_at, make_app


def saying(text: str, path: str = "/{rest:path}"):
    async def page(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{text}:{request.scope['path']}")

    return lambda desk: [Route(path, page)]


def test_each_component_has_its_own_path(kit: DeskKit) -> None:
    """Channels, bots and surveys are mounted under their kind and name."""
    web = Web(
        kit,
        make_app(
            kit,
            channels=[Part.with_routes(Channel, "site", saying("channel"))],
            bots=[Part.with_routes(Bot, "faq", saying("bot"))],
            surveys=[Part.with_routes(SurveyProvider, "csat", saying("survey"))],
        ),
    )
    assert web.get("/channels/site/a").text == "channel:/channels/site/a"
    assert web.get("/bots/faq/a").text == "bot:/bots/faq/a"
    assert web.get("/surveys/csat/a").text == "survey:/surveys/csat/a"
    assert web.get("/channels/other/a").status_code == 404


def test_the_longest_path_wins(kit: DeskKit) -> None:
    """An app below another's path is reached, whatever their order in the file."""
    apps = [
        app_at("/", saying("root"), "a"),
        app_at("/help", saying("help"), "b"),
        app_at("/help/old", saying("old"), "c"),
    ]
    for order in (apps, apps[::-1]):
        web = Web(kit, make_app(kit, apps=order))
        assert web.get("/help/old/x").text == "old:/help/old/x"
        assert web.get("/help/x").text == "help:/help/x"
        assert web.get("/helping").text == "root:/helping"


def test_an_app_at_the_root_hides_nothing(kit: DeskKit) -> None:
    """Health, the API and the channels stay ours, the paths that do not exist below them included."""
    web = Web(kit, make_app(kit, apps=[app_at("/", saying("root"))]))
    assert web.get("/healthz").json() == {"status": "ok"}
    assert web.get("/api/v1/agents").status_code == 200
    assert web.get("/api").headers["content-type"].startswith("text/html")
    for path in ("/api/v2", "/channels/none", "/surveys/none/x", "/bots/none/x"):
        assert web.get(path).status_code == 404
    assert web.get("/x").text == "root:/x"


@pytest.mark.parametrize(
    "path", ["help", "", "//x", "/a//b", "/{name}", "/a?b", *RESERVED_PATHS, *(f"{r}/x" for r in RESERVED_PATHS)]
)
def test_a_path_that_cannot_be_an_apps_is_a_fault_of_the_file(kit: DeskKit, path: str) -> None:
    """A path that is none, or that belongs to the service, is refused with the app's name."""
    with pytest.raises(ConfigError, match=r"\[apps\.pages\] path"):
        make_app(kit, apps=[app_at(path, saying("x"))])


def test_two_apps_cannot_share_a_path(kit: DeskKit) -> None:
    """The slash at the end makes no difference."""
    with pytest.raises(ConfigError, match="taken"):
        make_app(kit, apps=[app_at("/help", saying("x"), "one"), app_at("/help/", saying("y"), "two")])


def test_a_component_that_cannot_make_its_routes_is_named(kit: DeskKit) -> None:
    """The start fails with whose fault it is."""

    def broken(desk: Any) -> Any:
        raise KeyError("missing")

    with pytest.raises(PluginError, match="'pages' cannot make its routes"):
        make_app(kit, apps=[app_at("/x", broken)])


def test_a_channel_may_add_to_its_inbound_address(kit: DeskKit) -> None:
    """Its own GET beside our POST, for far sides that verify an address first."""
    channel = Part.with_routes(
        Channel, "loop", saying("verified", "/inbound"), capabilities=type(kit.channel().capabilities)(webhook=True)
    )
    web = Web(kit, make_app(kit, channels=[channel]))
    assert web.get("/channels/loop/inbound").text == "verified:/channels/loop/inbound"
    assert web.post("/channels/loop/inbound", {}, "").status_code == 403


def test_other_hosts_may_be_added(kit: DeskKit) -> None:
    """A service behind several names lists the others."""
    web = Web(kit, make_app(kit, hosts=["care.internal"]))
    assert web.get("/api", headers={"Host": "care.internal"}).status_code == 200

"""Plugins: found, asked, frozen; and whatever is wrong with one of them stays its own affair."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import click
import pytest

from carekit.builtin.loopback import Loopback
from carekit.ground.errors import ConfigError
from carekit.seams.channel import Channel
from carekit.seams.hookspecs import hookimpl
from carekit.service import plugins as module
from carekit.service.plugins import load
from carekit.testing import DeskKit
from carekit.testing.contracts.hosting import BASE, LOOP


class Fax(Channel):
    """A channel of a stranger."""


def _plugin(**hooks: Callable[..., Any]) -> ModuleType:
    made = ModuleType("stranger")
    for name, function in hooks.items():
        function.__name__ = name
        setattr(made, name, hookimpl(function))
    return made


def _channels(offer: object) -> Callable[[], Any]:
    def answer() -> Any:
        if isinstance(offer, Exception):
            raise offer
        return offer

    return answer


def test_what_core_offers_is_registered_like_a_strangers() -> None:
    """Without any plugin there are the built-in channels, policies, store and app."""
    found = load(discover=False)
    assert set(found.offers["channels"]) == {"loopback"}
    assert set(found.offers["stores"]) == {"memory"}
    assert {"route", "sla", "bot"} <= set(found.offers["policies"])
    assert [(info.name, info.error) for info in found.infos] == [("builtin", "")]


def test_a_plugins_offers_are_listed_under_it() -> None:
    """What a plugin offers can be used by name, and is listed with the plugin."""
    found = load(extra={"fax": _plugin(carekit_channels=_channels({"fax": Fax}))}, discover=False)
    assert found.offers["channels"]["fax"].cls is Fax
    assert found.offers["channels"]["fax"].plugin == "fax"
    assert found.infos[-1].offers == {"channels": ("fax",)}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (RuntimeError("no licence"), "RuntimeError: no licence"),
        (None, "must return a mapping"),
        (["fax"], "must return a mapping"),
        ({"fax": object}, "subclasses of Channel"),
        ({"fax": Fax("x", None)}, "subclasses of Channel"),
        ({1: Fax}, "subclasses of Channel"),
    ],
)
def test_a_broken_hook_sets_its_plugin_aside(answer: object, words: str) -> None:
    """A hook that raises or breaks its contract sets the whole plugin aside, with the reason; the others stay."""
    bad = _plugin(carekit_channels=_channels(answer))
    good = _plugin(carekit_channels=_channels({"good": Fax}))
    found = load(extra={"bad": bad, "good": good}, discover=False)
    (broken,) = found.broken
    assert broken.name == "bad"
    assert "carekit_channels failed" in broken.error
    assert words in broken.error
    assert set(found.offers["channels"]) == {"loopback", "good"}


def test_an_unknown_hook_is_named() -> None:
    """A function that looks like a hook and is none sets the plugin aside, with the names that exist."""
    found = load(extra={"typo": _plugin(carekit_chanels=_channels({}))}, discover=False)
    assert "carekit_chanels" in found.broken[0].error
    assert "carekit_channels" in found.broken[0].error


def test_a_hook_with_wrong_arguments_is_set_aside() -> None:
    """An implementation that asks for what the hook does not give is set aside."""

    def carekit_event(event: object, weather: object) -> None:
        """Wants to know the weather."""

    found = load(extra={"odd": _plugin(carekit_event=carekit_event)}, discover=False)
    assert "weather" in found.broken[0].error
    assert found.on_event == ()


def test_a_hook_may_take_fewer_arguments() -> None:
    """A listener may ask for the conversation alone."""
    heard: list[object] = []

    def carekit_event(conversation: object) -> None:
        heard.append(conversation)

    found = load(extra={"one": _plugin(carekit_event=carekit_event)}, discover=False)
    ((name, function),) = found.on_event
    function("the event", "the conversation")
    assert (name, heard) == ("one", ["the conversation"])


def test_two_offers_of_one_name_cannot_be_told_apart() -> None:
    """Two plugins that offer the same name are an error that names both."""
    extra = {name: _plugin(carekit_channels=_channels({"fax": Fax})) for name in ("one", "two")}
    with pytest.raises(ConfigError, match=r"'one'.*'two'.*'fax'"):
        load(extra=extra, discover=False)


def _installed(monkeypatch: pytest.MonkeyPatch, *entries: EntryPoint) -> None:
    monkeypatch.setattr(module, "entry_points", lambda group: [e for e in entries if e.group == group])


def test_a_plugin_that_cannot_be_imported_is_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing module is its plugin's fault alone, and a blocked plugin is not even looked at."""
    entries = [EntryPoint(name, "carekit_not_installed_at_all", "carekit") for name in ("gone", "blocked")]
    _installed(monkeypatch, *entries)
    found = load(blocked=["blocked"])
    assert [info.name for info in found.broken] == ["gone"]
    assert "ModuleNotFoundError" in found.broken[0].error
    assert "loopback" in found.offers["channels"]


def test_the_file_says_that_its_plugin_is_set_aside() -> None:
    """Who uses a channel of a broken plugin is told why it is not there."""
    bad = _plugin(carekit_channels=_channels(RuntimeError("no licence")))
    with pytest.raises(ConfigError, match=r"'fax' is not installed.*'bad' is set aside.*no licence"):
        DeskKit(BASE + '[channels.x]\nuse = "fax"\n', extra={"bad": bad}, discover=False)


def test_a_broken_plugin_is_seen_in_the_health() -> None:
    """A desk runs without it, and its health says so."""
    bad = _plugin(carekit_channels=_channels(RuntimeError("no")))
    with DeskKit(BASE + LOOP, extra={"bad": bad}, discover=False) as kit:
        kit.write("hello")
        (sick,) = [health for health in kit.run(kit.service.health()) if health.state != "ok"]
        assert (sick.name, sick.state) == ("plugin bad", "degraded")


def test_commands_come_in_order_and_a_failing_one_is_set_aside() -> None:
    """The command line gets what plugins add."""

    @click.command()
    def fax() -> None:
        """Send a fax."""

    def fail() -> Sequence[click.Command]:
        raise RuntimeError("no")

    extra = {"good": _plugin(carekit_commands=lambda: [fax]), "bad": _plugin(carekit_commands=fail)}
    found = load(extra=extra, discover=False)
    assert found.commands == (fax,)
    assert [info.name for info in found.broken] == ["bad"]


def test_a_listener_hears_a_desk() -> None:
    """A plugin's listener gets every committed event of a running desk, and one that raises stops nothing."""
    heard: list[str] = []

    def carekit_event(event: Any, conversation: Any) -> None:
        heard.append(event.kind)

    def broken(event: Any, conversation: Any) -> None:
        raise RuntimeError("no")

    extra = {"bad": _plugin(carekit_event=broken), "good": _plugin(carekit_event=carekit_event)}
    with DeskKit(BASE + LOOP, extra=extra, discover=False) as kit:
        assert kit.write("hello").seq == 2
    assert heard == ["conversation_started", "message_received"]
    assert kit.service.notifier.failures == {"bad": 2}


def test_core_passes_its_own_door() -> None:
    """The offers of core are classes of its own modules."""
    offers: Mapping[str, Any] = load(discover=False).offers["channels"]
    assert offers["loopback"].cls is Loopback

"""A desk in memory with one channel of texts in it, and the far side that it sends to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import httpx2
import sms_recorded as recorded
from sms_far_side import FarSide, Told
from starlette.applications import Starlette
from starlette.routing import Mount

from carekit import Address, Channel, Inbound, Outcome, Send, hookimpl
from carekit.testing import DeskKit
from carekit_sms import plugin
from carekit_sms.channel import Sms

FILE = """
[service]
name = "Northwind"
secret = "a secret for tests only"

[store]
use = "memory"

[channels.sms]
use = "under-test"

[policies.help]
use = "sms-help"
"""


class Kit(DeskKit):
    """A desk with the channel ``sms`` at one provider; ``far_side`` is that provider's API."""

    def __init__(self, provider: str, far_side: FarSide, *, file: str = FILE, **keys: Any) -> None:
        if provider == "kannel":
            far_side.usual = Told(202, b"0: Accepted for delivery")
        self.sms = recorded.channel(provider, far_side.url, **keys)
        self.far_side = far_side
        super().__init__(file, extra={"sms": plugin, "under_test": _offering(self.sms)}, discover=False)
        routes = self.sms.routes(self.desk)
        self._client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(Starlette(routes=[Mount("/channels/sms", routes=list(routes))])),
            base_url=recorded.URL.removesuffix("/channels/sms"),
        )

    def text(self, text: str, *, id: str = "", sender: str = recorded.ANA, **fields: Any) -> Inbound:
        """Have a text come in, as `decode` would give it; it has settled."""
        keys = self.sms.keys_of(sender)
        kind = self.sms._keywords.kind(text)
        self._sent_ids += 1
        inbound = Inbound(
            "sms", id or f"in-{self._sent_ids}", Address("phone", sender), text, keys, keys,
            consent={"stop": False, "start": True}.get(kind), automatic=bool(kind),
            meta={"keyword": kind} if kind else {}, **fields,
        )  # fmt: skip
        self.run(self.desk.receive(inbound))
        self.settle()
        return inbound

    def begin(self, text: str, to: str = recorded.ANA, **keys: Any) -> Outcome:
        """Write first, as the service itself."""
        send = Send(text, keys.pop("purpose", "notice"))
        actor = keys.pop("actor", "token:shop")
        scope = keys.pop("scope")
        outcome = self.run(self.desk.begin("sms", Address("phone", to), send, actor, scope=scope, **keys))
        self.settle()
        return outcome

    def report(self, receipt: recorded.Receipt) -> httpx2.Response:
        """Have a receipt come in."""
        url = f"/channels/sms{receipt.path}" + (f"?{receipt.query}" if receipt.query else "")
        headers = dict(receipt.headers)
        return self.run(self._client.request(receipt.method, url, content=receipt.body, headers=headers))

    @property
    def references(self) -> list[str]:
        """The references of the texts that went out, in order."""
        return [_reference(asked) for asked in self.far_side.asked]


def _reference(asked: Any) -> str:
    """Our reference in a submission, wherever its provider has it."""
    for name in ("x-kannel-dlr-url",):
        if name in asked.headers:
            return str(asked.headers[name]).partition("?")[0].rpartition("/")[2]
    if asked.query.get("dlr"):
        return str(asked.query["dlr"]).rpartition("/")[2]
    if asked.body.startswith(b"{"):
        body: Mapping[str, str] = asked.json
        return body.get("client_ref") or body["reference"]
    return str(asked.form["StatusCallback"]).rpartition("/")[2]


def _offering(channel: Sms) -> ModuleType:
    """A plugin that offers *channel* itself: the file makes it by name, and gets the one that the test holds."""

    def made(cls: type[Channel], name: str, settings: object) -> Channel:
        return channel

    stand_in = type("UnderTest", (Channel,), {"__new__": made, "__doc__": "What is under test."})

    @hookimpl
    def carekit_channels() -> Mapping[str, type[Channel]]:
        return {"under-test": stand_in}

    module = ModuleType("sms_under_test")
    module.carekit_channels = carekit_channels  # type: ignore[attr-defined]
    return module


@contextmanager
def desk(provider: str = "kannel", far_side: FarSide | None = None, **keys: Any) -> Iterator[Kit]:
    """A desk with a channel of texts, for as long as the block."""
    if far_side is None:
        with FarSide() as running, Kit(provider, running, **keys) as kit:
            yield kit
    else:
        with Kit(provider, far_side, **keys) as kit:
            yield kit

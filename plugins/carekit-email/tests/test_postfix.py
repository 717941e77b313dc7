"""Out through a real Postfix and back in: answers that arrive, and reports about those that do not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from mail_tests_mailroom import FILE, mail

from carekit import DeliveryChanged, Scope
from carekit_email.transport.listener import Accepted, Listener


def test_a_report_of_an_unknown_user_fails_the_answer(rooms: Callable[..., Any], postfix: Any) -> None:
    """Postfix takes the answer, finds nobody there, and its report comes back to the token of that very message."""
    way_out = f'smtp = {{ host = "127.0.0.1", port = {postfix.port}, tls = "none" }}'
    file = FILE.replace("help@shop.example", "help@smtp.example").replace('outbox = "out"', way_out)
    room = rooms("", file.replace("127.0.0.1:0", f"127.0.0.1:{postfix.smtp_port}"))
    room.take(mail(From="Gone <gone@lmtp.example>", To="help@smtp.example"))

    async def nobody(_: Accepted) -> None:
        raise AssertionError("this server has no recipient of that name")

    def statuses() -> list[str]:
        events = room.kit.service.store.feed(0, 1_000, Scope.everything())
        return [event.fact.status.value for event in events if isinstance(event.fact, DeliveryChanged)]

    async def report() -> None:
        other = Listener("127.0.0.1", postfix.lmtp_port, ("other@lmtp.example",), nobody, protocol="lmtp")
        tasks = [asyncio.create_task(other.serve()), asyncio.create_task(room.channel.run(room.kit.desk))]
        try:
            async with asyncio.timeout(40):
                while "failed" not in statuses():  # noqa: ASYNC110 - the store tells nobody
                    await asyncio.sleep(0.05)
        finally:
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    room.kit.reply("ana", "On its way.")
    assert statuses() == ["sending", "sent"]
    room.kit.run(report())
    (_, sent, failed) = room.facts(DeliveryChanged)
    assert failed.message == sent.message
    assert failed.detail.startswith("gone@lmtp.example: 5.1.1 ")
    assert len(room.received()) == 1  # the daemon is nobody's contact

"""What must be caught: a channel that acknowledges too early, one that forgets what it had, a store that does not wait;
of mailboxes one that moves its mark too early, and of texts one that sends again what may have been sent.

A sweep that finds nothing proves something only if the same sweep finds these.
"""

from __future__ import annotations

from pathlib import Path

from tests.acceptance._shop import plugin

SOURCE = '''
import asyncio
import uuid

import attrs
from starlette.responses import Response
from starlette.routing import Route

from carekit import Payload, hookimpl, replace
from carekit.builtin.loopback import Loopback
from carekit_email.channel import EmailChannel
from carekit_email.intake import Intake
from carekit_sms.channel import Sms
from carekit_sql import on_sqlite
from carekit_sql.store import SqlStore


class Hasty(Loopback):
    """Acknowledges, and only then keeps."""

    def routes(self, desk):
        async def post(request):
            self._task = asyncio.get_running_loop().create_task(self._keep(desk, Payload(await request.body())))
            return Response(status_code=202)

        return [Route("/hasty", post, methods=["POST"])]

    async def _keep(self, desk, payload):
        for inbound in self.decode(payload):
            await desk.receive(inbound)


class Forgetful(Loopback):
    """Takes every delivery for a new message."""

    def decode(self, payload):
        return [replace(inbound, external_id=uuid.uuid4().hex) for inbound in super().decode(payload)]


class HastyIntake(Intake):
    async def take(self, raw, marks=None):
        await self._pass_by(marks)
        return await super().take(raw)


class HastyMailbox(EmailChannel):
    """Moves its mark, and only then keeps."""

    def _take_for(self, desk):
        intake = super()._take_for(desk)
        intake.__class__ = HastyIntake
        return intake


class ForgetfulIntake(Intake):
    async def _complete(self, mail, inbound):
        return replace(await super()._complete(mail, inbound), external_id=uuid.uuid4().hex)


class ForgetfulMailbox(EmailChannel):
    """Takes every mail that it fetches for a new one."""

    def _take_for(self, desk):
        intake = super()._take_for(desk)
        intake.__class__ = ForgetfulIntake
        return intake


class HastyTexts(Sms):
    """Acknowledges, and only then keeps."""

    def __init__(self, name, settings):
        super().__init__(name, settings)
        self.capabilities = attrs.evolve(self.capabilities, webhook=False)
        self._tasks = []

    def routes(self, desk):
        async def post(request):
            payload = Payload(await request.body(), dict(request.headers), dict(request.query_params))
            self._tasks.append(asyncio.get_running_loop().create_task(self._keep(desk, payload)))
            return Response(status_code=200)

        return [*super().routes(desk), Route("/inbound", post, methods=["POST"])]

    async def _keep(self, desk, payload):
        for inbound in self.decode(payload):
            await desk.receive(inbound)


class ForgetfulTexts(Sms):
    """Takes every text that is posted for a new one."""

    def _inbound(self, text):
        return replace(super()._inbound(text), external_id=uuid.uuid4().hex)


class InsistentTexts(Sms):
    """Sends again what may have been sent."""

    capabilities = attrs.evolve(Sms.capabilities, idempotent=True)


class Lax(SqlStore):
    """Does not wait for the disk."""

    def open(self):
        on_sqlite.refuse_unsafe = lambda connection, where: None
        connect = on_sqlite.Sqlite.connect

        def careless(database):
            connection = connect(database)
            connection.execute("PRAGMA synchronous = NORMAL").close()
            return connection

        on_sqlite.Sqlite.connect = careless
        super().open()


@hookimpl
def carekit_channels():
    mailboxes = {"hasty-mailbox": HastyMailbox, "forgetful-mailbox": ForgetfulMailbox}
    texts = {"hasty-texts": HastyTexts, "forgetful-texts": ForgetfulTexts, "insistent-texts": InsistentTexts}
    return {"hasty": Hasty, "forgetful": Forgetful, **mailboxes, **texts}


@hookimpl
def carekit_stores():
    return {"lax": Lax}
'''


def careless(folder: Path) -> Path:
    """The folder of a plugin that offers all of them."""
    return plugin(folder / "careless", "careless", SOURCE)

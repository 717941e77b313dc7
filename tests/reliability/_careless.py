"""What must be caught: a channel that acknowledges too early, one that forgets what it had, a store that does not wait.

A sweep that finds nothing proves something only if the same sweep finds these.
"""

from __future__ import annotations

from pathlib import Path

from tests.acceptance._shop import plugin

SOURCE = '''
import asyncio
import uuid

from starlette.responses import Response
from starlette.routing import Route

from carekit import Payload, hookimpl, replace
from carekit.builtin.loopback import Loopback
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
    return {"hasty": Hasty, "forgetful": Forgetful}


@hookimpl
def carekit_stores():
    return {"lax": Lax}
'''


def careless(folder: Path) -> Path:
    """The folder of a plugin that offers all of them."""
    return plugin(folder / "careless", "careless", SOURCE)

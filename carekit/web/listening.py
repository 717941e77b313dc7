"""Whether the service could listen where the file says, or does already: for ``carekit doctor``."""

from __future__ import annotations

import asyncio
import json
from http.client import HTTPConnection, HTTPException

from carekit.ground.errors import ConfigError
from carekit.seams.component import Health
from carekit.service.places import reached
from carekit.web.server import bind

PATIENCE = 3.0
"""Seconds that whatever listens there has to answer."""


async def examine_listen(listen: str) -> Health:
    """Try ``host:port`` as `serve` would, for a moment; where it is taken, ask whether it is by the service."""
    host, _, port = listen.rpartition(":")
    try:
        for one in bind(host.strip("[]"), int(port)):
            one.close()
    except ConfigError as error:
        who = await asyncio.to_thread(_who, *reached(listen))
        if who == "carekit":
            return Health("listen", "ok", f"the service is running at {listen}")
        return Health("listen", "failed", f"{error} (it calls itself {who!r})" if who else str(error))
    return Health("listen", "ok", f"{listen} is free")


def _who(host: str, port: str) -> str:
    """What answers there: "carekit", what a web server calls itself, or nothing if it does not say."""
    connection = HTTPConnection(host.strip("[]"), int(port), timeout=PATIENCE)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        body = answer.read(1000)
        name = "".join(filter(str.isprintable, answer.getheader("Server") or ""))[:60]
    except (OSError, HTTPException, ValueError):
        return ""
    finally:
        connection.close()
    try:
        found = json.loads(body)
    except ValueError:
        return name
    return "carekit" if answer.status == 200 and found == {"status": "ok"} else name

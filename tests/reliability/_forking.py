"""The program that forks processes of ``carekit``: it has imported everything, so a start takes a tenth of a second.

It reads one JSON object a line. ``{"arguments", "log", "paths", "environment", "stopped"}`` starts a process and is
answered with its id, ``{"wait"}`` waits for one and is answered with its exit code. A process whose *environment* is to
differ is started anew, as from a shell.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

_MAY_BE_TRACED = 0x59616D61, -1
"""prctl(2): PR_SET_PTRACER with PR_SET_PTRACER_ANY; where nobody guards against it, it has no effect."""


_LATE = (
    "alembic.command",
    "alembic.config",
    "carekit.cli.serve",
    "carekit_sql.on_postgresql",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
    "uvloop",
)
"""What is imported only when a service starts."""


def main() -> None:
    """Import what a service needs, and take orders until there are no more."""
    from carekit.service import plugins

    plugins.load()
    for name in _LATE:
        with suppress(ImportError):
            import_module(name)
    for line in sys.stdin:
        order = json.loads(line)
        answer = os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1]) if "wait" in order else _start(order)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def _start(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        if order["stopped"]:
            os.waitpid(pid, os.WUNTRACED)  # the signal that lets it go on must not come first
        return pid
    try:
        _become(order)
    except SystemExit as end:
        sys.stdout.flush()
        os._exit(int(end.code or 0))
    except BaseException:  # noqa: BLE001 - nothing of the child may go on as the parent
        sys.excepthook(*sys.exc_info())
    os._exit(70)


def _become(order: dict[str, Any]) -> None:
    os.setsid()
    ctypes.CDLL(None).prctl(*_MAY_BE_TRACED)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for handle, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(handle, number)
    if order["stopped"]:
        os.kill(os.getpid(), signal.SIGSTOP)
    if order["environment"] is not None:
        command = os.environ["COMMAND"]
        paths = {"PYTHONPATH": os.pathsep.join(order["paths"])} if order["paths"] else {}
        os.execve(command, [command, *order["arguments"]], {**os.environ, **paths, **order["environment"]})
    sys.path[:0] = order["paths"]
    from carekit.cli.main import main as carekit

    sys.argv = ["carekit", *order["arguments"]]
    carekit()


if __name__ == "__main__":
    main()

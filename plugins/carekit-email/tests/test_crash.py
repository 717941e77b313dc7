"""The process dies while a server has our mail and has not said so: nobody can know, and nothing is sent twice."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mail_tests_mailroom import FILE, mail

from carekit import DeliveryChanged, DeliveryStatus, Resend
from carekit.testing import DeskKit
from carekit_email import decode

ANSWERING = """
import sys
from pathlib import Path
from carekit.testing import DeskKit
folder = Path(sys.argv[1])
kit = DeskKit((folder / "carekit.toml").read_text(), folder=folder)
kit.run(kit.service.channels["mail"].deliver(sys.stdin.buffer.read(), kit.desk))
kit.reply("ana", "On its way.")
"""


class Holding:
    """An SMTP server that takes mails and holds its answer for as long as `silent` is set."""

    def __init__(self) -> None:
        self.silent = True
        self.taken: list[bytes] = []
        self.has_one = threading.Event()
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.door.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as wire:

            def say(answer: bytes) -> None:
                wire.write(answer + b"\r\n")
                wire.flush()

            say(b"220 test")
            while line := wire.readline():
                if line.strip().upper() != b"DATA":
                    say(b"250 ok")
                    continue
                say(b"354 go on")
                self.taken.append(b"".join(iter(wire.readline, b".\r\n")))
                self.has_one.set()
                if not self.silent:
                    say(b"250 kept")


@pytest.fixture
def server() -> Iterator[Holding]:
    made = Holding()
    yield made
    made.door.close()


def test_a_mail_whose_answer_the_process_did_not_live_to_see_is_unsure(
    tmp_path: Path, server: Holding, on_sqlite: Callable[[str], str]
) -> None:
    """After kill -9 between the data and the 250, the next start says so; a person may have it sent again."""
    out = f'smtp = {{ host = "127.0.0.1", port = {server.port}, tls = "none" }}'
    text = on_sqlite(FILE.replace('outbox = "out"', out))
    (tmp_path / "carekit.toml").write_text(text)
    process = subprocess.Popen([sys.executable, "-c", ANSWERING, str(tmp_path)], stdin=subprocess.PIPE)
    assert process.stdin
    process.stdin.write(mail())
    process.stdin.close()
    assert server.has_one.wait(60)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL

    server.silent = False
    with DeskKit(text, folder=tmp_path) as kit:
        kit.settle()
        assert [fact.status for fact in kit.facts(DeliveryChanged)] == [DeliveryStatus.SENDING, DeliveryStatus.UNSURE]
        for _ in range(3):
            kit.advance("24h")
        assert len(server.taken) == 1 and b"On its way." in server.taken[0]
        (letter,) = kit.service.store.letters("", 10)
        assert (letter.kind, letter.channel) == ("unsure", "mail")
        kit.act(Resend(letter.seq), "agent:ana")
        assert kit.facts(DeliveryChanged)[-1].status is DeliveryStatus.SENT
        assert decode(server.taken[0]).message_id == decode(server.taken[1]).message_id

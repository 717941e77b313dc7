"""The shop with text messages: its script, a real Kannel, and a phone."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from carekit.testing import free_port
from tests.acceptance._shop import EXAMPLE, Shop, environment, until

FAKESMSC = "/usr/lib/kannel/test/fakesmsc"
REMEDY = "apt-get install kannel kannel-extras"
pytestmark = [pytest.mark.require("bearerbox", REMEDY), pytest.mark.require(FAKESMSC, REMEDY)]


KEEPS = re.compile(r"^(http-queue-delay) = \d+$", re.MULTILINE)


def moved(folder: Path, ports: Mapping[str, int], *names: str) -> None:
    """Put free ports into files of the shop."""
    for name in names:
        text = (folder / name).read_text("utf-8")
        for number, port in ports.items():
            text = re.sub(rf"\b{number}\b", str(port), text)
        (folder / name).write_text(KEEPS.sub(r"\1 = 1", text), "utf-8")


class Texts:
    """The shop's script in a copy of the shop, on free ports, until the end of the block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shop"
        shutil.copytree(EXAMPLE, self.folder, ignore=shutil.ignore_patterns("data", "with-texts.toml"))
        self.ports = {one: free_port() for one in ("8000", "8025", "10000", "13000", "13001", "13013")}
        moved(self.folder, self.ports, "carekit.toml", "sms/kannel.conf", "sms/texts.toml")
        self.log = folder / "run.log"

    def __enter__(self) -> Texts:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "sms/run.py"], cwd=self.folder, env=environment(), stdout=log, stderr=log
            )
        until(lambda: self._ready() or self.process.poll() is not None, "the shop")
        assert self.process.poll() is None, self.log.read_text("utf-8")
        return self

    def _ready(self) -> bool:
        try:
            return httpx2.get(f"http://127.0.0.1:{self.ports['8000']}/readyz").status_code == 200
        except httpx2.TransportError:
            return False

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        finally:
            self.process.kill()
            self.process.wait()

    def phone(self, text: str) -> str:
        """What a phone prints that writes *text*, up to the first text it gets."""
        command = [FAKESMSC, "-H", "127.0.0.1", "-r", str(self.ports["10000"]), "-m", "1"]
        printed = self.folder / "phone.log"
        with printed.open("wb") as log:
            process = subprocess.Popen([*command, f"+34612345678 +34911000000 text {text}"], stdout=log, stderr=log)
        try:
            until(lambda: "Got message 1" in printed.read_text("utf-8"), "a text on the phone")
        finally:
            process.terminate()
            process.wait(10)
        return printed.read_text("utf-8")


def test_the_shop_takes_texts(tmp_path: Path) -> None:
    """A phone writes and reads the acknowledgement; HELP in Spanish is answered; the script ends all it began."""
    with Texts(tmp_path) as shop:
        assert "Northwind care has your text, and a person will answer." in shop.phone("Where is my parcel?")
        assert "write here and a person will answer" in shop.phone("Ayuda")
        printed = shop.log.read_text("utf-8")
        assert "texts" in printed
    assert shop.process.returncode == 0
    assert "Traceback" not in shop.log.read_text("utf-8")
    for port in shop.ports.values():
        with pytest.raises(httpx2.TransportError):
            httpx2.get(f"http://127.0.0.1:{port}/")


def test_the_doctor_sends_a_text_and_waits_for_its_receipt(tmp_path: Path) -> None:
    """While the service runs: what it hands over is delivered, which the service hears and the doctor tells."""
    with Texts(tmp_path) as shop, socket.create_connection(("127.0.0.1", shop.ports["10000"])) as operator:
        command = [sys.executable, "-m", "carekit.cli", "doctor", str(shop.folder / "with-texts.toml")]
        done = subprocess.run(command, capture_output=True, env=environment(), timeout=120, check=False)
        assert "texts: text to +34600000000: delivered" in done.stdout.decode(), done.stderr.decode()
        assert b"A test from Northwind care" in operator.recv(1000)


@contextmanager
def gateway(folder: Path, ports: Mapping[str, int]) -> Iterator[Path]:
    """Kannel's two boxes with the shop's file, until the end of the block; the log of the one that posts."""
    with ExitStack() as running:
        for box, port in (("bearerbox", ports["13001"]), ("smsbox", ports["13013"])):
            log = running.enter_context((folder / f"{box}.log").open("wb"))
            command = [shutil.which(box, path=f"{os.environ['PATH']}:/usr/sbin") or box, "-v", "0", "sms/kannel.conf"]
            process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
            running.callback(process.wait)
            running.callback(process.terminate)
            until(lambda port=port: listens(port), box)
        yield folder / "smsbox.log"


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def received(shop: Shop) -> list[str]:
    """Every text that came in, in the order of the log."""
    found: list[str] = []
    after = 0
    while items := (page := shop.get("events", after=after, limit=200))["items"]:
        found += [event["fact"]["text"] for event in items if event["kind"] == "message_received"]
        after = page["cursor"]
    return found


def test_no_text_is_lost_or_doubled_when_the_desk_is_killed(tmp_path: Path) -> None:
    """Among a thousand texts the desk is killed: nothing was acknowledged that is not in the database, the gateway
    posts the rest again, and each is there once."""
    count, phones = 1000, 20
    ports = {one: free_port() for one in ("10000", "13000", "13001", "13013")}

    def edit(table: dict[str, Any]) -> None:
        texts = tomllib.loads((EXAMPLE / "sms" / "texts.toml").read_text("utf-8"))
        table["channels"]["texts"] = texts["channels"]["texts"]
        table["policies"] = {}

    shop = Shop(tmp_path, edit)
    moved(shop.folder, {**ports, "8000": shop.port}, "carekit.toml", "sms/kannel.conf")
    with gateway(shop.folder, ports) as log:
        shop.start()
        with socket.create_connection(("127.0.0.1", ports["10000"])) as operator:
            lines = [f"+3461234{n % phones:04} +34911000000 text {n // phones}-{n % phones}\n" for n in range(count)]
            operator.sendall("".join(lines).encode())
            until(lambda: len(received(shop)) >= 20, "the first texts")
            shop.kill()
            until(lambda: "Retrying request" in log.read_text("utf-8", "replace"), "a text that found nobody")
            shop.start()
            until(lambda: len(received(shop)) >= count, "the rest", 200)
            time.sleep(1)
        texts = received(shop)
        assert sorted(texts) == sorted(f"{n // phones}-{n % phones}" for n in range(count))
        shop.close()

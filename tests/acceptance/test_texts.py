"""The shop with text messages: its script, a real Kannel, and a phone."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.acceptance._shop import EXAMPLE, environment, free_port, until

FAKESMSC = "/usr/lib/kannel/test/fakesmsc"
REMEDY = "apt-get install kannel kannel-extras"
pytestmark = [pytest.mark.require("bearerbox", REMEDY), pytest.mark.require(FAKESMSC, REMEDY)]


class Texts:
    """The shop's script in a copy of the shop, on free ports, until the end of the block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shop"
        shutil.copytree(EXAMPLE, self.folder, ignore=shutil.ignore_patterns("data", "with-texts.toml"))
        self.ports = {one: free_port() for one in ("8000", "8025", "10000", "13000", "13001", "13013")}
        for name in ("carekit.toml", "sms/kannel.conf", "sms/texts.toml"):
            file = self.folder / name
            text = file.read_text("utf-8")
            for number, port in self.ports.items():
                text = re.sub(rf"\b{number}\b", str(port), text)
            file.write_text(text, "utf-8")
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

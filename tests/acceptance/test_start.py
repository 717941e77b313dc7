"""A bad start: one clear message with the place and the remedy, no traceback, exit 1; or named and set aside."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from tests.acceptance._shop import COMMAND, PATIENCE, Edit, Shop, Table, environment, plugin


def refused(shop: Shop, *paths: Path) -> str:
    """What `carekit serve` says as it refuses to start."""
    line = [COMMAND, "serve", shop.file]
    done = subprocess.run(line, capture_output=True, env=environment(*paths), timeout=PATIENCE, check=False)
    said = done.stderr.decode()
    assert done.returncode == 1, said
    assert "Traceback" not in said
    assert done.stdout == b""
    return said


def test_a_port_in_use(tmp_path: Path) -> None:
    """The port, and what to do."""
    shop = Shop(tmp_path)
    with socket.create_server(("127.0.0.1", shop.port)):
        said = refused(shop)
    assert said.startswith(f"carekit: port {shop.port} on 127.0.0.1 is in use")
    assert "--port" in said
    assert len(said.splitlines()) == 1


def elsewhere(path: str) -> Edit:
    """The database at another place."""

    def edit(table: Table) -> None:
        table["store"]["url"] = f"sqlite:///{path}"

    return edit


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a place that not even root may write to: Linux")
def test_a_database_nobody_may_write(tmp_path: Path) -> None:
    """The file, and which right is missing."""
    said = refused(Shop(tmp_path, elsewhere("/proc/care.db")))
    assert "/proc/care.db cannot be written" in said
    assert "right to write" in said


def test_a_database_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The folder, and that it must be made."""
    said = refused(Shop(tmp_path, elsewhere("nowhere/care.db")))
    assert f"there is no folder {tmp_path / 'shop' / 'nowhere'}" in said


def test_a_database_that_cannot_be_one(tmp_path: Path) -> None:
    """Its place is taken by a folder."""
    shop = Shop(tmp_path, elsewhere("site"))
    assert "is a folder; give the path of a file" in refused(shop)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """Nothing of it is overwritten."""
    shop = Shop(tmp_path, elsewhere("seed.toml"))
    before = (shop.folder / "seed.toml").read_bytes()
    assert "seed.toml cannot be read" in refused(shop)
    assert (shop.folder / "seed.toml").read_bytes() == before


def faulty(table: Table) -> None:
    """Five mistakes in five places."""
    table["service"]["timezone"] = "Europe/Madird"
    table["channels"]["website"]["grreting"] = "Hi"
    table["bots"]["assistant"]["use"] = "faqbott"
    table["policies"]["follow-up"]["after"] = "3 parsecs"
    table["policies"]["first-response"]["calendar"] = "offise"


def test_every_fault_of_the_file_at_once(tmp_path: Path) -> None:
    """Each with its table, its key and what was probably meant."""
    said = refused(Shop(tmp_path, faulty))
    for place, hint in (
        ("[service] timezone", "Europe/Madrid"),
        ("[channels.website] grreting", "greeting"),
        ("[bots.assistant] use", "faqbot"),
        ("[policies.follow-up] after", "3 parsecs"),
        ("[policies.first-response] calendar", "office"),
    ):
        [line] = [line for line in said.splitlines() if place in line]
        assert hint in line


UNIMPORTABLE = 'raise RuntimeError("my battery is empty")\n'
UNHOOKED = """
from carekit import hookimpl


@hookimpl
def carekit_bots():
    raise RuntimeError("my battery is empty")
"""


@pytest.mark.parametrize("source", [UNIMPORTABLE, UNHOOKED], ids=["import", "hook"])
def test_a_broken_plugin_is_named_and_the_shop_opens(tmp_path: Path, source: str) -> None:
    """Nothing of the file needs it: it is set aside, at the start and in the health."""
    with Shop(tmp_path, None, None, plugin(tmp_path / "plugins", "flaky", source)) as shop:
        assert "plugin 'flaky' is set aside: " in shop.output
        assert "RuntimeError: my battery is empty" in shop.output
        answer = shop.http.get("/readyz")
        assert answer.status_code == 200
        told = {each["name"]: each for each in answer.json()["components"]}
        assert told["plugin flaky"]["state"] == "degraded"


def test_a_broken_plugin_that_is_needed(tmp_path: Path) -> None:
    """Nothing can go on without it: the table, and why it is missing."""

    def edit(table: Table) -> None:
        table["bots"]["assistant"] = {"use": "flaky"}

    shop = Shop(tmp_path, edit)
    said = refused(shop, plugin(tmp_path / "plugins", "flaky", UNIMPORTABLE))
    assert "[bots.assistant] use" in said
    assert "my battery is empty" in said


def test_the_port_for_mail_in_use_does_not_close_the_chat(tmp_path: Path) -> None:
    """The service goes on, tries again, and its health says which channel lacks what."""
    shop = Shop(tmp_path)
    with socket.create_server(("127.0.0.1", shop.mail_port)):
        shop.start(ready=(200, 503))
        try:
            answer = shop.http.get("/readyz")
            told = [each for each in answer.json()["components"] if each["state"] == "failed"]
            assert [each["name"] for each in told] == ["support-mail"]
            assert str(shop.mail_port) in told[0]["detail"]
            assert shop.http.get("/").status_code == 200
        finally:
            shop.close()

"""Providers found by their entry points: ours, others', broken ones, and names that cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from carekit.testing import DeskKit
from carekit_sms import plugin
from carekit_sms.channel import Sms
from carekit_sms.settings import GROUP, known, settings_class

MODULE = '''
from attrs import frozen
from carekit import DeliveryStatus, NotOurs, Secret, setting
from carekit_sms import Provider, Report, Submission, Text, field

@frozen
class PigeonSettings:
    """Keys of the loft."""
    loft: str = setting("Where the pigeons live.")
    secret: Secret = setting("What every pigeon says.")

class Pigeon(Provider):
    """Carrier pigeons."""
    Settings = PigeonSettings
    max_length = 200
    def verify(self, posted):
        if posted.headers.get("x-coo") != self.settings.secret.reveal():
            raise NotOurs("not one of ours")
    def read(self, posted):
        return [Text(field(posted.form, "ring"), field(posted.form, "from"), "", posted.form.get("text", ""))]
    def report(self, posted):
        return Report(DeliveryStatus.DELIVERED)
    def submit(self, outgoing):
        return Submission(self.settings.loft, form={"to": outgoing.to, "text": outgoing.text})
    def taken(self, reply):
        return "ring"
'''

FILE = """
[service]
name = "Northwind"
[store]
use = "memory"
[channels.sms]
use = "sms"
provider = "pigeon"
number = "+34911000000"
pigeon = { loft = "https://loft.example", secret = "coo" }
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A distribution with providers of its own, as pip would leave it: one good, others not."""
    (tmp_path / "pigeon_provider.py").write_text(MODULE, "utf-8")
    info = tmp_path / "pigeon_provider-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pigeon-provider\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[{GROUP}]\npigeon = pigeon_provider:Pigeon\nbroken = nowhere:Nothing\nnumber = pigeon_provider:Pigeon\n"
        "no-name = pigeon_provider:Pigeon\nsettings = pigeon_provider:PigeonSettings\ntwilio = pigeon_provider:Pigeon\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    known.cache_clear()
    settings_class.cache_clear()
    yield
    known.cache_clear()
    settings_class.cache_clear()


def test_a_provider_of_somebody_else_is_one_entry_point(installed: None) -> None:
    """With its own table, its own length, and nothing changed here."""
    with DeskKit(FILE, extra={"sms": plugin}, discover=False) as kit:
        channel = kit.channel("sms")
        assert isinstance(channel, Sms)
        assert type(channel.provider).__name__ == "Pigeon"
        assert channel.capabilities.max_length == 2_000


def test_what_cannot_be_a_provider_is_set_aside(installed: None) -> None:
    """A module that is not there, a name that is a key of the channel or no key at all, a class that is none."""
    found = known()
    assert set(found.broken) == {"broken", "number", "no-name", "settings"}
    assert "ModuleNotFoundError" in found.broken["broken"]
    assert "cannot be that of a table" in found.broken["number"]
    assert {"kannel", "pigeon"} <= set(found.providers)


def test_ours_are_not_replaced(installed: None) -> None:
    """Of two with one name, ours stays."""
    assert known().providers["twilio"].__module__ == "carekit_sms.providers.twilio"


def test_ours_are_found_in_the_same_way() -> None:
    """By the entry points of this distribution, and with no list besides."""
    assert {"bird", "generic", "kannel", "messagebird", "twilio", "vonage"} <= set(known().providers)
    assert known().broken == {}


def test_a_broken_provider_is_named_in_the_check(installed: None) -> None:
    """The fault says why it cannot be used."""
    with pytest.raises(Exception, match=r"'broken' is not installed.*it is set aside: ModuleNotFoundError"):
        DeskKit(FILE.replace('"pigeon"', '"broken"'), extra={"sms": plugin}, discover=False)

"""The one file: every fault at once, each with its place and its remedy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from carekit.ground.errors import ConfigError
from carekit.ground.values import replace
from carekit.seams.bus import Bus
from carekit.seams.hookspecs import hookimpl
from carekit.service import config, plugins
from carekit.service.config import FaultyFile, Settings

GOOD = """
[service]
name = "Northwind care"
timezone = "Europe/Madrid"
url = "https://care.example"

[store]
use = "memory"

[channels.web]
use = "loopback"
inbox = "sales"
calendar = "office"

[calendars.office]
hours = { mon-fri = ["09:00-13:00", "14:00-18:00"] }
holidays = [2026-12-25]

[policies.first-reply]
use = "sla"
first_response = "4h"
calendar = "office"
channels = ["web"]

[tokens.shop]
value = { env = "SHOP_TOKEN" }
may = ["read", "write"]
"""


def _load(tmp_path: Path, text: str, environment: Mapping[str, str] | None = None) -> Settings:
    path = tmp_path / "carekit.toml"
    path.write_text(text, "utf-8")
    return config.load(path, plugins.load(discover=False), environment or {"SHOP_TOKEN": "a token that is long"})


def _faults(tmp_path: Path, text: str, environment: Mapping[str, str] | None = None) -> dict[tuple[str, str], str]:
    with pytest.raises(FaultyFile) as caught:
        _load(tmp_path, text, environment)
    assert all(fault.file.endswith("carekit.toml") for fault in caught.value.faults)
    return {(fault.table, fault.key): fault.message for fault in caught.value.faults}


def test_a_good_file_becomes_settings(tmp_path: Path) -> None:
    """Parts are built, references hold, durations and dates are read, secrets come from the environment."""
    settings = _load(tmp_path, GOOD)
    assert settings.service.name == "Northwind care"
    assert settings.channels["web"].reserved.inbox == "sales"
    policy = settings.policies["first-reply"]
    assert (policy.component.settings.first_response, policy.component.channels) == (timedelta(hours=4), {"web"})
    assert settings.tokens["shop"].value.reveal() == "a token that is long"
    assert settings.calendars["office"].timezone == "Europe/Madrid"
    assert date(2026, 12, 25) in settings.calendars["office"].holidays


BAD = """
[service]
timezon = "Europe/Madrid"

[stor]
use = "memory"

[channels.web]
use = "lopback"

[channels.mail]
use = "loopback"
calendar = "offfice"
colour = "red"

[calendars.office]
hours = { mon-fri = ["09:00-13:00"] }

[policies.sla]
use = "sla"
first_response = 4
calendar = "office"

[policies.other]
use = "sla"

[tokens.shop]
value = "short"
may = ["fly"]
"""


def test_every_fault_is_told_at_once_with_its_remedy(tmp_path: Path) -> None:
    """Misspelt sections, keys, names and references, wrong types, missing keys and weak tokens, in one go."""
    found = _faults(tmp_path, BAD)
    told = " | ".join(f"{table} {key} {message}" for (table, key), message in found.items())
    for words in (
        "timezon",
        'did you mean "timezone"',
        "stor",
        "'lopback' is not installed",
        'did you mean "loopback"',
        "there is no [calendars.offfice]",
        'did you mean "office"',
        "colour",
        "must be a duration",
        "is missing: a person answers within this time",
        "too short to be a secret",
        "'fly' is not a right",
    ):
        assert words in told, words
    assert ("policies.sla", "first_response") in found
    assert ("policies.other", "first_response") in found


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        (
            'timezone = "Europe/Madrid"',
            'timezone = "Europe/Madird"',
            ("service", "timezone"),
            'did you mean "Europe/Madrid"',
        ),
        ('url = "https://care.example"', 'url = "care.example"', ("service", "url"), "https://care.example"),
        ('name = "Northwind care"', 'name = "x"\nlisten = "8000"', ("service", "listen"), "host:port"),
        ('name = "Northwind care"', "name = 5", ("service", "name"), "must be a text, not 5"),
        ("[2026-12-25]", '["25.12."]', ("calendars.office", "holidays"), "must be a list of dates"),
        ("[2026-12-25]", '{ country = "XX" }', ("calendars.office", "holidays"), "XX"),
        ('"14:00-18:00"', '"14:00-25:00"', ("calendars.office", "hours"), "25:00"),
        ('use = "memory"', "", ("store", "use"), "installed stores: memory"),
        ('channels = ["web"]', 'channels = ["wbe"]', ("policies.first-reply", "channels"), 'did you mean "web"'),
        ('channels = ["web"]', 'channels = "web"', ("policies.first-reply", "channels"), "must be a list"),
        ('{ env = "SHOP_TOKEN" }', '{ env = "OTHER" }', ("tokens.shop", "value"), "OTHER is not set"),
        ('{ env = "SHOP_TOKEN" }', '{ file = "none" }', ("tokens.shop", "value"), "cannot be read"),
        ('{ env = "SHOP_TOKEN" }', "{ vault = 5 }", ("tokens.shop", "value"), "must be a text"),
    ],
)
def test_a_fault_has_its_place_and_its_remedy(
    tmp_path: Path, old: str, new: str, place: tuple[str, str], words: str
) -> None:
    """Each single mistake is told at its table and key, in words that help."""
    assert old in GOOD
    found = _faults(tmp_path, GOOD.replace(old, new, 1))
    assert place in found
    assert words in found[place]


def test_without_a_store_the_file_says_what_to_write(tmp_path: Path) -> None:
    """A file without a store is told what is missing."""
    assert "is missing" in _faults(tmp_path, '[channels.web]\nuse = "loopback"\n')["store", ""]


@pytest.mark.parametrize(
    ("text", "words"),
    [(b"[service", "not valid TOML"), (b"\xff\xfe", "not UTF-8"), (None, "there is no such file")],
)
def test_a_file_that_cannot_be_read_says_so(tmp_path: Path, text: bytes | None, words: str) -> None:
    """Broken TOML, another encoding and no file at all are told with the path."""
    path = tmp_path / "carekit.toml"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(ConfigError, match=words) as caught:
        config.load(path, plugins.load(discover=False))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("section", "channels bots surveys policies apps calendars tokens service".split())
@pytest.mark.parametrize("value", ["5", '"x"', "[1]"])
def test_a_section_that_is_no_table_is_a_fault(tmp_path: Path, section: str, value: str) -> None:
    """A value where a table belongs is told, never a traceback."""
    assert _faults(tmp_path, f'{section} = {value}\n[store]\nuse = "memory"\n')


def test_a_part_that_is_no_table_is_a_fault(tmp_path: Path) -> None:
    """A channel given as a text is told how to write it."""
    found = _faults(tmp_path, '[store]\nuse = "memory"\n[channels]\nweb = "loopback"\n')
    assert "[channels.web]" in found["channels.web", ""]


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("/a", "/a", "is also the path"),
        ("/a", "/a/", "is also the path"),
        ("x", "/b", "must begin with"),
        ("/a?b", "/b", "is not a path such as"),
        ("/api", "/b", "belongs to the service"),
        ("/bots", "/b", "belongs to the service"),
        ("/bots/guide", "/b", "belongs to the service"),
    ],
)
def test_paths_of_apps_do_not_collide(tmp_path: Path, first: str, second: str, words: str) -> None:
    """Two apps at one path, a path that is none, and a path of the service itself are faults."""
    app = '[apps.{}]\nuse = "pages"\nfolder = "."\npath = "{}"\n'
    text = '[store]\nuse = "memory"\n' + app.format("one", first) + app.format("two", second)
    assert any(words in message for message in _faults(tmp_path, text).values())


def test_the_fingerprint_names_the_configuration(tmp_path: Path) -> None:
    """The same tables have the same fingerprint, whatever their order and comments; a changed value another."""
    first = _load(tmp_path, GOOD).fingerprint
    assert _load(tmp_path, "# a comment\n" + GOOD).fingerprint == first
    assert _load(tmp_path, GOOD, {"SHOP_TOKEN": "another token, also long"}).fingerprint == first
    assert _load(tmp_path, GOOD.replace('"4h"', '"5h"')).fingerprint != first
    assert (len(first), set(first) <= set("0123456789abcdef")) == (12, True)


def test_a_secret_in_a_file_of_its_own(tmp_path: Path) -> None:
    """A secret may lie in a file beside the file; its last line end is not part of it."""
    (tmp_path / "token").write_text("a token that is long\n", "utf-8")
    settings = _load(tmp_path, GOOD.replace('{ env = "SHOP_TOKEN" }', '{ file = "token" }'))
    assert settings.tokens["shop"].value.reveal() == "a token that is long"


def test_no_fault_shows_a_secret(tmp_path: Path) -> None:
    """A token that is refused is not repeated in the refusal."""
    found = _faults(tmp_path, GOOD.replace('{ env = "SHOP_TOKEN" }', '"hunter2"'))
    assert "hunter2" not in str(found)


def test_a_part_that_cannot_be_built_is_a_fault_at_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A constructor or a check that raises is told with the plugin, not as a traceback."""
    installed = plugins.load(discover=False)

    class Broken(installed.offers["channels"]["loopback"].cls):  # type: ignore[misc]
        def check(self) -> list[str]:
            raise RuntimeError("unfinished")

    offer = replace(installed.offers["channels"]["loopback"], cls=Broken)
    broken = replace(installed, offers={**installed.offers, "channels": {"loopback": offer}})
    path = tmp_path / "carekit.toml"
    path.write_text(GOOD, "utf-8")
    with pytest.raises(FaultyFile, match="RuntimeError: unfinished"):
        config.load(path, broken, {"SHOP_TOKEN": "a token that is long"})


def test_a_bus_that_nobody_could_hear_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of one process needs no bus, and whoever writes one expects something of it."""
    installed = plugins.load(extra={"wire": _wire()}, discover=False)
    monkeypatch.setattr(plugins, "load", lambda **_: installed)
    found = _faults(tmp_path, GOOD + '\n[bus]\nuse = "wire"\n')
    assert found["bus", ""] == (
        "is of no use, because only one process can use this store; take it out or change [store]"
    )


def _wire() -> ModuleType:
    module = ModuleType("wire")

    def carekit_buses() -> dict[str, type[Bus]]:
        return {"wire": Bus}

    module.carekit_buses = hookimpl(carekit_buses)  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("127.0.0.1:18432", "http://127.0.0.1:18432"),
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("[::1]:8001", "http://[::1]:8001"),
    ],
)
def test_the_address_is_where_it_listens(tmp_path: Path, listen: str, url: str) -> None:
    """Without a url of its own, links lead to where somebody answers."""
    path = tmp_path / "carekit.toml"
    path.write_text(f'[service]\nlisten = "{listen}"\n[store]\nuse = "memory"\n')
    assert config.load(path, plugins.load(discover=False)).service.url == url


def test_a_mark_at_the_beginning_is_no_fault(tmp_path: Path) -> None:
    """Some editors write a byte order mark that nobody sees."""
    path = tmp_path / "carekit.toml"
    path.write_text('\ufeff[service]\nname = "Marked"\n[store]\nuse = "memory"\n', "utf-8")
    assert config.load(path, plugins.load(discover=False)).service.name == "Marked"

"""The one file: every fault at once, each with its place and its remedy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest

from carekit.builtin.memory import MemoryStore
from carekit.ground.errors import ConfigError
from carekit.ground.values import replace
from carekit.seams.bus import Bus
from carekit.seams.hookspecs import hookimpl
from carekit.service import config, plugins
from carekit.service.config import Settings
from carekit.service.faults import FaultyFile

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
        ('{ env = "SHOP_TOKEN" }', '{ file = "none" }', ("tokens.shop", "value"), "there is no file"),
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


def test_a_listener_that_makes_no_address_is_the_fault(tmp_path: Path) -> None:
    """And not the url, which is not in the file."""
    path = tmp_path / "carekit.toml"
    path.write_text('[service]\nlisten = "*:80"\n[store]\nuse = "memory"\n')
    with pytest.raises(FaultyFile) as caught:
        config.load(path, plugins.load(discover=False))
    assert [(fault.table, fault.key) for fault in caught.value.faults] == [("service", "listen")]
    assert "or give url as well" in str(caught.value)


def test_a_mark_at_the_beginning_is_no_fault(tmp_path: Path) -> None:
    """Some editors write a byte order mark that nobody sees."""
    path = tmp_path / "carekit.toml"
    path.write_text('\ufeff[service]\nname = "Marked"\n[store]\nuse = "memory"\n', "utf-8")
    assert config.load(path, plugins.load(discover=False)).service.name == "Marked"


STORE = '[store]\nuse = "memory"\n'
ROUTE = '[policies.r]\nuse = "route"\n'
SHOP = '[tokens.shop]\nvalue = { env = "SHOP_TOKEN" }\n'


def test_one_wrong_value_hides_nothing_of_its_table(tmp_path: Path) -> None:
    """What a component itself has to say is told along with a value of the wrong type beside it."""
    found = _faults(
        tmp_path,
        STORE + '[policies.a]\nuse = "acknowledge"\ntext = "Hello {{ nme }}"\nper_contact = 5\n'
        '[apps.b]\nuse = "pages"\nfolder = "none"\npath = 7\n',
    )
    assert {("policies.a", "per_contact"), ("policies.a", ""), ("apps.b", ""), ("apps.b", "path")} == set(found)
    assert "nme" in found["policies.a", ""]


def test_a_calendar_tells_all_of_its_faults(tmp_path: Path) -> None:
    """Its zone, each of its windows, its holidays, and a key that is none."""
    hours = '{ mon-fry = ["09:00-13:00"], sat = ["9-12", "14:00-25:00"], sat-sun = [] }'
    text = f'{STORE}[calendars.o]\nhours = {hours}\ntimezone = "Mars"\nholidays = 5\nhuors = 1\n'
    with pytest.raises(FaultyFile) as caught:
        _load(tmp_path, text)
    assert [fault.key for fault in caught.value.faults] == ["huors", "timezone", *["hours"] * 4, "holidays"]
    assert 'did you mean "fri"' in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        f'[chanels.web]\nuse = "loopback"\n{ROUTE}channels = ["web"]\n',
        f'channels = 5\n{ROUTE}channels = ["web"]\n{SHOP}inboxes = ["web"]\n',
        f'[channels.web]\nuse = "loopback"\ninbox = 5\n{SHOP}inboxes = ["sales"]\n',
        f'[channels.web]\nuse = "loopback"\ninbx = "sales"\n{SHOP}inboxes = ["sales"]\n',
        '[policies.a]\nuse = "acknowledge"\ntxt = "Hello"\n',
        '[policies.a]\nuse = "acknowledge"\ntext = 5\n',
        '[service]\ntimezone = "Mars"\n[calendars.o]\nhours = "always"\n',
        '[service]\nlisten = "nowhere"\n',
    ],
)
def test_what_only_follows_from_a_fault_is_not_told(tmp_path: Path, text: str) -> None:
    """Mending the one fault mends the file."""
    assert len(_faults(tmp_path, text + STORE)) == 1


def test_a_misspelt_section_is_read_as_the_one_that_is_meant(tmp_path: Path) -> None:
    """What is wrong in it is told at once, under the name that it has in the file."""
    found = _faults(tmp_path, STORE + '[chanels.web]\nuse = "lopback"\n')
    assert set(found) == {("", "chanels"), ("chanels.web", "use")}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("proxies", '["localhost"]', "must be an address such as"),
        ("proxies", '["10.0.0.1/8"]', 'write "10.0.0.0/8" or "10.0.0.1"'),
        ("hosts", '["https://care.example"]', "must be a host name"),
        ("hosts", '["*.care.example"]', "must be a host name"),
        ("url", '"https://[::1"', "must be an address such as"),
        ("url", '"https://care.example:99999"', "must be an address such as"),
        ("listen", '"127.0.0.1:²"', "host:port"),
        ("seed", '"none.toml"', "there is no such file; write it, with [[agents]], or take the key out"),
        ("seed", '"."', "is a folder"),
        ("secret", '""', "too short to be a secret"),
        ("seed", '"empty"', "names no agents"),
    ],
)
def test_a_fault_of_the_service_has_its_place_and_its_remedy(tmp_path: Path, key: str, value: str, words: str) -> None:
    """Addresses that would never fit and a seed that could not be planted are found before anything starts."""
    (tmp_path / "empty").touch()
    assert words in _faults(tmp_path, f"[service]\n{key} = {value}\n{STORE}")["service", key]


def test_the_faults_of_a_seed_are_those_of_the_file(tmp_path: Path) -> None:
    """They name the seed file and the agent, and stand beside the others."""
    (tmp_path / "seed.toml").write_text('[[agents]]\nid = "a b"\n', "utf-8")
    path = tmp_path / "carekit.toml"
    path.write_text(f'[service]\nseed = "seed.toml"\nurl = "x"\n{STORE}', "utf-8")
    with pytest.raises(FaultyFile) as caught:
        config.load(path, plugins.load(discover=False))
    told = [(Path(fault.file).name, fault.table, fault.key) for fault in caught.value.faults]
    assert told[0] == ("carekit.toml", "service", "url")
    assert set(told[1:]) == {("seed.toml", "[agents]", f"1 {key}") for key in ("id", "name", "email", "password")}


def test_two_tokens_need_two_values(tmp_path: Path) -> None:
    """A request could not say which of them it carries; neither is shown."""
    text = STORE + "".join(f'[tokens.{name}]\nvalue = "the same for both of them"\n' for name in ("a", "b"))
    found = _faults(tmp_path, text)
    assert found == {("tokens.b", "value"): "is also that of [tokens.a]; give each its own"}


@pytest.mark.parametrize(
    ("keys", "place", "words"),
    [
        ('inboxes = ["sale"]', "inboxes", "no inbox 'sale' (did you mean \"sales\"?); the inboxes are sales"),
        ("may = []", "may", "of no use"),
        (f'value = "{"x" * 600}"', "value", "at most 512"),
        ('value = "a token with an é in it"', "value", "cannot carry"),
    ],
)
def test_a_token_that_nobody_could_use_is_a_fault(tmp_path: Path, keys: str, place: str, words: str) -> None:
    """What would be refused at each request, or at the start, is found by the check."""
    value = "" if place == "value" else 'value = "a token that is long"\n'
    text = f'{STORE}[channels.web]\nuse = "loopback"\ninbox = "sales"\n[tokens.shop]\n{value}{keys}\n'
    assert words in _faults(tmp_path, text)["tokens.shop", place]


def test_a_name_that_no_address_can_have_is_a_fault(tmp_path: Path) -> None:
    """Channels, bots, surveys, apps and tokens are found by their names."""
    text = STORE + '[channels."a/b"]\nuse = "loopback"\n[tokens."b c"]\nvalue = "a token that is long"\n'
    found = _faults(tmp_path, text)
    assert ("channels.a/b", "") in found
    assert "cannot be in an address" in found["tokens.b c", ""]


LASTING = '[store]\nuse = "lasting"\n'


def _lasting() -> ModuleType:
    """A store that is not in memory, as far as the file can tell."""
    module = ModuleType("lasting")

    class Lasting(MemoryStore):
        inline: ClassVar[bool] = False

    module.carekit_stores = hookimpl(lambda: {"lasting": Lasting})  # type: ignore[attr-defined]
    return module


@pytest.fixture
def lasting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store `lasting` is installed."""
    found = plugins.load(extra={"lasting": _lasting()}, discover=False)
    monkeypatch.setattr(plugins, "load", lambda **_: found)


@pytest.mark.usefixtures("lasting")
@pytest.mark.parametrize("data", ["carekit.toml", "carekit.toml/data", "/proc/none"])
def test_a_data_folder_that_cannot_be_is_a_fault(tmp_path: Path, data: str) -> None:
    """A file in its place, or a folder in which nothing can be made."""
    if data.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("there is no /proc here; Linux has one")
    found = _faults(tmp_path, f'[service]\ndata = "{data}"\n{LASTING}')
    assert "name another" in found["service", "data"]
    assert [path.name for path in tmp_path.iterdir()] == ["carekit.toml"]


@pytest.mark.usefixtures("lasting")
def test_a_data_folder_that_can_be_made_is_not_made(tmp_path: Path) -> None:
    """Trying leaves nothing behind."""
    assert _load(tmp_path, f'[service]\ndata = "a/b"\n{LASTING}').service.data == tmp_path.resolve() / "a" / "b"
    assert [path.name for path in tmp_path.iterdir()] == ["carekit.toml"]


@pytest.mark.usefixtures("lasting")
def test_a_secret_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    """One that was kept earlier must be one of ours."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret").write_bytes(b"\xff")
    assert "it is not a secret of ours" in _faults(tmp_path, LASTING)["service", "data"]


@pytest.mark.usefixtures("lasting")
def test_a_service_that_keeps_nothing_there_needs_no_data_folder(tmp_path: Path) -> None:
    """With its secret given and its attachments elsewhere, the folder may be anything."""
    keys = 'data = "carekit.toml/x"\nsecret = "a secret of some length"\nblobs = "memory://care"\n'
    assert _load(tmp_path, f"[service]\n{keys}{LASTING}").service.blobs

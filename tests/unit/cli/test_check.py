"""``carekit check`` finds everything at once, and says where and what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import FILE, Run, module

Install = Callable[[Mapping[str, Any]], None]


def faults(cli: Run, file: Path, more: str, *, instead: str = "") -> list[str]:
    """What is said of the good file with *more* at its end, without the path."""
    file.write_text(instead or FILE + more, "utf-8")
    said = cli("check", file)
    assert said.exit_code == 1, said.output
    return [line.removeprefix(f"{file}: ") for line in said.stderr.splitlines()]


def test_a_good_file_has_no_faults(cli: Run, file: Path) -> None:
    """What is in it is counted, and the configuration named."""
    said = cli("check", file)
    assert said.exit_code == 0
    assert said.stdout.startswith(f"{file}: no faults (1 channel; configuration ")


def test_a_file_with_nothing_to_count_says_so_plainly(cli: Run, file: Path) -> None:
    """The configuration alone is named."""
    file.write_text('[store]\nuse = "memory"\n', "utf-8")
    assert cli("check", file).stdout.startswith(f"{file}: no faults (configuration ")


def test_the_file_is_carekit_toml_unless_said_otherwise(cli: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder of the file its name need not be given."""
    monkeypatch.chdir(file.parent)
    assert cli("check").stdout.startswith("carekit.toml: no faults")


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ('[chanels.x]\nuse = "loopback"', 'top level chanels: is not a section (did you mean "channels"?)'),
        (
            "[xyz]",
            (
                "top level xyz: is not a section; known sections: service, store, bus, channels, bots, surveys, "
                "calendars, policies, apps, tokens"
            ),
        ),
        (
            '[policies.a]\nuse = "acknowledge"\ntext = "x"\nper_contatc = "1d"',
            '[policies.a] per_contatc: is not a key here (did you mean "per_contact"?)',
        ),
        (
            '[channels.shop]\nuse = "chatt"',
            "[channels.shop] use: 'chatt' is not installed; installed channels: loopback",
        ),
        ("[channels.shop]", "[channels.shop] use: is missing; installed channels: loopback"),
        ('[bots.b]\nuse = "x"', "[bots.b] use: 'x' is not installed; installed bots: none"),
        (
            '[policies.r]\nuse = "rout"',
            (
                "[policies.r] use: 'rout' is not installed; installed policies: acknowledge, archive, bot, "
                'follow-up, hours, route, sla, survey (did you mean "route"?)'
            ),
        ),
        (
            '[policies.a]\nuse = "sla"\nfirst_response = "4h"\ncalendar = "office"',
            "[policies.a] calendar: there is no [calendars.office]; add [calendars.office] or mend the name",
        ),
        (
            '[policies.a]\nuse = "route"\nchannels = ["lop"]',
            '[policies.a] channels: there is no [channels.lop] (did you mean "loop"?)',
        ),
        (
            '[policies.a]\nuse = "sla"\nfirst_response = "4 hours"',
            (
                '[policies.a] first_response: "4 hours" is not a duration: write whole numbers with w, d, h, m or s, '
                'largest first, such as "90s", "30m", "4h", "2d", "1h30m"'
            ),
        ),
        (
            '[policies.a]\nuse = "sla"\nfirst_response = 4',
            '[policies.a] first_response: must be a duration such as "30m", "4h" or "2d", not 4',
        ),
        ('[policies.a]\nuse = "sla"', "[policies.a] first_response: is missing: a person answers within this time"),
        (
            '[calendars.o]\nhours = "always"\ntimezone = "Europe/Madird"',
            "[calendars.o] timezone: 'Europe/Madird' is not a time zone (did you mean \"Europe/Madrid\"?)",
        ),
        (
            '[calendars.o]\nhours = { mon-fri = ["9-17"] }',
            (
                '[calendars.o] hours: "mon-fri" has "9-17" is not a window: write two times such as "09:00-17:30", '
                '"22:00-06:00" or "18:00-24:00"'
            ),
        ),
        (
            '[calendars.o]\nhours = { mon-fry = ["09:00-17:00"] }',
            '[calendars.o] hours: "fry" in "mon-fry" is not a day (did you mean "fri"?): use mon, tue,',
        ),
        (
            '[calendars.o]\nhours = "always"\nholidays = ["2026-12-25"]',
            '[calendars.o] holidays: must be a list of dates such as [2026-12-25], or { country = "ES" }',
        ),
        (
            '[tokens.t]\nvalue = { env = "CAREKIT_TEST_ABSENT" }',
            "[tokens.t] value: environment variable CAREKIT_TEST_ABSENT is not set",
        ),
        ('[tokens.t]\nvalue = "short"', "[tokens.t] value: is too short to be a secret; use at least 16 characters"),
        ('[apps.a]\nuse = "pages"\nfolder = "none"', "[apps.a] folder: {folder}/none is not a folder; "),
        ('[apps.a]\nuse = "pages"\nfolder = "."\npath = "/api"', "[apps.a] path: "),
        (
            ('[apps.a]\nuse = "pages"\nfolder = "."\npath = "/x"\n[apps.b]\nuse = "pages"\nfolder = "."\npath = "/x"'),
            "[apps.b] path: '/x' is also the path of [apps.a]; choose another",
        ),
    ],
)
def test_a_fault_names_its_place_and_its_remedy(cli: Run, file: Path, more: str, fault: str) -> None:
    """One fault, said exactly."""
    said = faults(cli, file, more)
    assert said[-1] == f"1 fault in {file}", said
    assert said[0].startswith(fault.replace("{folder}", str(file.parent))), said[0]


def test_all_faults_are_found_at_once(cli: Run, file: Path) -> None:
    """One run is enough, however many there are."""
    said = faults(
        cli,
        file,
        '[polices.x]\n[channels.c]\nuse = "carrier-pigeon"\n[policies.p]\nuse = "sla"\nfirst_response = "soon"\n'
        'calendar = "none"\n[calendars.k]\nhours = { someday = ["09:00-10:00"] }\n',
    )
    assert said[-1] == f"{len(said) - 1} faults in {file}"
    assert len(said) >= 5
    for place in ("top level polices", "[channels.c] use", "[policies.p] first_response", "[calendars.k] hours"):
        assert any(line.startswith(place) for line in said), place


MISTAKES = """
[servce]
url = "care.example"
proxies = ["nginx"]
seed = "none.toml"
[store]
use = "memry"
[channels.web]
use = "loopback"
calendar = "ofice"
colour = "red"
[channels."a b"]
use = "loopback"
[calendars.office]
hours = { mon-fry = ["9-17"] }
timezone = "Mars"
[policies.hello]
use = "acknowledge"
text = "Hi {{ nme }}"
per_contact = 5
[tokens.one]
value = { env = "CAREKIT_TEST_EMPTY" }
may = ["fly"]
inboxes = ["nope"]
"""


def test_mistakes_of_all_kinds_are_told_together(cli: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of sixteen hides another, and none is told twice."""
    monkeypatch.setenv("CAREKIT_TEST_EMPTY", "")
    said = faults(cli, file, "", instead=MISTAKES)
    places = [line.partition(":")[0].partition(" 'a b'")[0] for line in said if line.startswith(("[", "top"))]
    assert places == [
        "top level servce",
        *("[servce] url", "[servce] proxies", "[servce] seed"),
        *("[calendars.office] timezone", "[calendars.office] hours", "[calendars.office] hours"),
        *("[channels.web] calendar", "[channels.web] colour"),
        "[channels.a b]",
        *("[policies.hello] per_contact", "[policies.hello] text"),
        "[store] use",
        *("[tokens.one] value", "[tokens.one] may", "[tokens.one] inboxes"),
    ]
    assert said[-1] == f"16 faults in {file}"


def test_a_missing_store_is_a_fault(cli: Run, file: Path) -> None:
    """A desk must keep its conversations somewhere."""
    said = faults(cli, file, "", instead='[service]\nname = "x"\n')
    assert said[0] == '[store] is missing; write [store] with use = "memory" or a durable one'


def test_a_section_that_is_no_table_is_a_fault(cli: Run, file: Path) -> None:
    """A value where tables belong is explained."""
    said = faults(cli, file, "", instead="channels = 3\n" + FILE.replace('[channels.loop]\nuse = "loopback"\n', ""))
    assert said[0] == "[channels] must be a table; write [channels.NAME]"


@pytest.mark.parametrize("section", ["service", "store", "calendars.x", "policies.x", "tokens.x"])
def test_a_table_that_is_a_value_is_a_fault_and_no_crash(cli: Run, file: Path, section: str) -> None:
    """Whatever stands where a table belongs, the check says so."""
    name, _, inner = section.partition(".")
    given = f"{name} = {{ {inner} = 3 }}\n" if inner else f"{name} = 3\n"
    rest = FILE.replace("[service]", "[ignored]") if name == "service" else FILE
    if name == "store":
        rest = FILE.replace('[store]\nuse = "memory"\n', "")
    said = faults(cli, file, "", instead=given + rest)
    assert any("must be a table" in line for line in said), said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[service\n", "is not valid TOML: "),
        (b'name = "\xff"', "is not UTF-8 text (byte 8); save it as UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_explained(cli: Run, file: Path, content: bytes, message: str) -> None:
    """Syntax and encoding are one sentence with the place."""
    file.write_bytes(content)
    said = cli("check", file)
    assert said.exit_code == 1
    assert said.stderr.startswith(f"carekit: {file}: {message}")


def test_a_missing_file_is_explained(cli: Run, tmp_path: Path) -> None:
    """The remedy is the command that writes one."""
    said = cli("check", tmp_path / "none.toml")
    assert said.exit_code == 1
    assert said.stderr.endswith("there is no such file; `carekit init` writes a working one\n")


def test_checking_writes_nothing(cli: Run, file: Path) -> None:
    """No database, no folder, no secret."""
    file.write_text(FILE.replace('secret = "a secret for tests only"\n', ""), "utf-8")
    assert cli("check", file).exit_code == 0
    assert [path.name for path in file.parent.iterdir()] == ["carekit.toml"]


def test_a_broken_plugin_is_named_where_it_is_missed(cli: Run, file: Path, installed: Install) -> None:
    """Who looks for something that a broken plugin would offer is told why it is not there."""

    def fail() -> None:
        raise RuntimeError("no licence")

    installed({"sms": module(carekit_channels=fail)})
    said = faults(cli, file, '[channels.s]\nuse = "sms"')
    assert said[0] == "plugin 'sms' is set aside: carekit_channels failed: RuntimeError: no licence"
    assert said[1].endswith("plugin 'sms' is set aside: carekit_channels failed: RuntimeError: no licence")


def test_a_component_that_cannot_be_made_is_a_fault(cli: Run, file: Path, installed: Install) -> None:
    """A stranger's constructor that raises is named with its plugin."""
    from carekit.builtin.loopback import Loopback

    class Bad(Loopback):
        def __init__(self, name: str, settings: object) -> None:
            raise KeyError("account")

    installed({"sms": module(carekit_channels=lambda: {"sms": Bad})})
    said = faults(cli, file, '[channels.s]\nuse = "sms"')
    assert said[0] == (
        "[channels.s] plugin 'sms' failed to make it: KeyError: 'account'; "
        "the plugin must be mended, so tell whoever makes it"
    )

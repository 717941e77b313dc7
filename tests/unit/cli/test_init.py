"""``carekit init`` writes a file that works."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from carekit.builtin.loopback import Loopback
from carekit.builtin.memory import MemoryStore
from carekit.cli.init import local_zone, service_name
from carekit.seams.app import App
from carekit.seams.bot import Bot
from carekit.seams.capabilities import Capabilities
from carekit.seams.component import Component
from carekit.seams.survey import SurveyProvider
from tests.unit.cli.conftest import Run, module

Install = Callable[[Mapping[str, Any]], None]


class Chat(Loopback):
    """A live channel."""

    capabilities = Capabilities(live=True)
    starter = '[channels.website]\nuse = "talk"\n'


class Mail(Loopback):
    """A channel that is not live, with two tables."""

    starter = '[channels.mail]\nuse = "post"\n\n[channels.sales]\nuse = "post"\n'


class Durable(MemoryStore):
    """A store with a beginning."""

    starter = '[store]\nuse = "disk"\n'


class Guide(Bot):
    """A bot."""

    starter = '[bots.guide]\nuse = "guide"\n'


class Page(App):
    """An app that needs a file."""

    starter = '[apps.help]\nuse = "page"\n'
    starter_files: ClassVar[Mapping[str, str]] = {"articles/first.md": "# First\n"}


class Stars(SurveyProvider):
    """A survey."""

    starter = '[surveys.stars]\nuse = "stars"\n'
    question = "How was it?"


def everything(**changed: Any) -> dict[str, Any]:
    """A plugin that offers all of the above."""
    return {
        "all": module(
            carekit_channels=lambda: {"talk": changed.get("chat", Chat), "post": Mail},
            carekit_stores=lambda: {"disk": Durable},
            carekit_bots=lambda: {"guide": changed.get("bot", Guide)},
            carekit_apps=lambda: {"page": Page},
            carekit_surveys=lambda: {"stars": Stars},
        )
    }


def tables(folder: Path) -> dict[str, Any]:
    """What was written."""
    return tomllib.loads((folder / "carekit.toml").read_text("utf-8"))


@pytest.mark.usefixtures("alone")
def test_the_file_works_with_nothing_but_core(cli: Run, tmp_path: Path) -> None:
    """Without plugins there are the memory store, the loopback channel, a calendar and the policies."""
    made = cli("init", tmp_path / "northwind-care")
    assert made.exit_code == 0, made.output
    written = tables(tmp_path / "northwind-care")
    assert written["service"]["name"] == "Northwind care"
    assert written["store"] == {"use": "memory"}
    assert list(written["channels"]) == ["loopback"]
    assert list(written["policies"]) == ["acknowledge", "routing", "first-reply", "follow-up"]
    assert cli("check", tmp_path / "northwind-care" / "carekit.toml").exit_code == 0


def test_the_file_works_with_whatever_is_installed(cli: Run, tmp_path: Path) -> None:
    """With the plugins that are installed where this test runs, the file has no faults."""
    assert cli("init", tmp_path).exit_code == 0
    checked = cli("check", tmp_path / "carekit.toml")
    assert checked.exit_code == 0, checked.output


def test_everything_installed_is_composed(cli: Run, tmp_path: Path, installed: Install) -> None:
    """Each starter is written; bot and survey bring their policies; the bot takes the live channel only."""
    installed(everything())
    made = cli("init", tmp_path)
    assert made.exit_code == 0, made.output
    written = tables(tmp_path)
    assert written["store"] == {"use": "disk"}
    assert set(written["channels"]) == {"website", "mail", "sales"}
    policies = written["policies"]
    assert policies["bot-first"] == {"use": "bot", "bot": "guide", "misses": 2, "channels": ["website"]}
    assert policies["first-reply-after-bot"]["channels"] == ["website"]
    assert sorted(policies["first-reply"]["channels"]) == ["mail", "sales"]
    assert sorted(policies["acknowledge"]["channels"]) == ["mail", "sales"]
    assert policies["how-was-it"]["survey"] == "stars"
    assert cli("check", tmp_path / "carekit.toml").exit_code == 0


def test_files_that_a_starter_needs_are_made_and_never_overwritten(
    cli: Run, tmp_path: Path, installed: Install
) -> None:
    """A folder of articles gets its first one; what a person wrote there stays."""
    installed(everything())
    assert "first.md" in cli("init", tmp_path).output
    article = tmp_path / "articles" / "first.md"
    assert article.read_text("utf-8") == "# First\n"
    article.write_text("mine", "utf-8")
    assert cli("init", tmp_path, "--force").exit_code == 0
    assert article.read_text("utf-8") == "mine"


def test_a_starter_with_a_fault_is_left_out(cli: Run, tmp_path: Path, installed: Install) -> None:
    """A stranger's beginning that does not work is named, and the rest works without it."""

    class Wrong(Guide):
        starter = '[bots.guide]\nuse = "guide"\nspeed = 3\n'

    installed(everything(bot=Wrong))
    made = cli("init", tmp_path)
    assert made.exit_code == 0
    expected = f"left out all: {tmp_path / 'carekit.toml'}: [bots.guide] speed: is not a key here; it takes none"
    assert expected in made.stderr
    written = tables(tmp_path)
    assert "bots" not in written and "bot-first" not in written["policies"]
    assert cli("check", tmp_path / "carekit.toml").exit_code == 0


@pytest.mark.parametrize(
    ("starter", "why"),
    [
        ("[channels.website\n", "its starter is not valid TOML"),
        ('[channels.mail]\nuse = "talk"\n', "[channels.mail] is written already"),
    ],
)
def test_a_starter_that_cannot_be_read_or_repeats_a_table_is_left_out(
    cli: Run, tmp_path: Path, installed: Install, starter: str, why: str
) -> None:
    """The file has each table once, whoever suggests it."""

    def of(text: str) -> type[Component]:
        return type("Other", (Loopback,), {"starter": text})

    installed({"p": module(carekit_channels=lambda: {"post": Mail, "talk": of(starter)})})
    made = cli("init", tmp_path)
    assert f"left out talk: {why}" in made.stderr
    assert set(tables(tmp_path)["channels"]) == {"mail", "sales"}


def test_an_existing_file_is_kept(cli: Run, tmp_path: Path) -> None:
    """Nobody's desk is overwritten unless they say so."""
    file = tmp_path / "carekit.toml"
    file.write_text("mine", "utf-8")
    refused = cli("init", tmp_path)
    assert refused.exit_code == 1
    assert refused.stderr == (f"carekit: {file}: is there already; choose another folder, or --force to overwrite it\n")
    assert file.read_text("utf-8") == "mine"
    assert cli("init", tmp_path, "--force").exit_code == 0
    assert "service" in tables(tmp_path)


def test_nothing_else_is_left_behind(cli: Run, tmp_path: Path) -> None:
    """The trial file is gone."""
    cli("init", tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_folder_that_cannot_be_written_is_said_so(cli: Run, tmp_path: Path) -> None:
    """A file in the way of the folder is no traceback."""
    (tmp_path / "taken").write_text("", "utf-8")
    refused = cli("init", tmp_path / "taken" / "desk")
    assert refused.exit_code == 1
    assert "cannot be written: Not a directory" in refused.stderr


@pytest.mark.usefixtures("alone")
def test_what_to_do_next_is_printed(cli: Run, tmp_path: Path) -> None:
    """The next commands name the file."""
    said = cli("init", tmp_path).stdout
    assert f"carekit check {tmp_path / 'carekit.toml'}" in said and "carekit serve" in said
    assert "the store is in memory" in said


def test_a_durable_store_asks_for_the_first_agent(cli: Run, tmp_path: Path, installed: Install) -> None:
    """With a store that lasts, the first agent is added by a command."""
    installed(everything())
    assert f"carekit agents add {tmp_path / 'carekit.toml'} ana" in cli("init", tmp_path).stdout


@pytest.mark.parametrize(
    ("folder", "name"), [("northwind-care", "Northwind care"), ("my_desk", "My desk"), ("ACME", "ACME"), ('a"b', 'A"b')]
)
def test_the_service_is_named_for_its_folder(tmp_path: Path, folder: str, name: str) -> None:
    """Dashes become spaces, and only the first letter changes."""
    assert service_name(tmp_path / folder) == name


def test_a_folder_with_a_quote_in_its_name_gives_a_file_that_works(cli: Run, tmp_path: Path) -> None:
    """Names are written as TOML texts."""
    assert cli("init", tmp_path / 'a"b\\').exit_code == 0
    assert tables(tmp_path / 'a"b\\')["service"]["name"] == 'A"b\\'


def test_the_root_has_no_name() -> None:
    """The service is then called what it is."""
    assert service_name(Path("/")) == "Care desk"


@pytest.mark.parametrize(
    ("environment", "written", "zone"),
    [
        ({"TZ": "Europe/Madrid"}, "", "Europe/Madrid"),
        ({"TZ": ":Europe/Madrid"}, "", "Europe/Madrid"),
        ({"TZ": "EST5EDT4,M3"}, "Asia/Tokyo\n", "Asia/Tokyo"),
        ({}, "Asia/Tokyo\n", "Asia/Tokyo"),
        ({}, "Nowhere/Here", ""),
        ({}, "", ""),
    ],
)
def test_the_time_zone_is_the_machines(tmp_path: Path, environment: dict[str, str], written: str, zone: str) -> None:
    """TZ first, then what the system says, and only a zone that exists."""
    (tmp_path / "timezone").write_text(written, "utf-8")
    assert local_zone(environment, tmp_path) == zone


def test_the_time_zone_may_be_a_link(tmp_path: Path) -> None:
    """/etc/localtime is a link into the zone files on most systems."""
    (tmp_path / "zoneinfo" / "Europe").mkdir(parents=True)
    (tmp_path / "zoneinfo" / "Europe" / "Paris").write_text("", "utf-8")
    (tmp_path / "localtime").symlink_to(tmp_path / "zoneinfo" / "Europe" / "Paris")
    assert local_zone({}, tmp_path) == "Europe/Paris"

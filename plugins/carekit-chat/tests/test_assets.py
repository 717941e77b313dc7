from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator

import pytest
from chat_harness import toml
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from carekit.testing import DeskKit
from carekit_chat import plugin
from carekit_chat.assets import CONFIG, GIVEN, data, load

URL = "https://care.example"
KEYS = """
origins = ["https://shop.example"]
greeting = "</script><script>alert(1)</script>"
accent = "#7A1FA2"
help = "help@northwind.example"
"""


@pytest.fixture
def client() -> Iterator[TestClient]:
    with DeskKit(toml(URL, keys=KEYS), extra={"chat": plugin}, discover=False) as kit:
        routes = kit.service.channels["website"].routes(kit.desk)
        with TestClient(Starlette(routes=[Mount("/channels/website", routes=routes)]), base_url=URL) as client:
            yield client


def packed(text: str) -> int:
    """Bytes after gzip at its best."""
    return len(gzip.compress(text.encode(), 9))


def test_the_loader_fits_its_budget() -> None:
    """Every page of the shop pays for it: 5 KB at most."""
    assert packed(load()["w.js"]) <= 5_000


def test_the_panel_fits_its_budget() -> None:
    """Everything that opening the chat loads: 30 KB at most."""
    assert sum(packed(text) for name, text in load().items() if name != "w.js") <= 30_000


def test_the_panel_is_complete_without_other_hosts() -> None:
    """No font, no image, no address of anybody else in what we ship."""
    for name, text in load().items():
        addresses = set(re.findall(r"https?://[\w.-]+", text)) - {"http://www.w3.org"}
        assert not addresses, name


@pytest.mark.parametrize(
    "pattern", [r"innerHTML", r"outerHTML", r"insertAdjacentHTML", r"\beval\b", r"document\.write"]
)
def test_no_text_becomes_markup(pattern: str) -> None:
    """Elements are built one by one."""
    assert not [name for name, text in load().items() if re.search(pattern, text)]


def test_markup_has_no_inline_code_or_style() -> None:
    """A strict policy would refuse it."""
    assert not re.search(r"\s(style|on\w+)=", load()["panel.html"])


def test_directions_are_logical() -> None:
    """Left and right appear in no rule, so that the panel mirrors by itself."""
    rules = re.sub(r"/\*.*?\*/", "", load()["panel.css"], flags=re.DOTALL)
    assert not re.findall(
        r"(?:margin|padding|border|inset)?-?\b(?:left|right)\b\s*:|text-align:\s*(?:left|right)", rules
    )


def test_server_finds_the_places_it_fills_in() -> None:
    """The marked line of the loader and the marked element of the panel are there, once."""
    assert load()["w.js"].count(GIVEN) == 1
    assert load()["panel.html"].count(CONFIG) == 1


def test_both_languages_have_every_text() -> None:
    """A text added to one catalogue is missing in the other until it is translated."""
    catalogues = re.findall(r"^const (\w\w) = \{$(.*?)^\};$", load()["i18n.js"], flags=re.DOTALL | re.MULTILINE)
    keys = {language: re.findall(r"^  (\w+):", body, flags=re.MULTILINE) for language, body in catalogues}
    assert keys["en"] == keys["es"]
    assert len(keys["en"]) > 40


def test_every_text_used_exists() -> None:
    """No key in the code without a text."""
    texts = load()
    known = set(re.findall(r"^  (\w+):", texts["i18n.js"], flags=re.MULTILINE))
    used = {key for text in texts.values() for key in re.findall(r"\bt\(\"(\w+)\"", text)}
    assert used <= known


def test_panel_has_a_strict_policy(client: TestClient) -> None:
    """Nothing is allowed but its own files and socket, framed by the listed sites."""
    policy = client.get("/channels/website/panel.html").headers["content-security-policy"]
    parts = dict(part.split(" ", 1) for part in policy.split("; "))
    assert parts["default-src"] == "'none'"
    assert parts["script-src"] == parts["style-src"] == "'self'"
    assert parts["connect-src"] == "'self' wss://care.example/channels/website/socket"
    assert parts["frame-ancestors"] == "'self' https://shop.example"
    assert "unsafe" not in policy


def test_settings_reach_the_panel_as_data_only(client: TestClient) -> None:
    """A greeting with markup in it stays a greeting."""
    page = client.get("/channels/website/panel.html").text
    assert "<script>alert" not in page
    found = re.search(r'id="config">(.*?)</script>', page)
    assert found
    config = json.loads(found[1])
    assert config["greeting"] == "</script><script>alert(1)</script>"
    assert config["title"] == "Northwind care"


def test_accent_reaches_loader_and_panel(client: TestClient) -> None:
    """One key colours both."""
    assert '"accent":"#7A1FA2"' in client.get("/channels/website/w.js").text
    assert "--ck-accent:#7A1FA2" in client.get("/channels/website/panel.css").text


def test_an_unchanged_file_is_not_sent_again(client: TestClient) -> None:
    """The browser asks with the tag it has and gets 304."""
    first = client.get("/channels/website/app.js")
    again = client.get("/channels/website/app.js", headers={"if-none-match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_files_go_out_compressed_when_asked(client: TestClient) -> None:
    """And plain when not."""
    assert client.get("/channels/website/w.js").headers["content-encoding"] == "gzip"
    plain = client.get("/channels/website/w.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize("path", ["nothing.js", "..%2fplugin.py", "%2e%2e/plugin.py", "panel.html%00"])
def test_only_the_widgets_files_are_served(client: TestClient, path: str) -> None:
    """Names are looked up in a table, never in the file system."""
    assert client.get(f"/channels/website/{path}").status_code == 404


def test_the_loader_sets_no_cookie(client: TestClient) -> None:
    """Nothing is kept before somebody opens the chat."""
    assert "set-cookie" not in client.get("/channels/website/w.js").headers


def test_data_is_safe_in_a_script_element() -> None:
    """No character of the value can end the element."""
    text = data({"a": "</script><!--\u2028&"})
    assert not set(text) & set("<>&\u2028")
    assert json.loads(text) == {"a": "</script><!--\u2028&"}

"""The help centre over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from carekit import Desk
from carekit_faqbot.app import Help, HelpSettings

LIBRARY = Path(__file__).parent / "data" / "library"


class NamedDesk:
    """All of a desk that the help centre asks for: its name."""

    name = "Harbour Library"


def client_of(**settings: object) -> TestClient:
    app = Help("help", HelpSettings(**{"articles": LIBRARY, **settings}))  # type: ignore[arg-type]
    app.path = "/help"
    desk: Desk = NamedDesk()  # type: ignore[assignment]
    return TestClient(Starlette(routes=[Mount("/help", routes=app.routes(desk))]))


@pytest.fixture
def client() -> Iterator[TestClient]:
    with client_of() as client:
        yield client


def test_the_list_links_to_every_article(client: TestClient) -> None:
    """Each article of the folder has its line, and each line leads to a page."""
    page = client.get("/help/").text
    slugs = {file.stem for file in LIBRARY.glob("*.md")}
    assert set(re.findall(r'href="/help/([a-z0-9-]+)"', page)) == slugs
    assert all(client.get(f"/help/{slug}").status_code == 200 for slug in slugs)


def test_an_article_is_shown_whole(client: TestClient) -> None:
    """One first heading, the text, and anchors where answers point to."""
    page = client.get("/help/pin-and-account").text
    assert page.count("<h1>") == 1 and "<h1>PIN and online account</h1>" in page
    assert '<h2 id="forgotten-pin">Forgotten PIN</h2>' in page
    assert '<html lang="en" dir="ltr">' in page


def test_a_long_article_begins_with_its_contents(tmp_path: Path) -> None:
    """Four headings or more get a list of them."""
    (tmp_path / "a.md").write_text(
        "---\ntitle: A\nupdated: 2025-01-02\n---\n" + "".join(f"## H {n}\n\nText.\n\n" for n in range(4))
    )
    with client_of(articles=tmp_path) as client:
        page = client.get("/help/a").text
    assert '<li><a href="#h-2">H 2</a></li>' in page
    assert '<time datetime="2025-01-02">' in page


def test_a_search_is_a_plain_form(client: TestClient) -> None:
    """Results name the article and say how its passage begins; the words asked for stay in the field."""
    page = client.get("/help/", params={"q": "forgotten pin"}).text
    assert '<form class="search" method="get" action="/help/">' in page
    assert 'value="forgotten pin"' in page
    assert '<a href="/help/pin-and-account#forgotten-pin">PIN and online account</a><p>Choose New PIN' in page


def test_a_search_without_results_offers_the_nearest(client: TestClient) -> None:
    """There is always a way on."""
    page = client.get("/help/", params={"q": "donashun"}).text
    assert "Nothing found for &#34;donashun&#34;." in page
    assert len(re.findall(r'<li><a href="/help/', page)) == 5


def test_what_was_asked_is_never_markup(client: TestClient) -> None:
    """A query is shown as it was written."""
    page = client.get("/help/", params={"q": '"><script>alert(1)</script>'}).text
    assert "<script" not in page


def test_an_empty_search_is_the_list(client: TestClient) -> None:
    """Pressing the button on nothing does no harm."""
    assert client.get("/help/", params={"q": "  "}).text == client.get("/help/").text


def test_an_unknown_page_is_missing_politely(client: TestClient) -> None:
    """The answer is 404 with a search, and repeats nothing of the address."""
    answer = client.get("/help/nowhere-at-all")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert "nowhere-at-all" not in answer.text


@pytest.mark.parametrize("path", ["/help/", "/help/?q=pin", "/help/fines", "/help/nowhere"])
def test_nothing_is_inline_and_the_policy_says_so(client: TestClient, path: str) -> None:
    """No script, no style attribute, no event attribute, and a policy that would stop them."""
    answer = client.get(path)
    assert re.search(r"<script|<style|\sstyle=|\son[a-z]+=", answer.text) is None
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_style_sheet_is_kept_until_it_changes(client: TestClient) -> None:
    """Its address carries its version, so it may be kept for ever."""
    address = re.findall(r'<link rel="stylesheet" href="([^"]+)">', client.get("/help/").text)[0]
    answer = client.get(address)
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]


def test_the_chat_is_on_the_page_only_when_wanted() -> None:
    """One script from this service, and a policy that lets it and its frame in."""
    with client_of(chat="/channels/website/w.js") as client:
        answer = client.get("/help/fines")
    assert '<script src="/channels/website/w.js" async></script>' in answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "frame-src 'self'" in answer.headers["content-security-policy"]


def test_the_frame_of_the_page_is_in_the_settings() -> None:
    """Title, way home, way to people and language are the owner's."""
    with client_of(title="Ayuda de Puerto", home="/", contact="mailto:a@b.example", language="es") as client:
        page = client.get("/help/").text
    assert '<a href="/">Ayuda de Puerto</a>' in page
    assert '<a href="mailto:a@b.example">Escríbenos</a>' in page
    assert '<html lang="es"' in page


def test_a_page_in_arabic_runs_from_right_to_left(tmp_path: Path) -> None:
    """The direction follows the article's language."""
    (tmp_path / "a.md").write_text("---\ntitle: العنوان\nlanguage: ar\n---\nالنص.", encoding="utf-8")
    with client_of(articles=tmp_path) as client:
        assert '<html lang="ar" dir="rtl">' in client.get("/help/a").text


def test_faults_of_settings_and_articles_are_found_by_the_check(tmp_path: Path) -> None:
    """All of them, before anything starts."""
    app = Help("help", HelpSettings(articles=tmp_path, language="tlh", chat="https://elsewhere.example/w.js"))
    assert [fault.partition(":")[0] for fault in app.check()] == ["language", "chat", "articles"]
    assert list(Help("help", HelpSettings(articles=LIBRARY)).check()) == []

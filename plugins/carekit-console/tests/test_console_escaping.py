"""Whatever people write shows as they wrote it: in every text, on every page."""

from __future__ import annotations

from html import escape

import pytest
from console_harness import Visitor, World

from carekit import (
    AddNote,
    Address,
    AnswerSurvey,
    Attachment,
    Identify,
    MessageReceived,
    OfferSurvey,
    Resolve,
    Send,
    Source,
)

FIELDS = (
    "contact",
    "address",
    "subject",
    "text",
    "quoted",
    "file",
    "reply",
    "source",
    "note",
    "agent",
    "reason",
    "question",
    "comment",
    "detail",
)


def payload(field: str) -> str:
    """A text that would be noticed if it were read as markup, different for each field."""
    return f"<img src=x id={field} onerror=alert(1)>\"'</textarea></script><b>{field}"


def filled(world: World) -> tuple[Visitor, str]:
    """A conversation with the payload in every text that a person or a plugin can set."""
    visitor = world.agent("lena", name=payload("agent"))
    digest = world.kit.run(world.kit.desk.keep(b"bytes"))
    id = world.write(
        payload("text"),
        name=payload("contact"),
        address=Address("email", payload("address"), payload("contact")),
        subject=payload("subject"),
        meta={"quoted": payload("quoted")},
        attachments=(Attachment(payload("file"), "text/html", 5, digest),),
    )
    act = world.kit.act
    act(Send(payload("reply"), sources=(Source(payload("source"), "javascript:alert(1)"),)), "agent:lena", id)
    act(AddNote(payload("note")), "agent:lena", id)
    act(Send("Automatic", purpose="notice", reason=payload("reason")), "policy:x", id)
    act(OfferSurvey("csat", "csat", payload("question"), 5), "service", id)
    act(AnswerSurvey("csat", "csat", 4, 5, True, payload("comment")), "contact", id)
    return visitor, id


def test_every_text_shows_as_it_was_written(world: World) -> None:
    """On the conversation's page each payload appears, and only in its escaped form."""
    visitor, id = filled(world)
    page = visitor.get(f"/c/{id}?view=all").text
    for field in FIELDS:
        assert payload(field) not in page, field
        assert f"<img src=x id={field}" not in page, field
    for field in set(FIELDS) - {"address", "detail"}:
        shown = escape(payload(field)).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
        assert shown in page, field


@pytest.mark.parametrize(
    "path", ["/view/mine", "/view/all?part=list", "/reports", "/c/{id}?part=thread", "/c/{id}?view=%3Cimg"]
)
def test_no_page_lets_markup_through(world: World, path: str) -> None:
    """Lists, parts and reports neither."""
    visitor, id = filled(world)
    assert "<img" not in visitor.get(path.format(id=id)).text


def test_no_address_of_a_script_becomes_a_link(world: World) -> None:
    """Sources and links in messages lead to http and https, or nowhere."""
    visitor, id = filled(world)
    world.write('javascript:alert(1) data:text/html,x https://safe.example/a?b="c', name="Ana")
    page = visitor.get(f"/c/{world.kit.conversation().id}").text + visitor.get(f"/c/{id}").text
    assert 'href="javascript:' not in page
    assert 'href="data:' not in page
    assert 'rel="noopener noreferrer nofollow">https://safe.example/a?b=</a>' in page


def test_a_failed_log_in_shows_the_address_as_typed(world: World) -> None:
    """The log-in page gives the e-mail back escaped."""
    answer = world.visitor().post("/login", {"email": payload("email"), "password": "x"})
    assert "<img" not in answer.text
    assert "&lt;img src=x id=email" in answer.text


def test_an_attachment_is_a_download_and_never_a_page(world: World) -> None:
    """Its own type is not believed, its name cannot break the header, and only its own conversation gives it."""
    visitor, id = filled(world)
    seq = next(event.seq for event in world.kit.events(MessageReceived, id))
    answer = visitor.get(f"/c/{id}/file/{seq}/0")
    assert answer.content == b"bytes"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%3Cimg")
    assert "sandbox" in answer.headers["content-security-policy"]
    for path in (f"/c/{id}/file/{seq}/1", f"/c/{id}/file/{seq + 1}/0", f"/c/{id}/file/99999999999/0"):
        assert visitor.get(path).status_code == 404


def test_a_name_given_in_the_chat_is_escaped_too(world: World) -> None:
    """What a contact says about themselves is text like any other."""
    visitor = world.agent("lena")
    id = world.write("hello", name="")
    world.kit.act(Identify(name=payload("name"), email="a@b.example"), "contact", id)
    world.kit.act(Resolve(), "agent:lena", id)
    page = visitor.get(f"/c/{id}").text
    assert "<img" not in page
    assert "&lt;img src=x id=name" in page

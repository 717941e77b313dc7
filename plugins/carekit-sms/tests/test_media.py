"""Files that come with a text (MMS)."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sms_recorded as recorded
from sms_far_side import Told
from sms_kit import Kit, desk

from carekit import Inbound, MessageReceived

PNG = Told(200, b"\x89PNG", {"Content-Type": "image/png"})


def come_in(kit: Kit, message: Inbound) -> MessageReceived:
    """What is kept of a message that `decode` gave."""
    whole = kit.run(kit.sms.complete(message, kit.desk))
    kit.run(kit.desk.receive(whole))
    return kit.facts(MessageReceived)[-1]


def with_media(provider: str, urls: list[str]) -> dict[str, Any]:
    """The fields by which *provider* says that files came along."""
    if provider == "twilio":
        fields = {"NumMedia": str(len(urls))}
        for number, url in enumerate(urls):
            fields |= {f"MediaUrl{number}": url, f"MediaContentType{number}": "image/png"}
        return fields
    if provider == "vonage":
        return {"channel": "mms", "message_type": "image", "image": {"url": urls[0], "name": "tent.png"}}
    if provider == "bird":
        images = [{"mediaUrl": url} for url in urls]
        return {"body": {"type": "image", "image": {"images": images, "text": "Where is my parcel?"}}}
    return {"files": urls}


@pytest.mark.parametrize("provider", ["twilio", "vonage", "bird", "generic"])
def test_a_picture_comes_with_its_text(provider: str) -> None:
    """It is fetched once, kept, and is an attachment of the message; its address is not kept."""
    more: dict[str, Any] = {}
    if provider == "generic":
        inbound = recorded.generic()["inbound"]
        more["generic"] = {"inbound": type(inbound)(
            format="json", id="message.id", sender="message.from", to="message.to", text="message.text",
            media="message.files",
        )}  # fmt: skip
    with desk(provider, media_networks=("127.0.0.0/8",), **more) as kit:
        kit.far_side.usual = PNG
        fields = with_media(provider, [f"{kit.far_side.url}/media/1"])
        (message,) = kit.sms.decode(recorded.inbound(provider, at=kit.clock.now().timestamp(), **fields))
        fact = come_in(kit, message)
        (file,) = fact.attachments
        assert (file.content_type, file.size) == ("image/png", 4)
        assert file.name == ("tent.png" if provider == "vonage" else "file-1.png")
        assert kit.run(kit.desk.fetch(file.digest)) == b"\x89PNG"
        assert "media" not in fact.meta
        assert fact.text == ("" if provider == "vonage" and not fact.text else "Where is my parcel?")


def test_credentials_go_to_the_provider_only() -> None:
    """Twilio's own address gets the account's authentication, any other none."""
    with desk("twilio", media_networks=("127.0.0.0/8",)) as kit:
        kit.far_side.usual = PNG
        elsewhere = kit.far_side.url.replace("127.0.0.1", "127.0.0.2")
        headers = kit.sms.provider.media_headers
        assert "Authorization" in headers(f"{kit.far_side.url}/media")
        assert headers(f"{elsewhere}/media") == headers("https://api.twilio.com.evil.example/") == {}
        bird = recorded.channel("bird").provider.media_headers
        assert "Authorization" in bird("https://media.api.bird.com/1")
        assert bird("https://evilapi.bird.com.example/1") == bird("https://xapi.bird.com/1") == {}


def test_a_file_that_cannot_be_had_holds_no_text_up() -> None:
    """Most providers deliver once: the text is kept, and says what is missing and why."""
    with desk("twilio", media_networks=("127.0.0.0/8",), media_size=10) as kit:
        kit.far_side.answers = [PNG, Told(404), Told(200, b"x" * 11)]
        urls = [f"{kit.far_side.url}/{number}" for number in range(3)] + ["http://169.254.169.254/latest"]
        (message,) = kit.sms.decode(recorded.inbound("twilio", "look", **with_media("twilio", urls)))
        fact = come_in(kit, message)
        assert len(fact.attachments) == 1
        assert fact.text.startswith("look\n[file ")
        assert fact.text.count("could not be fetched") == 3


def test_a_picture_alone_is_a_message() -> None:
    """An MMS needs no words."""
    with desk("twilio", media_networks=("127.0.0.0/8",)) as kit:
        kit.far_side.usual = PNG
        fields = with_media("twilio", [f"{kit.far_side.url}/1"])
        (message,) = kit.sms.decode(recorded.inbound("twilio", "", **fields))
        fact = come_in(kit, message)
        assert (fact.text, len(fact.attachments)) == ("", 1)


@pytest.mark.parametrize("count", ["-1", "99999999999", "x", "", "1e9", "²"])
def test_a_count_that_is_none_gives_no_files(count: str) -> None:
    """Whatever stands there, decoding holds."""
    (message,) = recorded.channel("twilio").decode(recorded.inbound("twilio", NumMedia=count))
    assert "media" not in message.meta


def test_no_more_than_ten_files_are_looked_at() -> None:
    """As many as an MMS may have."""
    urls = [f"https://media.example/{number}" for number in range(40)]
    (message,) = recorded.channel("twilio").decode(recorded.inbound("twilio", **with_media("twilio", urls)))
    assert len(json.loads(message.meta["media"])) == 10

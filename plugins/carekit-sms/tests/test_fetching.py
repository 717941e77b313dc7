"""Files behind addresses that others chose: what is reached, and all that is not."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from sms_far_side import FarSide, Told

from carekit_sms import fetching, wire
from carekit_sms.fetching import Fetcher, NotFetched, is_public, networks

LOOPBACK = networks(["127.0.0.0/8"])
PICTURE = Told(200, b"\x89PNG", {"Content-Type": "image/png; q=1"})


def fetch(url: str, fetcher: Fetcher | None = None) -> fetching.Fetched:
    return asyncio.run((fetcher or Fetcher(1_000, LOOPBACK)).fetch(url))


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names and the addresses that they resolve to; what is asked is kept under ``asked``."""
    found: dict[str, list[str]] = {"asked": []}

    async def resolve(self: object, host: str, port: int, **_: Any) -> list[Any]:
        found["asked"].append(host)
        if host not in found:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found[host]]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolve)
    return found


ELSEWHERE = [
    "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
    "http://0/", "http://0.0.0.0/", "http://localhost/", "http://localhost./", "http://[::1]/", "http://[::]/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
    "http://[fe80::1%25eth0]/", "http://[fc00::1]/", "http://[ff02::1]/", "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/", "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.0.1/", "http://192.0.0.1/",
    "http://198.18.0.1/", "http://224.0.0.1/", "http://255.255.255.255/", "http://240.0.0.1/", "https://192.168.1.1/",
    "http://user@127.0.0.1/", "https://api.twilio.com@127.0.0.1/", "https://127.0.0.1\\@api.twilio.com/",
    "https://api.twilio.com\\@127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/",
    "data:text/plain,x", "javascript:alert(1)", "//127.0.0.1/", "/etc/passwd", "", "http://", "http:///x",
    "http://127.0.0.1:99999/", "http://127.0.0.1:x/", "http://[::1/", "https://127.0.0.1:6379/", "http://①②⑦.0.0.1/",
    "http://metadata.google.internal/", "https://nowhere.invalid/",
]  # fmt: skip


@pytest.mark.parametrize("url", ELSEWHERE)
def test_no_other_place_is_reached(url: str) -> None:
    """Loopback, private, link-local and multicast in every spelling, other schemes, tricks with user names."""
    with pytest.raises(NotFetched):
        fetch(url, Fetcher(1_000))


@pytest.mark.parametrize("url", ["http://8.8.8.8/", "https://8.8.8.8:8443/", "http://[2001:4860:4860::8888]/"])
def test_the_public_network_is_reached_by_https_only(url: str) -> None:
    """On its usual port; nothing is sent before that is known."""
    with pytest.raises(NotFetched, match="https on port 443"):
        fetch(url, Fetcher(1_000))


@pytest.mark.parametrize(
    ("address", "public"),
    [("8.8.8.8", True), ("2001:4860:4860::8888", True), ("64:ff9b::808:808", True), ("64:ff9b::a00:1", False),
     ("::ffff:8.8.8.8", True), ("2002:808:808::", True), ("2002:a00:1::", False), ("100.100.0.1", False)],
)  # fmt: skip
def test_an_address_that_stands_for_another_is_looked_at_as_that(address: str, public: bool) -> None:
    """Mapped, NAT64 and 6to4 addresses are as public as what they hold."""
    assert is_public(ipaddress.ip_address(address)) is public


@given(bits=st.integers(0, 2**32 - 1))
def test_wrapping_an_address_changes_nothing(bits: int) -> None:
    """Whatever is refused bare is refused mapped and behind NAT64."""
    bare = ipaddress.IPv4Address(bits)
    mapped = ipaddress.IPv6Address((0xFFFF << 32) | bits)
    nat64 = ipaddress.IPv6Address((0x64FF9B << 96) | bits)
    assert is_public(mapped) == is_public(bare)
    assert is_public(bare) or not is_public(nat64)


def test_one_private_address_among_many_is_enough(names: dict[str, list[str]]) -> None:
    """Every address of the name is looked at, so none of them is left to chance."""
    names["media.example"] = ["93.184.216.34", "10.0.0.5"]
    with pytest.raises(NotFetched, match="public network"):
        fetch("https://media.example/1", Fetcher(1_000))


def test_the_name_is_asked_once_and_its_answer_connected_to(names: dict[str, list[str]], far_side: FarSide) -> None:
    """The connection goes to the address that was looked at, under the name: a second answer would have no say."""
    names["media.example"] = ["127.0.0.1"]
    far_side.answers = [PICTURE]
    found = fetch(f"http://media.example:{far_side.port}/a?b=1#c")
    assert (found.content, found.content_type) == (b"\x89PNG", "image/png")
    assert names["asked"] == ["media.example"]
    (asked,) = far_side.asked
    assert (asked.headers["host"], asked.path, asked.query) == (f"media.example:{far_side.port}", "/a", {"b": "1"})


def test_the_certificate_is_that_of_the_name(
    names: dict[str, list[str]], far_side: FarSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the connection pinned to an address, the server still has to prove that it is the name."""
    ca = trustme.CA()
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)
    monkeypatch.setattr(wire, "_certificates", lambda: trusting)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("media.example").configure_cert(context)
    far_side._server.socket = context.wrap_socket(far_side._server.socket, server_side=True)
    names["media.example"] = names["other.example"] = ["127.0.0.1"]
    far_side.usual = PICTURE
    assert fetch(f"https://media.example:{far_side.port}/").content == b"\x89PNG"
    with pytest.raises(NotFetched, match="cannot be read from"):
        fetch(f"https://other.example:{far_side.port}/")


def test_a_redirect_is_followed_nowhere(far_side: FarSide) -> None:
    """Unless the provider declares the domain it leads to: then once, through the same door."""
    far_side.usual = Told(302, b"", {"Location": f"http://127.0.0.1:{far_side.port}/next"})
    with pytest.raises(NotFetched, match="not followed"):
        fetch(f"{far_side.url}/1")
    assert len(far_side.asked) == 1


@pytest.mark.parametrize(
    ("location", "taken"),
    [("http://cdn.example:{port}/x", True), ("http://a.cdn.example:{port}/x", True), ("/x", True),
     ("http://cdn.example.evil.example:{port}/x", False), ("http://evilcdn.example:{port}/x", False),
     ("http://169.254.169.254/", False), ("http://inside.cdn.example:{port}/", False), ("", True)],
)  # fmt: skip
def test_a_declared_redirect_goes_through_the_same_door(
    names: dict[str, list[str]], far_side: FarSide, location: str, taken: bool
) -> None:
    """To the declared domain only, its address looked at like the first, and without the first one's credentials."""
    names |= {"api.cdn.example": ["127.0.0.1"], "cdn.example": ["127.0.0.1"], "a.cdn.example": ["127.0.0.1"]}
    names |= {"cdn.example.evil.example": ["127.0.0.1"], "evilcdn.example": ["127.0.0.1"]}
    names["inside.cdn.example"] = ["10.0.0.1"]
    far_side.answers = [Told(307, b"", {"Location": location.format(port=far_side.port)}), PICTURE]

    def headers(url: str) -> Mapping[str, str]:
        return {"Authorization": "Basic secret"} if "//api." in url else {}

    fetcher = Fetcher(1_000, LOOPBACK, headers, ("cdn.example",))
    first = f"http://api.cdn.example:{far_side.port}/1"
    if not taken:
        with pytest.raises(NotFetched):
            fetch(first, fetcher)
        assert len(far_side.asked) == 1
        return
    assert fetch(first, fetcher).content == b"\x89PNG"
    assert "authorization" in far_side.asked[0].headers
    assert ("authorization" in far_side.asked[1].headers) == (not location.startswith("http"))


def test_two_redirects_are_one_too_many(names: dict[str, list[str]], far_side: FarSide) -> None:
    """A declared domain that leads on again is not followed."""
    names["cdn.example"] = ["127.0.0.1"]
    far_side.usual = Told(302, b"", {"Location": f"http://cdn.example:{far_side.port}/again"})
    with pytest.raises(NotFetched, match="one place to the next"):
        fetch(f"http://cdn.example:{far_side.port}/", Fetcher(1_000, LOOPBACK, leads_to=("cdn.example",)))
    assert len(far_side.asked) == 2


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (Told(200, b"x" * 1_001), "larger than 1,000"),
        (Told(200, b"x", {"Content-Length": "5000000000"}), "larger than 1,000"),
        (Told(404, b"gone"), "answered 404"),
        (Told(200, breaks=True), "cannot be read from"),
    ],
)
def test_a_file_that_cannot_be_had_is_told(far_side: FarSide, told: Told, words: str) -> None:
    """Too large, gone, or cut off: in words for the agent."""
    far_side.answers = [told]
    with pytest.raises(NotFetched, match=words):
        fetch(f"{far_side.url}/1")


def test_a_file_of_just_the_limit_is_taken(far_side: FarSide) -> None:
    """To the octet."""
    far_side.answers = [Told(200, b"x" * 1_000)]
    assert len(fetch(f"{far_side.url}/1").content) == 1_000


def test_a_slow_file_is_given_up(far_side: FarSide, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider waits for our answer meanwhile."""
    monkeypatch.setattr(fetching, "TIMEOUT", 0.2)
    far_side.answers = [Told(200, hangs=0.6)]
    with pytest.raises(NotFetched, match="did not come within"):
        fetch(f"{far_side.url}/1")

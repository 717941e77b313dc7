from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit_chat.origins import ancestors, is_origin, may_connect, origin_of

OWN = "https://care.example"
LISTED = ("https://shop.example", "https://www.shop.example:8443")


@pytest.mark.parametrize("origin", [OWN, *LISTED])
def test_own_and_listed_origins_may_connect(origin: str) -> None:
    """The service's own origin and those of the file are let in."""
    assert may_connect(origin, OWN, LISTED)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "https://evil.example",
        "https://care.example.evil.example",
        "https://evilcare.example",
        "https://shop.example.evil",
        "https://shop.example@evil.example",
        "http://care.example",
        "https://care.example:444",
        "https://care.example/",
        "https://care.example/path",
        "https://CARE.example",
        "*",
        "file://",
        "https://",
    ],
)
def test_other_origins_are_refused(origin: str | None) -> None:
    """Foreign, missing, null and look-alike origins stay outside."""
    assert not may_connect(origin, OWN, LISTED)


def test_star_does_not_open_the_socket() -> None:
    """``*`` lets any site frame the panel; a foreign script still gets no socket."""
    assert not may_connect("https://evil.example", OWN, ("*",))


def test_loopback_names_are_one_when_the_host_repeats_them() -> None:
    """On the machine itself, localhost and 127.0.0.1 both work."""
    assert may_connect("http://localhost:8000", "http://127.0.0.1:8000", (), "localhost:8000")


def test_loopback_origin_of_another_port_is_refused() -> None:
    """A page of another local server is a foreign page."""
    assert not may_connect("http://localhost:9000", "http://127.0.0.1:8000", (), "localhost:8000")


def test_a_foreign_host_header_opens_nothing() -> None:
    """Repeating the Host header helps a loopback name only, or a rebound name would get in."""
    assert not may_connect("http://evil.example", "http://127.0.0.1:8000", (), "evil.example")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://care.example/path?x", "https://care.example"),
        ("https://care.example:443/", "https://care.example"),
        ("http://care.example:8080", "http://care.example:8080"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("ftp://care.example", ""),
        ("https://care.example:port", ""),
    ],
)
def test_origin_of_a_url(url: str, origin: str) -> None:
    """Default ports vanish, paths too, and what is not http has none."""
    assert origin_of(url) == origin


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    """Whatever a header holds is an origin or not, never an error."""
    assert is_origin(text) in {True, False}
    assert not may_connect(text, "", ())


def test_frame_ancestors_name_self_and_the_listed() -> None:
    """The panel may be framed by the service itself and the sites of the file."""
    assert ancestors(LISTED) == "'self' https://shop.example https://www.shop.example:8443"
    assert ancestors(("*",)) == "*"

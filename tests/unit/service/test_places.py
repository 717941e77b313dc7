"""Addresses and folders of the file are looked at before anything leans on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from carekit.service.places import folder_fault, host_fault, listen_fault, name_fault, proxy_fault, reached, url_fault


@pytest.mark.parametrize(
    ("look", "good"),
    [
        (listen_fault, ["127.0.0.1:8000", "[::1]:80", "care.example:0"]),
        (url_fault, ["https://care.example", "http://127.0.0.1:8000", "https://[::1]:8443/care/"]),
        (host_fault, ["care.example", "CARE.example", "192.0.2.1", "[2001:db8::1]", "my_host"]),
        (proxy_fault, ["127.0.0.1", "10.0.0.0/8", "2001:db8::/32", "::1"]),
        (name_fault, ["web", "support-mail", "a.b_c", "9"]),
    ],
)
def test_what_can_be_used_has_no_fault(look: object, good: list[str]) -> None:
    """Every way of writing it that works."""
    assert [look(text) for text in good] == [""] * len(good)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("look", "bad"),
    [
        (listen_fault, ["", "8000", ":8000", "host:", "host:70000", "host:-1", "host:٣"]),
        (url_fault, ["", "care.example", "ftp://care.example", "https://", "https://a b", "https://a?b", "https://a#b",
                     "https://ana@a", "https://a:x", "https://[", "https://café.example"]),
        (host_fault, ["", "*", "https://a", "a:80", "a/b", "::1", "a b", "café.example"]),
        (proxy_fault, ["", "*", "localhost", "10.0.0.256", "10.0.0.1/8", "10.0.0.0/99", "127.0.0.1:80"]),
        (name_fault, ["", "a b", "a/b", "é", "-a", "x" * 41]),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told(look: object, bad: list[str]) -> None:
    """Each is refused with words, and none raises."""
    assert [text for text in bad if not look(text)] == []  # type: ignore[operator]


def test_a_host_is_told_as_browsers_send_it() -> None:
    """A name with accents arrives in another form."""
    assert '"xn--caf-dma.example"' in host_fault("café.example")


@pytest.mark.parametrize("listen", ["0.0.0.0:80", "[::]:80", "127.0.0.1:80"])
def test_what_listens_everywhere_is_reached_on_this_machine(listen: str) -> None:
    """No request can be sent to an address that means all of them."""
    assert reached(listen) == ("127.0.0.1", "80")


def test_a_folder_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    """One that is there, and one that could be made."""
    assert folder_fault(tmp_path) == folder_fault(tmp_path / "a" / "b") == ""
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """Neither itself nor as one above."""
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "data"):
        assert f"because {tmp_path / 'file'} is a file; name another" in folder_fault(folder)


def test_a_password_in_an_address_is_not_told() -> None:
    """The file may be nobody's business but its owner's; what a fault says is everybody's."""
    assert "hunter2" not in url_fault("https://ana:hunter2@care.example")

"""Telephone numbers as gateways and people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit_sms import numbers


@pytest.mark.parametrize(
    ("raw", "region", "expected"),
    [
        ("+34612345678", "", "+34612345678"),
        ("+34 612 345 678", "", "+34612345678"),
        ("(+34) 612-345.678", "ES", "+34612345678"),
        ("34612345678", "ES", "+34612345678"),
        ("34612345678", "", "+34612345678"),
        ("0034612345678", "", "+34612345678"),
        ("612345678", "ES", "+34612345678"),
        ("07400 123456", "GB", "+447400123456"),
        ("447400123456", "ES", "+447400123456"),
        ("12125551234", "US", "+12125551234"),
        ("2125551234", "US", "+12125551234"),
        ("5551234", "US", ""),
        ("INFO", "ES", ""),
        ("1-800-FLOWERS", "US", ""),
        ("13013", "ES", ""),
        ("", "ES", ""),
        ("+", "", ""),
        ("+" + "9" * 60, "", ""),
        ("ana@host.example", "ES", ""),
    ],
)
def test_a_number_has_one_international_form(raw: str, region: str, expected: str) -> None:
    """With and without plus, zeros, spaces and country; what is no number has none."""
    assert numbers.e164(raw, region) == expected


@given(raw=st.text(max_size=30), region=st.sampled_from(["", "ES", "US", "DE"]))
def test_any_text_is_a_number_or_none(raw: str, region: str) -> None:
    """Nothing raises, and what comes out is stable: read again it is the same."""
    found = numbers.e164(raw, region)
    assert found == "" or (numbers.is_e164(found) and numbers.e164(found) == found)


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+34911000000", {"Europe/Madrid"}),
        ("+34612345678", {"Europe/Madrid", "Atlantic/Canary"}),
        ("+12125551234", {"America/New_York"}),
        ("+447700900123", set()),
        ("13013", set()),
    ],
)
def test_a_number_lies_in_its_zones(number: str, zones: set[str]) -> None:
    """All zones in which it may be; none for one of which nothing is known."""
    assert set(numbers.zones_of(number)) == zones


def test_regions_and_zones_are_checked() -> None:
    """A region or a zone that does not exist is none; a number has the region it is of."""
    assert numbers.is_region("ES")
    assert not numbers.is_region("Spain")
    assert numbers.is_zone("Europe/Madrid")
    assert not numbers.is_zone("../../etc/passwd")
    assert not numbers.is_zone("Europe/Nowhere")
    assert (numbers.region_of("+34911000000"), numbers.region_of("13013")) == ("ES", "")


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("Northwind", True),
        ("NORTHWIND 1", True),
        ("12345", False),
        ("Northwind care", False),
        ("a\r\nb", False),
        ("é", False),
    ],
)
def test_a_sender_can_be_a_name(text: str, fits: bool) -> None:
    """Up to eleven letters and digits, at least one letter, and nothing that could end a header."""
    assert numbers.is_sender_id(text) is fits

"""The codec over the labelled mails: no crash, and no field below what it reached when it was written."""

from __future__ import annotations

import collections
import json
from pathlib import Path
from types import ModuleType

import pytest

from carekit_email import decode

FLOORS = {
    "from_name": 1.0,
    "from_address": 0.98,
    "subject": 1.0,
    "text": 0.97,
    "reply_text": 0.97,
    "reply_has": 1.0,
    "attachments": 0.98,
    "attachment_size": 1.0,
    "auto_reply": 1.0,
    "bounce": 1.0,
    "message_id": 1.0,
    "in_reply_to": 1.0,
    "references": 1.0,
    "header_sane": 1.0,
}


@pytest.fixture(scope="module")
def cases(corpus: Path) -> list[tuple[bytes, dict[str, object]]]:
    manifest = json.loads((corpus / "manifest.json").read_text())["cases"]
    return [((corpus / one["file"]).read_bytes(), one["expect"]) for one in manifest if one["split"] == "open"]


def test_every_field_keeps_its_floor(
    cases: list[tuple[bytes, dict[str, object]]], scorer: ModuleType, scoring: ModuleType
) -> None:
    """Each field is right in at least the share of mails it was right in before."""
    seen: collections.Counter[str] = collections.Counter()
    right: collections.Counter[str] = collections.Counter()
    for raw, expected in cases:
        fields, _ = scorer.compare(expected, scoring.decoded(raw))
        seen.update(fields.keys())
        right.update(name for name, ok in fields.items() if ok)
    below = {name: f"{right[name]}/{seen[name]}" for name, floor in FLOORS.items() if right[name] < floor * seen[name]}
    assert len(cases) > 200
    assert not below


def test_decoding_is_deterministic_and_within_the_limits(cases: list[tuple[bytes, dict[str, object]]]) -> None:
    """The same bytes give the same value, and no more than one real mail is over a limit."""
    excessive = 0
    for raw, _ in cases:
        first = decode(raw)
        assert decode(raw) == first
        excessive += first.excess is not None
    assert excessive <= 1

"""What ``carekit doctor`` asks of the channel: a test text, and its receipt."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
import sms_recorded as recorded
from sms_far_side import FarSide, Told
from sms_kit import Kit, desk

from carekit import Health
from carekit_sms import examining as module
from carekit_sms.receipts import mark_of_test


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits a minute here, and the test's own number is known."""
    monkeypatch.setattr(module, "PATIENCE", 0.6)
    monkeypatch.setattr(module.secrets, "randbelow", lambda _: 7)


async def reported(kit: Kit, words: list[str]) -> Sequence[Health]:
    """Examine, while receipts with *words* come in for what was sent."""
    examining = asyncio.create_task(kit.sms.examine(kit.desk))
    while not kit.references and not examining.done():  # noqa: ASYNC110 - the far side has no event of this loop
        await asyncio.sleep(0.01)
    for word in words:
        told = recorded.receipt("twilio", kit.references[0], word, at=kit.clock.now().timestamp())
        answer = await kit._client.post(f"/channels/sms{told.path}", content=told.body, headers=dict(told.headers))
        assert answer.status_code == 200
    return await examining


@pytest.mark.parametrize(
    ("words", "state", "said"),
    [
        (["sent", "delivered"], "ok", "text to +34612345678: delivered"),
        (["sent", "undelivered"], "failed", "text to +34612345678: failed Twilio error 30003"),
        (["sent"], "degraded", "no receipt came to http://127.0.0.1:8000/channels/sms/receipt"),
        ([], "degraded", "is the service running, and does the provider reach it?"),
    ],
)
def test_a_test_waits_for_its_receipt(words: list[str], state: str, said: str) -> None:
    """Delivered, failed, or nothing heard: each is told, and nothing is left behind."""
    with desk("twilio", test_number="612 345 678") as kit:
        (health,) = kit.run(reported(kit, words))
        assert (health.state, said in health.detail) == (state, True), health.detail
        assert kit.far_side.asked[0].form["To"] == recorded.ANA
        assert kit.run(kit.desk.marks([mark_of_test("sms", 7)])) == {}
        assert kit.service.store.last_position() == 0


def test_a_refusal_is_told(far_side: FarSide) -> None:
    """Wrong credentials, or a provider that is not there."""
    with desk("twilio", far_side, test_number=recorded.ANA) as kit:
        far_side.answers = [Told(401, b'{"code": 20003, "message": "Authenticate"}')]
        (health,) = kit.run(kit.sms.examine(kit.desk))
        assert health.state == "failed"
        assert "Authenticate (Twilio error 20003); look at the credentials" in health.detail


def test_without_a_number_nothing_is_sent() -> None:
    """It says how to have it tried."""
    with desk("twilio") as kit:
        (health,) = kit.run(kit.sms.examine(kit.desk))
        assert (health.state, "test_number" in health.detail) == ("ok", True)
        assert kit.far_side.asked == []

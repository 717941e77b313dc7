"""Delivery receipts: of each provider, in any order, twice, late, forged, and of texts that went out in pieces."""

from __future__ import annotations

import itertools
from datetime import timedelta

import attrs
import pytest
import sms_recorded as recorded
from hypothesis import given
from hypothesis import strategies as st
from sms_far_side import Told
from sms_kit import Kit, desk

from carekit import DeliveryChanged, NotOurs, Scope, Unavailable
from carekit_sms.provider import Reply, Submission
from carekit_sms.receipts import Reference, References

ALL = Scope.everything()
RANK = {"sending": 0, "unsure": 1, "sent": 2, "failed": 3, "delivered": 4}


def statuses(kit: Kit) -> list[str]:
    return [fact.status.value for fact in kit.facts(DeliveryChanged)]


def receipt(kit: Kit, provider: str, what: str, number: int = 0) -> recorded.Receipt:
    """The receipt that says *what* of the text that went out as *number*."""
    return recorded.receipt(
        provider, kit.references[number], recorded.WORDS[provider][what], at=kit.clock.now().timestamp()
    )


@pytest.mark.parametrize("provider", recorded.PROVIDERS)
def test_a_receipt_moves_the_message_on(provider: str) -> None:
    """Sent, then delivered; a failure is told with the provider's reason where it gives one."""
    with desk(provider) as kit:
        kit.begin("It left today.", scope=ALL)
        assert statuses(kit) == ["sending", "sent"]
        for what in ("sent", "delivered"):
            assert kit.report(receipt(kit, provider, what)).status_code == 200
        assert statuses(kit) == ["sending", "sent", "delivered"]
        kit.begin("And another.", scope=ALL)
        kit.report(receipt(kit, provider, "failed", 1))
        assert statuses(kit)[-1] == "failed"
        if provider in ("twilio", "vonage", "messagebird", "bird", "kannel"):
            assert kit.facts(DeliveryChanged)[-1].detail


@pytest.mark.parametrize("provider", recorded.PROVIDERS)
def test_any_order_ends_the_same(provider: str) -> None:
    """Every order of sent, delivered and failed, each twice, goes forward only."""
    for order in itertools.permutations(("sent", "delivered", "failed")):
        with desk(provider) as kit:
            kit.begin("It left today.", scope=ALL)
            for what in (*order, *order):
                assert kit.report(receipt(kit, provider, what)).status_code == 200
            ranks = [RANK[status] for status in statuses(kit)]
            assert ranks == sorted(set(ranks))
            assert statuses(kit)[-1] == "delivered"


def test_a_receipt_may_come_before_the_answer_to_the_submission() -> None:
    """The provider reports while it still answers us: the message is delivered, and its answer says nothing new."""
    with desk("twilio") as kit:

        class Early:
            """A far side that reports before it answers."""

            async def exchange(self, submission: Submission) -> Reply:
                assert submission.form is not None
                reference = submission.form["StatusCallback"].rpartition("/")[2]
                early = recorded.receipt("twilio", reference, "delivered", at=kit.clock.now().timestamp())
                headers = dict(early.headers)
                url = f"/channels/sms{early.path}"
                assert (await kit._client.post(url, content=early.body, headers=headers)).status_code == 200
                return Reply(201, {}, b'{"sid": "SM1"}')

        kit.sms._wire = Early()  # type: ignore[assignment]
        kit.begin("It left today.", scope=ALL)
        assert statuses(kit) == ["sending", "delivered"]


def test_a_receipt_settles_what_was_unsure() -> None:
    """The answer was lost, the text was not: its receipt finds it by the reference that went along."""
    with desk("twilio") as kit:
        kit.far_side.answers = [Told(breaks=True)]
        kit.begin("It left today.", scope=ALL)
        kit.report(receipt(kit, "twilio", "delivered"))
        assert statuses(kit) == ["sending", "unsure", "delivered"]


def test_a_late_receipt_counts() -> None:
    """Three days later, when the phone was on again; the reference does not expire."""
    with desk("kannel") as kit:
        kit.begin("It left today.", scope=ALL)
        kit.advance(timedelta(days=3))
        kit.report(receipt(kit, "kannel", "delivered"))
        assert statuses(kit)[-1] == "delivered"


@pytest.mark.parametrize("provider", recorded.PROVIDERS)
def test_a_forged_reference_is_refused(provider: str) -> None:
    """A reference that is not ours, or of another message, changes nothing, however well the rest is signed."""
    with desk(provider) as kit:
        kit.begin("It left today.", scope=ALL)
        ours = kit.references[0]
        plain, _, mac = ours.rpartition(".")
        for forged in ("c_1.2.1.1", "x", f"{plain}.{'0' * len(mac)}", ours.replace(".2.", ".3.", 1)):
            answer = kit.report(
                recorded.receipt(provider, forged, recorded.WORDS[provider]["failed"], at=kit.clock.now().timestamp())
            )
            assert answer.status_code == 403
        assert statuses(kit)[-1] == "sent"


@pytest.mark.parametrize("provider", ["twilio", "vonage", "messagebird", "bird"])
def test_an_unsigned_receipt_is_refused(provider: str) -> None:
    """Where the provider signs receipts, our reference alone is not enough."""
    with desk(provider) as kit:
        kit.begin("It left today.", scope=ALL)
        genuine = receipt(kit, provider, "delivered")
        kind = {"content-type": genuine.headers.get("content-type", "text/plain")}
        assert kit.report(attrs.evolve(genuine, headers=kind)).status_code == 403
        changed = attrs.evolve(genuine, body=genuine.body + b" ", query=genuine.query + "&x=1")
        assert kit.report(changed).status_code in (400, 403)
        assert statuses(kit)[-1] == "sent"


def test_a_receipt_of_no_message_of_ours_is_passed_over() -> None:
    """A conversation that is gone, a status that says nothing, an address without a reference: nothing to repeat."""
    with desk("kannel") as kit:
        gone = kit.sms._references.write(Reference("c_gone", 4))
        assert kit.report(recorded.receipt("kannel", gone, "1")).status_code == 200
        kit.begin("It left today.", scope=ALL)
        assert kit.report(recorded.receipt("kannel", kit.references[0], "64")).status_code == 200
        assert kit.report(recorded.Receipt("GET", "/receipt", query="type=1")).status_code == 403
        assert statuses(kit)[-1] == "sent"


def test_a_foreign_source_may_not_report() -> None:
    """`sources` holds for receipts as well."""
    with desk("kannel", sources=("192.0.2.0/24",)) as kit:
        kit.begin("It left today.", scope=ALL)
        assert kit.report(receipt(kit, "kannel", "delivered")).status_code == 403


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_split_text_is_delivered_with_its_last_piece(order: tuple[int, ...]) -> None:
    """Three texts, in any order and each reported twice: delivered once, when all have arrived."""
    with desk("twilio", parts=1) as kit:
        kit.begin("word " * 90, scope=ALL)
        assert len(kit.references) == 3
        for place, piece in enumerate(order):
            for _ in range(2):
                kit.report(receipt(kit, "twilio", "sent", piece))
                kit.report(receipt(kit, "twilio", "delivered", piece))
            assert (statuses(kit)[-1] == "delivered") == (place == 2)
        assert statuses(kit) == ["sending", "sent", "delivered"]


def test_a_split_text_fails_with_any_piece() -> None:
    """One piece that did not arrive is told with its number, and the others do not hide it."""
    with desk("twilio", parts=1) as kit:
        kit.begin("word " * 90, scope=ALL)
        kit.report(receipt(kit, "twilio", "delivered", 0))
        kit.report(receipt(kit, "twilio", "failed", 1))
        kit.report(receipt(kit, "twilio", "delivered", 2))
        assert statuses(kit)[-1] == "failed"
        assert kit.facts(DeliveryChanged)[-1].detail == "part 2 of 3: Twilio error 30003"


def test_a_store_that_cannot_answer_has_the_receipt_repeated() -> None:
    """It is not acknowledged before it is kept: the error is the service's to answer, with 503."""
    with desk("kannel") as kit:
        kit.begin("It left today.", scope=ALL)

        async def away(*_: object, **__: object) -> None:
            raise Unavailable("no store")

        told = receipt(kit, "kannel", "delivered")
        kit.desk.report_delivery = away  # type: ignore[method-assign]
        with pytest.raises(Unavailable):
            kit.report(told)


references = st.builds(
    Reference,
    st.text("abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=1, max_size=30),
    st.integers(1, 10**6),
    st.integers(1, 10),
    st.integers(1, 10),
)


@given(reference=references)
def test_a_reference_survives_every_provider(reference: Reference) -> None:
    """It is read back as it was written, fits a client reference, and holds nothing that an address would escape."""
    made = References(b"a secret")
    written = made.write(reference)
    assert made.read(written) == reference
    assert len(written) <= 100
    assert written.replace(".", "").replace("_", "").replace("-", "").isalnum()
    with pytest.raises(NotOurs):
        References(b"another").read(written)


@given(text=st.text(max_size=60))
def test_no_other_text_is_a_reference(text: str) -> None:
    """Whatever comes is refused as not ours."""
    with pytest.raises(NotOurs):
        References(b"a secret").read(text)

"""Writing first: once, to the right person, in the conversation that an answer joins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from types import ModuleType

import pytest

from carekit.facts import actions as a
from carekit.facts import events as f
from carekit.facts.nouns import Address, Conversation, Status
from carekit.ground.errors import KeyReused, NotAllowed, Refused
from carekit.rules.context import Context
from carekit.seams.capabilities import Capabilities
from carekit.seams.channel import Channel, Delivery, Outbound
from carekit.seams.hookspecs import hookimpl
from carekit.seams.policy import Policy
from carekit.seams.query import Query
from carekit.seams.scope import EVERYTHING, Scope
from carekit.testing import DeskKit

MAX = Address("phone", "+34600000001", "Max")

FILE = """
[service]
name = "Test desk"
timezone = "UTC"
secret = "a secret for tests only"

[store]
use = "memory"

[channels.loop]
use = "loopback"

[channels.phone]
use = "phone"
inbox = "sales"

[channels.mute]
use = "mute"

[policies.shipped]
use = "shipped"
channels = ["loop"]
"""


class Phone(Channel):
    """A channel that may begin, and knows under which key an answer will come."""

    capabilities = Capabilities(may_initiate=True, idempotent=True)

    def __init__(self, name: str, settings: object) -> None:
        super().__init__(name, settings)
        self.sent: list[Outbound] = []
        self.quiet_until: datetime | None = None

    def keys_for(self, to: Address) -> tuple[str, ...]:
        if to.kind != "phone":
            raise Refused("only telephones can be written to", field="to")
        return (f"peer:{to.value}",)

    def hold(self, outbound: Outbound, now: datetime) -> datetime | None:
        return self.quiet_until

    async def send(self, outbound: Outbound) -> Delivery:
        self.sent.append(outbound)
        return Delivery()


class Mute(Phone):
    """A channel that only answers."""

    capabilities = Capabilities()


class Shipped(Policy):
    """Tells by phone what somebody wrote on another channel."""

    listens = frozenset({f.MessageReceived})

    def decide(self, event: f.Event, conversation: Conversation, context: Context) -> Iterable[a.Action]:
        assert isinstance(event.fact, f.MessageReceived)
        if event.fact.text == "nobody":
            return (a.Initiate("mute", MAX, "hello"),)
        if event.fact.text == "by mail":
            return (a.Initiate("phone", Address("email", "max@host.example"), "hello"),)
        return (a.Initiate("phone", MAX, f"You wrote: {event.fact.text}", reason="to be sure"),)


def plugin() -> ModuleType:
    module = ModuleType("initiating")
    module.carekit_channels = hookimpl(lambda: {"phone": Phone, "mute": Mute})  # type: ignore[attr-defined]
    module.carekit_policies = hookimpl(lambda: {"shipped": Shipped})  # type: ignore[attr-defined]
    return module


@pytest.fixture
def kit() -> Iterator[DeskKit]:
    with DeskKit(FILE, extra={"initiating": plugin()}, discover=False) as kit:
        yield kit


def _begin(kit: DeskKit, text: str = "Your order has left.", actor: str = "agent:ana", **more: object) -> Conversation:
    scope = more.pop("scope", EVERYTHING)
    began = kit.desk.begin("phone", MAX, a.Send(text), actor, scope=scope, **more)  # type: ignore[arg-type]
    outcome = kit.run(began)
    kit.settle()
    return outcome.conversation


def _phone(kit: DeskKit) -> Phone:
    channel = kit.channel("phone")
    assert isinstance(channel, Phone)
    return channel


def test_a_conversation_is_begun_by_us(kit: DeskKit) -> None:
    """A new contact with this address, a conversation in the channel's inbox, and the message goes out to it."""
    began = _begin(kit)
    assert (began.channel, began.inbox, began.sender) == ("phone", "sales", MAX.key)
    assert [e.kind for e in kit.events(conversation=began.id)] == [
        "conversation_started",
        "message_sent",
        "delivery_changed",
    ]
    (sent,) = _phone(kit).sent
    assert (sent.to, sent.message.text, sent.contact.name) == (MAX.value, "Your order has left.", "Max")
    assert kit.events(conversation=began.id)[0].actor == "agent:ana"


def test_an_answer_joins_what_we_began(kit: DeskKit) -> None:
    """The contact's answer is in the same conversation, and is theirs."""
    began = _begin(kit)
    answer = kit.write("Thank you!", channel="phone", address=MAX, thread=(f"peer:{MAX.value}",))
    assert (answer.conversation, answer.contact) == (began.id, began.contact)


def test_writing_again_joins_what_is_open(kit: DeskKit) -> None:
    """A second message is no second conversation, unless the first one is closed for good."""
    first = _begin(kit)
    assert _begin(kit, "It will arrive today.").id == first.id
    kit.act(a.Close(), "agent:ana", first.id)
    third = _begin(kit, "It has arrived.")
    assert third.id != first.id
    assert kit.write("Yes!", channel="phone", address=MAX, thread=(f"peer:{MAX.value}",)).conversation == third.id


def test_a_request_is_begun_once(kit: DeskKit) -> None:
    """Under one key the same request begins one conversation; another request is refused."""
    one, two = (_begin(kit, key="order-1") for _ in range(2))
    assert one.id == two.id
    assert len(_phone(kit).sent) == 1
    with pytest.raises(KeyReused):
        _begin(kit, "something else", key="order-1")


def test_a_key_of_another_kind_of_request_is_refused(kit: DeskKit) -> None:
    """One key for a beginning and for an answer is two requests, whichever comes first."""
    id = _begin(kit, key="order-1").id
    with pytest.raises(KeyReused):
        kit.act(a.Send("It is late."), "agent:ana", id, key="order-1")
    kit.act(a.Send("It is late."), "agent:ana", id, key="order-2")
    with pytest.raises(KeyReused):
        _begin(kit, key="order-2")


@pytest.mark.parametrize(("channel", "problem"), [("mute", "can only answer"), ("fax", "there is no channel 'fax'")])
def test_a_channel_that_cannot_begin_is_refused(kit: DeskKit, channel: str, problem: str) -> None:
    """By name, with the reason, and nothing is kept."""
    with pytest.raises(Refused, match=problem):
        kit.run(kit.desk.begin(channel, MAX, a.Send("hello"), "agent:ana", scope=EVERYTHING))
    assert kit.run(kit.desk.count(Query(), EVERYTHING)) == 0


def test_another_inbox_is_out_of_reach(kit: DeskKit) -> None:
    """Who may not see an inbox may not begin in it."""
    with pytest.raises(NotAllowed, match="inbox 'sales' is not yours"):
        _begin(kit, scope=Scope(inboxes=frozenset({"support"})))


def test_a_policy_may_have_somebody_written_to(kit: DeskKit) -> None:
    """Its wish is in its own conversation, and the message goes out in another one, once, under its name."""
    kit.write("hello")
    (sent,) = _phone(kit).sent
    assert sent.message.text == "You wrote: hello"
    event = kit.events(f.MessageSent, sent.conversation.id)[0]
    assert (event.policy, event.reason) == ("shipped", "to be sure")
    assert len(kit.facts(f.InitiationAsked, "c_1")) == 1
    assert kit.service.store.pending_jobs() == 0


def test_a_policys_wish_for_a_channel_that_cannot_begin_ends(kit: DeskKit) -> None:
    """It is told to the log of the service, and nothing waits for ever."""
    kit.write("nobody")
    assert kit.service.store.pending_jobs() == 0
    assert kit.run(kit.desk.count(Query(), EVERYTHING)) == 1


def test_an_address_that_the_channel_refuses_is_told_or_ends(kit: DeskKit) -> None:
    """Who asks for it hears why, and nothing has begun; a policy's wish ends in the log, and nothing waits for ever."""
    with pytest.raises(Refused, match="only telephones") as refused:
        kit.run(
            kit.desk.begin("phone", Address("email", "max@host.example"), a.Send("hi"), "token:x", scope=EVERYTHING)
        )
    assert refused.value.field == "to"
    kit.write("by mail")
    assert kit.service.store.pending_jobs() == 0
    assert kit.run(kit.desk.count(Query(), EVERYTHING)) == 1
    assert _phone(kit).sent == []


# --- waiting, and the contact's word


def test_what_must_wait_waits_without_an_attempt(kit: DeskKit) -> None:
    """While the channel holds messages back none goes out; then they go in order."""
    phone = _phone(kit)
    phone.quiet_until = kit.clock.now().replace(hour=12)
    _begin(kit)
    _begin(kit, "second")
    kit.advance("2h")
    assert phone.sent == []
    kit.advance("2h")
    assert [outbound.message.text for outbound in phone.sent] == ["Your order has left.", "second"]
    assert all(change.detail == "" for change in kit.facts(f.DeliveryChanged))


def test_a_rule_that_breaks_holds_nothing_back(kit: DeskKit) -> None:
    """A fault in the channel's own rule is told, and the message goes out."""

    def broken(outbound: Outbound, now: datetime) -> datetime | None:
        raise RuntimeError("out of order")

    _phone(kit).hold = broken  # type: ignore[method-assign]
    _begin(kit)
    assert len(_phone(kit).sent) == 1


def _say(kit: DeskKit, text: str, consent: bool | None = None) -> None:
    kit.write(text, channel="phone", address=MAX, thread=(f"peer:{MAX.value}",), consent=consent)


def test_who_said_stop_is_not_written_to(kit: DeskKit) -> None:
    """Their word is obeyed before anything else: an agent is told, a rule's message is withheld and noted."""
    began = _begin(kit)
    _say(kit, "STOP", consent=False)
    (changed,) = kit.facts(f.ConsentChanged, began.id)
    assert changed == f.ConsentChanged(MAX.key, False, "STOP")
    kinds = [e.kind for e in kit.events(conversation=began.id)]
    assert kinds.index("consent_changed") < kinds.index("message_received")
    with pytest.raises(NotAllowed, match="does not want to be written to"):
        _begin(kit, "one more thing")
    kit.write("hello")
    assert [w.purpose for w in kit.facts(f.MessageWithheld, began.id)] == ["notice"]
    assert len(_phone(kit).sent) == 1


def test_stop_holds_for_every_conversation_with_that_address(kit: DeskKit) -> None:
    """A new conversation does not make the word forgotten, and another contact is not concerned."""
    began = _begin(kit)
    _say(kit, "STOP", consent=False)
    kit.act(a.Close(), "agent:ana", began.id)
    with pytest.raises(NotAllowed):
        _begin(kit, "in a new one")
    other = Address("phone", "+34600000002")
    kit.run(kit.desk.begin("phone", other, a.Send("hello"), "agent:ana", scope=EVERYTHING))


def test_start_allows_it_again(kit: DeskKit) -> None:
    """The contact's later word counts; saying the same again is no news."""
    began = _begin(kit)
    for consent in (False, False, True, True):
        _say(kit, "START" if consent else "STOP", consent=consent)
    assert [change.allowed for change in kit.facts(f.ConsentChanged, began.id)] == [False, True]
    assert _begin(kit, "welcome back").status is Status.WAITING
    assert _phone(kit).sent[-1].message.text == "welcome back"

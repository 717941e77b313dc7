"""What the two hooks count."""

from __future__ import annotations

from prometheus_harness import FILE, Page

from carekit import Presence, Sample
from carekit.testing import DeskKit
from carekit_prometheus import plugin
from carekit_prometheus.app import Metrics
from carekit_prometheus.process import wanted


def test_carekit_apps_offers_the_page() -> None:
    """The name that `use` gives."""
    assert plugin.carekit_apps() == {"prometheus": Metrics}


def test_carekit_event_counts_by_kind_and_channel(page: Page) -> None:
    """Two messages of a contact are two, on the channel they came by."""
    page.kit.write("hello")
    page.kit.write("is anybody there?")
    figures = page.figures()
    assert figures['carekit_events_total{channel="loop",kind="message_received"}'] == 2
    assert figures['carekit_events_total{channel="loop",kind="conversation_started"}'] == 1


def test_carekit_event_counts_what_concerns_no_conversation(page: Page) -> None:
    """An agent's events have no channel, and no agent in the label."""
    page.kit.add_agent("bo")
    assert page.figures()['carekit_events_total{channel="",kind="agent_added"}'] == 1


def test_carekit_event_counts_what_a_channel_set_aside(page: Page) -> None:
    """A payload nobody could read is counted at its channel."""
    page.kit.run(page.kit.desk.quarantine("loop", b"?", "not JSON", key="1"))
    assert page.figures()['carekit_events_total{channel="loop",kind="inbound_quarantined"}'] == 1


def test_carekit_event_measures_the_first_response(page: Page) -> None:
    """Only the first message of a person counts, from the contact's first message on."""
    page.kit.write("hello")
    page.kit.advance("90s")
    page.kit.reply("bo", "good morning")
    page.kit.reply("bo", "what can I do?")
    page.kit.advance("1h")
    page.kit.reply("bo", "still there?")
    figures = page.figures()
    assert figures['carekit_first_response_seconds_count{channel="loop"}'] == 1
    assert figures['carekit_first_response_seconds_sum{channel="loop"}'] == 90
    assert figures['carekit_first_response_seconds_bucket{channel="loop",le="60.0"}'] == 0
    assert figures['carekit_first_response_seconds_bucket{channel="loop",le="120.0"}'] == 1


def test_carekit_event_takes_no_note_for_a_response(page: Page) -> None:
    """A colleague's note answers nobody."""
    page.kit.write("hello")
    page.kit.note("bo", "known from last week")
    assert 'carekit_first_response_seconds_count{channel="loop"}' not in page.figures()


def test_carekit_measured_keeps_time_and_size(page: Page) -> None:
    """A sample is one observation of its seconds and one of its items."""
    plugin.carekit_measured(Sample("rehearsal", 0.02, 7))
    plugin.carekit_measured(Sample("rehearsal", 0.2, 1))
    figures = page.figures()
    assert figures['carekit_operation_seconds_count{operation="rehearsal"}'] == 2
    assert figures['carekit_operation_seconds_bucket{le="0.025",operation="rehearsal"}'] == 1
    assert figures['carekit_operation_items_sum{operation="rehearsal"}'] == 8


def test_carekit_measured_takes_no_text_for_a_name(page: Page) -> None:
    """What is not the name of an operation is no label."""
    plugin.carekit_measured(Sample("mail to ana@example.com", 0.02))
    figures = page.figures()
    assert figures['carekit_operation_seconds_count{operation="other"}'] == 1
    assert not any("ana" in name for name in figures)


def test_nothing_is_counted_while_no_page_shows_it() -> None:
    """Installed but not in the file, it does nothing."""
    file = FILE.format(keys="").partition("[apps.metrics]")[0]
    with DeskKit(file, extra={"prometheus": plugin}, discover=False) as kit:
        kit.write("hello")
    plugin.carekit_measured(Sample("commit", 0.1))
    assert not wanted()


def test_the_page_tells_how_things_stand(page: Page) -> None:
    """Conversations by status, and the slots of those who are available."""
    page.kit.add_agent("bo", capacity=3)
    page.kit.add_agent("cy", capacity=9, presence=Presence.AWAY)
    page.kit.write("hello")
    figures = page.figures()
    assert figures['carekit_conversations{status="open"}'] == 1
    assert figures['carekit_conversations{status="snoozed"}'] == 0
    assert (figures['carekit_agent_slots{state="used"}'], figures['carekit_agent_slots{state="free"}']) == (1, 2)
    assert figures["carekit_store_up"] == 1


def test_no_label_is_about_a_person(page: Page) -> None:
    """No name, address, id or word of anybody is on the page."""
    page.kit.add_agent("zacharias", name="Zacharias Quill", email="zq@desk.example")
    page.kit.write("my parcel is lost", sender="wilhelmina", name="Wilhelmina Vane")
    page.kit.reply("zacharias", "found it")
    text = "\n".join(page.figures()).lower()
    told = ("zacharias", "quill", "zq@", "wilhelmina", "vane", "parcel", page.kit.conversation().id)
    assert "message_sent" in text
    assert [one for one in told if one in text] == []


def test_carekit_measured_hears_what_the_service_does(page: Page) -> None:
    """Commits and attempts to send appear by themselves."""
    page.kit.write("hello")
    page.kit.reply("bo", "good morning")
    figures = page.figures()
    assert figures['carekit_operation_seconds_count{operation="commit"}'] >= 2
    assert figures['carekit_operation_seconds_count{operation="send"}'] == 1

"""What happens by itself, from the file's policies, and what the command line tells about it afterwards."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import httpx2
import pytest

from tests.acceptance._mail import body, mail, outbox
from tests.acceptance._shop import Shop, Table, until
from tests.acceptance._socket import call

HAPPY = "happy@post.example"


def edit(table: Table) -> None:
    """Short durations, and a second target that is easily met."""
    policies = table["policies"]
    policies["first-response"]["first_response"] = "2s"
    policies["follow-up"]["after"] = "2s"
    policies["within-a-day"] = {**policies["first-response"], "first_response": "1d"}


def staff(table: Table) -> None:
    """Lena can take two, Marco three, and both are available."""
    agents = {agent["id"]: agent for agent in table["agents"]}
    agents["lena"] |= {"capacity": 2, "available": True}
    agents["marco"] |= {"capacity": 3, "available": True}


@attrs.frozen
class Story:
    """Six mails to two agents with room for five, one of them answered and resolved; and a chat with the bot."""

    mails: list[str]
    chat: str

    @property
    def happy(self) -> str:
        """The one that was resolved."""
        return self.mails[1]

    @property
    def queued(self) -> str:
        """The one that had to wait."""
        return self.mails[5]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Shop(tmp_path_factory.mktemp("policies"), edit, staff) as shop:
        yield shop


@pytest.fixture(scope="module")
def story(shop: Shop) -> Story:
    """Everything that the tests below look at."""
    mails = []
    for number in range(6):
        text = f"Question number {number}"
        shop.deliver(mail(text, HAPPY if number == 1 else f"contact{number}@post.example"))
        mails.append(shop.about(text)["id"])
    shop.event(mails[5], "queue_entered")
    shop.act(mails[1], "reply", agent="marco", text="The answer.")
    shop.act(mails[1], "resolve", agent="marco")
    chat = call(shop, "How do I return something?")
    shop.event(chat, "bot_answered")
    for id in mails:
        until(lambda id=id: ended(shop, id, "first-response"), "the target of two seconds to end")
    return Story(mails, chat)


def ended(shop: Shop, id: str, target: str) -> bool:
    """Whether a target was met or breached."""
    kinds = ("target_met", "target_breached")
    return any(event["kind"] in kinds and event["fact"]["name"] == target for event in shop.events(id))


def explained(shop: Shop, id: str) -> list[Any]:
    """The events of a conversation as the command line gives them."""
    events: list[Any] = json.loads(shop.run("explain", id, "--json"))
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    return events


def at(event: Any) -> datetime:
    """The instant of an event."""
    return datetime.fromisoformat(event["at"])


# --- routing


def test_the_least_loaded_agent_gets_the_next(shop: Shop, story: Story) -> None:
    """The largest free share decides, a tie goes to whoever waited longest, and every candidate is on record."""
    events = [shop.event(id, "assigned") for id in story.mails[:5]]
    assert [event["fact"]["agent"] for event in events] == ["lena", "marco", "marco", "lena", "marco"]
    assert {event["policy"] for event in events} == {"routing"}
    candidates = events[3]["fact"]["decision"]["candidates"]
    assert {one["agent"]: round(one["score"], 2) for one in candidates if not one["excluded"]} == {
        "lena": 0.5,
        "marco": 0.33,
    }
    assert [one["agent"] for one in candidates if one["excluded"]] == ["aisha"]


def test_nobody_free_means_the_queue_until_somebody_is(shop: Shop, story: Story) -> None:
    """The sixth waits, with the reason for each agent, and goes to whom an answered conversation has freed."""
    entered = shop.event(story.queued, "queue_entered")
    assert entered["reason"] == "no available agent has capacity"
    why = {one["agent"]: one["excluded"] for one in entered["fact"]["decision"]["candidates"]}
    assert (why["lena"], why["marco"]) == ("full: 2 of 2", "full: 3 of 3")
    assigned = shop.event(story.queued, "assigned")
    assert assigned["fact"]["agent"] == "marco"
    [replied] = [e for e in shop.events(story.happy, "message_sent") if e["actor"] == "agent:marco"]
    assert at(assigned) >= at(replied)


# --- targets


def test_a_breach_is_noted_at_the_exact_instant(shop: Shop, story: Story) -> None:
    """Two seconds after the contact's message to the microsecond, however late the service looked."""
    events = explained(shop, story.mails[0])
    [received] = [event for event in events if event["kind"] == "message_received"]
    [breached] = [event for event in events if event["kind"] == "target_breached"]
    assert breached["fact"] == {"name": "first-response", "metric": "first_response"}
    assert at(breached) - at(received) == timedelta(seconds=2)
    assert breached["policy"] == "first-response"


def test_an_answer_in_time_meets_the_target(shop: Shop, story: Story) -> None:
    """The first public message of a person ends the clock; the acknowledgement did not."""
    [met] = [e for e in shop.events(story.happy, "target_met") if e["fact"]["name"] == "within-a-day"]
    [reply] = [e for e in shop.events(story.happy, "message_sent") if e["actor"] == "agent:marco"]
    assert at(met) == at(reply)
    assert met["cause"] == reply["seq"]


# --- after resolution


def test_a_follow_up_goes_out_after_resolution(shop: Shop, story: Story) -> None:
    """Two seconds later and once, to the contact whose matter was resolved and to nobody else."""

    def asked(to: str) -> list[Any]:
        return [one for one in outbox(shop.outbox, to) if "is everything still as it should be?" in body(one)]

    until(lambda: asked(HAPPY), "the follow-up")
    assert len(asked(HAPPY)) == 1
    assert asked("contact0@post.example") == []
    [event] = [e for e in shop.events(story.happy, "message_sent") if e["fact"]["purpose"] == "follow_up"]
    assert (event["policy"], event["reason"]) == ("follow-up", "2 s after resolution")


def test_the_link_of_a_survey_stores_nothing_until_the_form_is_sent(shop: Shop, story: Story) -> None:
    """A scanner that opens every link changes nothing; the contact's form does, and a forged link leads nowhere."""
    link = survey_link(shop)
    with httpx2.Client(base_url=shop.url, follow_redirects=True, timeout=60) as scanner:
        for address in (link, f"{link}?score=5"):
            assert scanner.get(address).status_code == 200
            assert scanner.head(address).status_code in (200, 405)
        assert shop.events(story.happy, "survey_answered") == []
        forged = link[:-2] + ("A" if link[-2] != "A" else "B") + link[-1]
        assert scanner.get(forged).status_code == 404
        elsewhere = scanner.post(link, data={"score": "1"}, headers={"Origin": "https://evil.example"})
        assert elsewhere.status_code == 403
        assert shop.events(story.happy, "survey_answered") == []
        sent = scanner.post(link, data={"score": "5", "comment": "Quick"}, headers={"Origin": shop.url})
        assert sent.status_code == 200
    [answered] = shop.events(story.happy, "survey_answered")
    assert (answered["fact"]["score"], answered["fact"]["positive"], answered["fact"]["comment"]) == (5, True, "Quick")


def survey_link(shop: Shop) -> str:
    """The signed link in the mail to the happy contact."""

    def look() -> str:
        found = [re.search(rf"{shop.url}/surveys/csat/\S+", body(one)) for one in outbox(shop.outbox, HAPPY)]
        return next((match[0] for match in found if match), "")

    link: str = until(look, "the mail with the survey")
    return link


def test_the_survey_page_can_be_answered_in_a_browser(shop: Shop, story: Story, open_page: Any, pictures: Path) -> None:
    """The page asks the question of the file; sending it leads to a page that says thank you."""
    page = open_page(survey_link(shop), color_scheme="light")
    page.get_by_role("heading", name="How satisfied are you with the help you got?").wait_for()
    page.screenshot(path=pictures / "survey-light.png")
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=pictures / "survey-dark.png")
    page.locator("input[name=score][value='4']").check(force=True)
    page.get_by_role("button").click()
    page.wait_for_url("**/thanks*")
    assert shop.events(story.happy, "survey_answered")[-1]["fact"]["score"] == 4


# --- the command line


@pytest.fixture(scope="module")
def report(shop: Shop, story: Story) -> Any:
    """The report as JSON, after at least one answer to the survey."""
    if not shop.events(story.happy, "survey_answered"):
        answer = {"data": {"score": "5"}, "headers": {"Origin": shop.url}}
        assert httpx2.post(survey_link(shop), timeout=60, **answer).status_code in (200, 303)
    return json.loads(shop.run("report", "--json"))


def test_the_report_adds_up(shop: Shop, story: Story, report: Any) -> None:
    """Its figures are those that the events give: counts, the first response, the rate and the satisfaction."""
    assert (report["conversations"], report["resolved"], report["reopens"]) == (7, 1, 0)
    assert (report["messages"], report["replies"]) == (7, 1)
    assert report["resolution_rate"] == pytest.approx(1 / 7)
    events = explained(shop, story.happy)
    began = at(next(e for e in events if e["kind"] == "message_received"))
    replied = at(next(e for e in events if e["actor"] == "agent:marco" and e["kind"] == "message_sent"))
    resolved = at(next(e for e in events if e["kind"] == "resolved"))
    for metric, end in (("first_response", replied), ("resolution", resolved)):
        for clock in ("calendar", "business"):
            figures = report[metric][clock]
            assert figures["n"] == 1
            for statistic in ("median_s", "p90_s"):
                assert figures[statistic] == pytest.approx((end - began).total_seconds(), abs=0.5)
    csat = report["csat"]
    assert (csat["n"], csat["offered"], csat["score"]) == (1, 1, 100)
    assert csat["low"] == pytest.approx(20.65, abs=0.01)
    assert csat["high"] == pytest.approx(100)
    breached = sum(len(shop.events(id, "target_breached")) for id in story.mails)
    assert report["targets"]["breached"] == breached >= 5
    assert (report["bot"]["conversations"], report["bot"]["handed_off"]) == (1, 0)
    assert {name: figures["conversations"] for name, figures in report["by_channel"].items()} == {
        "support-mail": 6,
        "website": 1,
    }


def test_the_report_says_the_same_in_words_and_as_a_table(shop: Shop, report: Any) -> None:
    """Text for people, CSV for spreadsheets: the figures of the JSON."""
    text = shop.run("report")
    ended_at = datetime.fromisoformat(report["period"]["until"]).astimezone(ZoneInfo("Europe/Madrid"))
    assert text.startswith(f"the beginning to {ended_at:%Y-%m-%d}")
    assert re.match(rf"the beginning to \S+ ({ended_at:%H}|{ended_at + timedelta(minutes=30):%H}):", text)
    assert re.search(r"Conversations +7  \(7 messages in, 1 replies\)", text)
    assert re.search(r"Resolution rate +14%  \(1 of 7; 0 reopened\)", text)
    assert re.search(r"CSAT +100 % \(95 % interval 21–100 %, n 1, 100% of 1 answered; fewer than \d+ answers\)", text)
    assert re.search(
        r"First response +median \d+s, p90 \d+s; business median \d+s|First response +calendar median", text
    )
    rows = list(csv.DictReader(io.StringIO(shop.run("report", "--csv"))))
    table = {(row["channel"], row["metric"], row["clock"], row["statistic"]): row["value"] for row in rows}
    assert table["", "conversations", "", ""] == "7"
    assert table["support-mail", "conversations", "", ""] == "6"
    assert float(table["", "csat", "", "score"]) == 100
    median = float(table["", "first_response", "business", "median_s"])
    assert median == pytest.approx(report["first_response"]["business"]["median_s"])


def test_explain_tells_the_story(shop: Shop, story: Story) -> None:
    """Each step in order: who did it, what, which policy caused it and why."""
    happy, queued = shop.run("explain", story.happy), shop.run("explain", story.queued)
    steps = (
        "a conversation began on support-mail",
        "wrote",
        "because policy 'acknowledgement'",
        "assigned to Marco Vidal",
    )
    assert [happy.index(step) for step in steps] == sorted(happy.index(step) for step in steps)
    assert "because policy 'routing': least loaded of 2 available: 100% free" in happy
    assert "Marco Vidal wrote (reply)" in happy
    assert "│ The answer." in happy
    assert "because policy 'satisfaction': resolved by a person" in happy
    assert "entered the queue" in queued
    assert "Lena Ortega: left out: full: 2 of 2" in queued
    assert "looked at again: Marco Vidal can take one more" in queued
    assert "because policy 'first-response': no answer by a person within 2 s" in queued


def test_explain_of_something_unknown_says_so(shop: Shop) -> None:
    """One line and exit 1, no traceback."""
    with pytest.raises(AssertionError, match=r"^carekit: .*no.*conversation"):
        shop.run("explain", "c_nothing")

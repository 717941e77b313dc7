"""The link, the form and the answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest

from carekit import Close, Scope, StoreError, SurveyAnswered, SurveyProvider


def answers(asked: Any) -> list[tuple[int, bool, str]]:
    """What the log holds as answers."""
    return [(fact.score, fact.positive, fact.comment) for fact in asked.kit.facts(SurveyAnswered)]


def request(asked: Any, method: str, path: str) -> Any:
    """Read *path*, or answer 4 there."""
    return asked.web.request(method, path, **({"data": {"score": "4"}} if method == "POST" else {}))


def checked(page: str) -> list[str]:
    """The scores that the form comes with."""
    return re.findall(r'name="score" value="(\d+)" required checked', page)


def test_the_link_shows_the_question_and_the_labelled_choices(asked: Any) -> None:
    """The form has the question as its heading and all five answers by name."""
    page = asked.web.get(asked.path)
    assert page.status_code == 200
    assert '<legend><h1 dir="auto">How satisfied are you with the help you received?</h1></legend>' in page.text
    labels = re.findall(r'class="label" dir="auto">([^<]+)<', page.text)
    assert labels == ["Very dissatisfied", "Dissatisfied", "Neither", "Satisfied", "Very satisfied"]
    assert checked(page.text) == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("query", ["", "?score=4", "?score=4&comment=x"])
def test_reading_a_link_stores_nothing(asked: Any, method: str, query: str) -> None:
    """A mail scanner that follows every link leaves no answer behind."""
    before = asked.steps
    for _ in range(2):
        asked.web.request(method, asked.path + query)
        asked.web.request(method, f"{asked.path}/thanks")
    assert asked.steps == before
    assert answers(asked) == []


def test_a_score_in_the_link_is_chosen_on_the_page(asked: Any) -> None:
    """?score=4 saves a tap, and only that."""
    assert checked(asked.web.get(f"{asked.path}?score=4").text) == ["4"]


@pytest.mark.parametrize("score", ["0", "6", "x", '4"><b>'])
def test_a_score_off_the_scale_chooses_nothing(asked: Any, score: str) -> None:
    """What the link says is compared with the choices, and shown nowhere."""
    page = asked.web.get(asked.path, params={"score": score})
    assert page.status_code == 200
    assert checked(page.text) == []
    assert "<b>" not in page.text


def test_the_form_keeps_the_answer(asked: Any) -> None:
    """Score, whether it is positive, and the comment are one fact of the conversation."""
    posted = asked.web.post(asked.path, data={"score": "4", "comment": " Quick, and kind. "})
    assert (posted.status_code, posted.headers["location"]) == (303, f"{asked.path}/thanks")
    assert answers(asked) == [(4, True, "Quick, and kind.")]
    assert asked.kit.events(SurveyAnswered)[0].actor == "contact"


def test_the_thanks_repeat_what_was_kept(asked: Any) -> None:
    """After answering, the contact reads the answer in words, escaped, and may change it."""
    asked.web.post(asked.path, data={"score": "2", "comment": "slow <script>"})
    page = asked.web.get(f"{asked.path}/thanks").text
    assert "Thank you. Your answer has reached us." in page
    assert "Dissatisfied" in page and "slow &lt;script&gt;" in page
    assert f'href="{asked.path}"' in page


def test_nobody_is_thanked_for_nothing(asked: Any) -> None:
    """Without an answer the thanks lead back to the form."""
    page = asked.web.get(f"{asked.path}/thanks")
    assert (page.status_code, page.headers["location"]) == (303, asked.path)


def test_answering_again_changes_the_answer(asked: Any) -> None:
    """The log keeps both answers, the conversation the last, and the form comes with it."""
    asked.web.post(asked.path, data={"score": "1", "comment": "no"})
    asked.web.post(asked.path, data={"score": "5", "comment": "solved after all"})
    assert answers(asked) == [(1, False, "no"), (5, True, "solved after all")]
    given = asked.kit.conversation().surveys["csat"]
    assert (given.score, given.comment) == (5, "solved after all")
    page = asked.web.get(asked.path).text
    assert checked(page) == ["5"] and "solved after all</textarea>" in page


def test_fifty_identical_answers_at_once_are_one(asked: Any) -> None:
    """A double click, a retry or a race leaves one fact."""
    survey: SurveyProvider = asked.kit.service.settings.surveys["csat"].component
    desk, id = asked.kit.desk, asked.kit.conversation().id

    async def race() -> None:
        one = [desk.answer_survey(id, survey.name, "4", scope=Scope.everything()) for _ in range(50)]
        await asyncio.gather(*one)

    asked.kit.run(race())
    assert answers(asked) == [(4, True, "")]


@pytest.mark.parametrize("form", [{}, {"score": ""}, {"score": "0"}, {"score": "6"}, {"score": "4.5"}, {"score": "٤٤"}])
def test_an_answer_without_a_choice_is_asked_for_again(asked: Any, form: dict[str, str]) -> None:
    """The form comes back with what is missing and with the comment that was written."""
    page = asked.web.post(asked.path, data={**form, "comment": "my words"})
    assert page.status_code == 422
    assert 'role="alert">Choose one of the answers, then send it.' in page.text
    assert "my words</textarea>" in page.text
    assert answers(asked) == []


def test_a_comment_that_is_too_long_is_given_back(asked: Any) -> None:
    """Nothing that was written is lost, and the score stays chosen."""
    page = asked.web.post(asked.path, data={"score": "3", "comment": "x" * 2001})
    assert page.status_code == 422
    assert "Shorten it to 2,000 characters." in page.text
    assert checked(page.text) == ["3"] and "x" * 2001 in page.text
    assert answers(asked) == []


def test_the_longest_comment_in_any_script_fits(asked: Any) -> None:
    """2,000 characters of four bytes each, encoded as a form, stay below the limit of the body."""
    assert asked.web.post(asked.path, data={"score": "3", "comment": "👩" * 2000}).status_code == 303
    assert answers(asked) == [(3, False, "👩" * 2000)]


def test_a_comment_loses_what_no_database_takes(asked: Any) -> None:
    """NUL goes, line ends become one kind, and the first of a repeated field counts."""
    body = "score=4&score=1&comment=a%00b%0D%0Ac"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert asked.web.post(asked.path, content=body, headers=headers).status_code == 303
    assert answers(asked) == [(4, True, "ab\nc")]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("{}", "application/json", 415),
        ("score=4&comment=" + "x" * 40_000, "application/x-www-form-urlencoded", 413),
        ("&".join(["a=1"] * 30), "application/x-www-form-urlencoded", 400),
        ("score=é".encode().decode("latin-1"), "application/x-www-form-urlencoded", 400),
    ],
)
def test_what_is_not_the_form_is_refused(asked: Any, body: str, kind: str, status: int) -> None:
    """JSON, floods and bytes that are no form get a page that says what to do."""
    page = asked.web.post(asked.path, content=body.encode(), headers={"content-type": kind})
    assert page.status_code == status
    assert "Nothing was sent" in page.text
    assert answers(asked) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "https://care.example.evil"},
        {"origin": "null"},
    ],
)
def test_a_form_from_elsewhere_is_refused(asked: Any, headers: dict[str, str]) -> None:
    """Another site cannot answer in the contact's name, even with the link."""
    page = asked.web.post(asked.path, data={"score": "5"}, headers=headers)
    assert page.status_code == 403
    assert "The answer came from another site." in page.text
    assert answers(asked) == []


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "same-origin"}, {"origin": "https://care.example"}, {}])
def test_our_own_page_may_send(asked: Any, headers: dict[str, str]) -> None:
    """A browser that names our page, or an old one that names none, is heard."""
    assert asked.web.post(asked.path, data={"score": "5"}, headers=headers).status_code == 303


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_forged_link_leads_to_a_friendly_page(asked: Any, method: str) -> None:
    """Tokens that are cut, changed or made up do not work, and the page says what may have happened."""
    for token in (asked.path.rpartition("/")[2][:-2], "x", "a.b", "ImMi.é", "." * 3000):
        page = asked.web.request(
            method, f"/surveys/csat/{token}", **({"data": {"score": "4"}} if method == "POST" else {})
        )
        assert page.status_code == 404
        assert "This link does not work" in page.text
    assert answers(asked) == []


def test_the_link_of_one_survey_answers_no_other(asked: Any) -> None:
    """A token is signed for its survey."""
    assert asked.web.get(asked.path.replace("/csat/", "/other/")).status_code == 404


def test_a_link_to_a_conversation_that_does_not_exist_is_unknown(asked: Any) -> None:
    """It looks like a forged one: nobody learns which conversations exist."""
    token = asked.kit.service.signer.seal("survey:csat", "nothing-here")
    assert asked.web.get(f"/surveys/csat/{token}").text == asked.web.get("/surveys/csat/forged").text


def test_a_link_to_a_conversation_that_was_not_asked_is_unknown(asked: Any) -> None:
    """A survey is answered only where it was put."""
    asked.kit.write("something else", sender="eva")
    token = asked.kit.service.signer.seal("survey:csat", asked.kit.conversation().id)
    assert asked.web.post(f"/surveys/csat/{token}", data={"score": "4"}).status_code == 404
    assert answers(asked) == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_expired_link_says_until_when_it_was_valid(make: Callable[[str], Any], method: str) -> None:
    """From the very end of valid_for on, the survey is over (410), in the time zone of the desk."""
    asked = make('valid_for = "2d"')
    path = asked.path
    asked.kit.advance("47h 59m 59s")
    assert asked.web.get(path).status_code == 200
    asked.kit.advance("1s")
    page = request(asked, method, path)
    assert page.status_code == 410
    day = (asked.kit.conversation().surveys["csat"].offered_at).date()
    assert f"It could be answered until {day.replace(day=day.day + 2)}." in page.text
    assert answers(asked) == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_closed_conversation_has_no_survey(asked: Any, method: str) -> None:
    """What is archived stays as it is (410)."""
    asked.kit.act(Close(), "service")
    page = request(asked, method, asked.path)
    assert page.status_code == 410
    assert "The conversation has been closed" in page.text
    assert answers(asked) == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_store_that_cannot_answer_is_said_so(asked: Any, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The contact is asked to try again (503), and nothing half-written is thanked for."""

    def down(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(asked.kit.service.store, "conversation", down)
    page = request(asked, method, asked.path)
    assert page.status_code == 503
    assert "Try again in a moment" in page.text and "disk" not in page.text


def test_pages_are_closed_to_scripts_frames_and_caches(asked: Any) -> None:
    """Every page and every refusal carries the strict policy and is kept nowhere."""
    pages = [
        asked.web.get(asked.path),
        asked.web.get("/surveys/csat/forged"),
        asked.web.post(asked.path, data={"score": "4"}),
        asked.web.get(f"{asked.path}/thanks"),
    ]
    for page in pages:
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; form-action")
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["referrer-policy"] == "same-origin"
        assert "<script" not in page.text and "style=" not in page.text and "set-cookie" not in page.headers


def test_the_style_sheet_is_kept_under_its_version(asked: Any) -> None:
    """The page names the style sheet with a version, which may be kept for ever; another version is not there."""
    found = re.search(r'href="(/surveys/csat/static/\w+\.css)"', asked.web.get(asked.path).text)
    assert found
    sheet = asked.web.get(found[1])
    assert sheet.headers["content-type"].startswith("text/css") and "immutable" in sheet.headers["cache-control"]
    assert asked.web.get("/surveys/csat/static/other.css").status_code == 404


def test_the_name_of_the_service_is_text(asked: Any) -> None:
    """What the file says is escaped like everything else."""
    assert "Northwind &lt;care&gt;" in asked.web.get(asked.path).text


def test_a_file_can_say_everything_in_another_language(make: Callable[[str], Any]) -> None:
    """Question, labels, thanks and all other words come from the file, and the direction from the language."""
    asked = make(
        'language = "he"\nquestion = "Q?"\nlabels = ["A", "B"]\npositive_from = 2\nthanks = "T"\n'
        'words = { send = "S", comment = "C", change = "Again" }'
    )
    page = asked.web.get(asked.path).text
    assert '<html lang="he" dir="rtl">' in page
    assert '<button type="submit">S</button>' in page and ">C</label>" in page
    assert asked.web.post(asked.path, data={"score": "2"}).status_code == 303
    assert answers(asked) == [(2, True, "")]
    assert ">Again</a>" in asked.web.get(f"{asked.path}/thanks").text


def test_an_answer_of_an_earlier_longer_scale_is_still_shown(make: Callable[[str], Any]) -> None:
    """The file may have changed between the answer and the page."""
    asked = make('labels = ["A", "B"]\npositive_from = 2')
    survey = asked.kit.service.settings.surveys["csat"].component
    survey.best = 5
    asked.web.post(asked.path, data={"score": "5"})
    assert '<span dir="auto">5</span>' in asked.web.get(f"{asked.path}/thanks").text

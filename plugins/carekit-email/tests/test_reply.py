"""The visible reply, in plain text and HTML."""

# ruff: noqa: E501 - samples are shown as they are

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit_email.codec import decode
from carekit_email.codec.reply import plain_reply

ATTRIBUTIONS = [
    "On Mon, Nov 2, 2026 at 10:00 AM Help <help@shop.example> wrote:",
    "Am 02.11.2026 um 10:00 schrieb Help <help@shop.example>:",
    "Le lun. 2 nov. 2026 à 10:00, Help <help@shop.example> a écrit :",
    "El lun, 2 nov 2026 a las 10:00, Help (<help@shop.example>) escribió:",
    "Il giorno lun 2 nov 2026 alle ore 10:00 Help <help@shop.example> ha scritto:",
    "Em seg., 2 de nov. de 2026 às 10:00, Help <help@shop.example> escreveu:",
    "Op ma 2 nov. 2026 om 10:00 schreef Help <help@shop.example>:",
    "Den mån 2 nov. 2026 kl 10:00 skrev Help <help@shop.example>:",
    "W dniu 2.11.2026 o 10:00, Help napisał:",
    "2026年11月2日(月) 10:00 Help <help@shop.example>:",
    "Às 10:00 de 02/11/2026, Help escreveu:",
    "02.11.2026 10:00, Help пишет:",
    "Help kirjoitti 2.11.2026 klo 10.00:",
    "Zitat von Help <help@shop.example>:",
    "Quoting Help <help@shop.example>:",
    ">>> Help <help@shop.example> 11/2/2026 10:00 AM >>>",
]


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_history_under_an_attribution_goes(attribution: str) -> None:
    """Programs introduce quotations in the reader's language."""
    assert plain_reply(f"Thanks!\n\n{attribution}\n\n> Did it arrive?\n> Help\n") == "Thanks!"
    assert plain_reply(f"Thanks!\n\n{attribution}\n\nDid it arrive?\nHelp\n") == "Thanks!"


@pytest.mark.parametrize(
    "history",
    [
        "-----Original Message-----\nFrom: Help\nSent: Monday\n\nold",
        "________________________________\nFrom: Help <help@shop.example>\nSent: Monday\nTo: Ada\nSubject: x\n\nold",
        "Von: Help\nGesendet: Montag\nAn: Ada\nBetreff: x\n\nold",
        "On Mon, Nov 2, 2026 at 10:00 AM Help\n<help@shop.example> wrote:\n\n> old",
        "-- \nAda Byron\nCountess",
        "Sent from my iPhone",
    ],
)
def test_history_markers_signatures_and_device_lines_go(history: str) -> None:
    """What follows a marker was not written now."""
    assert plain_reply(f"Yes please.\n\n{history}\n") == "Yes please."


def test_inline_answers_stay_with_what_they_answer() -> None:
    """Answers between quoted lines say nothing without these; what is quoted behind the last answer goes."""
    text = "On 2026-11-02 Help <help@shop.example> wrote:\n> Red?\n\nNo, blue.\n\n> Large?\n\nYes."
    assert plain_reply(f"{text}\n\n> Help\n\n-- \nAda\n") == text


def test_a_quotation_around_which_somebody_wrote_goes() -> None:
    """One block that a program put there is no inline answer."""
    text = "Hello\n\nOn 2026-11-02 Help <help@shop.example> wrote:\n> Red?\n> Large?\n\nRegards, Ada\n"
    assert plain_reply(text) == "Hello\n\nRegards, Ada"


def test_a_line_that_only_looks_quoted_stays() -> None:
    """One or two, with nothing that introduces them."""
    text = "Look here:\n>>> https://shop.example <<<\nIt is broken."
    assert plain_reply(text) == text


def test_forwarded_messages_stay_readable() -> None:
    """A forward has no history: what was forwarded is the message."""
    text = "See below\n\n---------- Forwarded message ----------\nFrom: X <x@y.example>\nSubject: s\n\nThe matter\n"
    assert "The matter" in plain_reply(text)


@pytest.mark.parametrize(
    "text",
    [
        "On Monday I wrote: nothing yet.\nOn Tuesday more.",
        "Options:\n- red\n- blue",
        "He wrote:\n\nplease help",
        "From: here to there",
    ],
)
def test_ordinary_sentences_are_not_cut(text: str) -> None:
    """Words that also occur in attributions do not make one."""
    assert plain_reply(text) == text


def test_nothing_but_history_falls_back_to_the_whole_text() -> None:
    """An empty message helps nobody."""
    assert plain_reply("> only\n> quoted") == "> only\n> quoted"


@pytest.mark.parametrize(
    "history",
    [
        '<div class="gmail_quote">On Monday Help wrote:<blockquote>old</blockquote></div>',
        '<blockquote type="cite">old</blockquote>',
        '<div id="divRplyFwdMsg">From: Help</div><div>old</div>',
        '<div style="border:none;border-top:solid #E1E1E1 1.0pt"><p>From: Help</p></div><p>old</p>',
    ],
)
def test_quoted_elements_of_html_go(history: str) -> None:
    """The big programs mark history by class, id or style."""
    raw = f"From: a@b.example\nContent-Type: text/html\n\n<div>Yes &amp; thanks</div>{history}"
    assert decode(raw.encode()).reply_text == "Yes & thanks"


@given(st.text(alphabet="On wrote:>-\n@1. ", max_size=400))
def test_the_reply_is_never_empty_unless_the_text_is(text: str) -> None:
    """Whatever the text, something is shown."""
    assert bool(plain_reply(text)) == bool(text.strip())


@pytest.mark.parametrize(
    "history", ["\nOld text.\nMore of it.\n", "\n\n> Old text.\n> More of it.\n"], ids=["bare", "marked"]
)
def test_history_goes_whatever_introduces_it(quotations: ModuleType, history: str) -> None:
    """The big programs in their languages, with and without marks on the quoted lines."""
    kept = [
        one
        for one in quotations.MARKERS
        if plain_reply(f"Thanks, it works.\n\nAda\n\n{one}\n{history}") != "Thanks, it works.\n\nAda"
    ]
    assert len(quotations.MARKERS) > 100
    assert not kept


def test_quoted_elements_of_the_big_programs_go(quotations: ModuleType) -> None:
    """What a program marks as history in its HTML is not the reply."""
    pages = {
        name: f"From: a@b.example\nContent-Type: text/html; charset=utf-8\n\n{page}"
        for name, page in quotations.PAGES.items()
    }
    kept = [name for name, page in pages.items() if decode(page.encode()).reply_text != "Reply"]
    assert not kept


@pytest.mark.parametrize(
    "text",
    [
        "On Monday I called and your colleague wrote: wait.\nI waited.",
        "I travel\nFrom: London\nTo: Paris\nDate: 3 May\nPlease book.",
        "Here it is:\n\n```\n> From: x\nOn Mon, Nov 2, 2026 at 10:00 Ada <a@b.example> wrote:\n```\n\nDoes it look right?",
        "Sent from my garden, where it is warmer than inside.",
        "Hello\n\nGet Outlook working again, please.\n\nAda",
        "Hello\n\nVon meiner Seite ist alles gut.\n\nAda",
        "Hello\n\nEnvoyé de Paris le 3 mars, pas arrivé.\n\nAda",
        "Hello\n\nSent with DHL yesterday\n\nAda",
        "Hello\n\nInviato da Roma lunedì, ordine 4711\n\nAda",
        "Sent from the shop\nPlease check.",
        "First point\n----\nSecond point\n----\nThird point, and the last one.",
        "The file is -not- there.\n\n- one\n- two",
        "Subject to change: the price.\nFrom: us, with love.",
    ],
)
def test_ordinary_text_is_not_taken_for_history(text: str) -> None:
    """What looks a little like it stays."""
    assert plain_reply(text) == text


@pytest.mark.parametrize(
    "trailer",
    [
        "Sent from my iPhone", "Sent from my Harbour Phone XL 5G", "Get Outlook for Android<https://aka.ms/x>", "<<sent by galaxy>>",
        "(sent from a phone)", "Envoyé de mon iPad", "Von meinem Mobilgerät gesendet", "Verstuurd vanaf mijn iPhone",
        "Enviado do meu iPhone", "Enviado desde mi iPhone", "Inviato da iPhone", "Skickat från min iPhone", "Sendt fra min iPhone",
        "Wysłane z iPhone'a", "Отправлено с iPhone", "iPhoneから送信", "发自我的 iPhone", "나의 iPhone에서 보냄",
        "Diese Nachricht wurde von meinem Android-Mobiltelefon mit K-9 Mail gesendet.", "-- \nAda\nThe shop", "--\nAda", "-Ada Byron",
        "Gesendet mit der WEB.DE Mail App", "Holen Sie sich Outlook für Android", "Descargar Outlook para iOS",
        "Skaff deg Outlook for iOS", "Lähetetty iPhonesta", "Pobierz aplikację Outlook dla systemu Android",
        "Отправлено из мобильной Яндекс.Почты", "Android 用 Outlook を入手", "来自我的小米手机", "從我的 iPhone 傳送",
        "Android용 Outlook 다운로드", "Odesláno z iPhonu", "Elküldve az iPhone-omról", "iPhone'umdan gönderildi",
        "Στάλθηκε από το iPhone μου", "נשלח מה-iPhone שלי", "Được gửi từ iPhone của tôi", "—\nAda Byron",
        "Sent from my Verizon, Samsung Galaxy smartphone", "Sent from my iPhone\nAda Byron",
        "____________________\nUnsubscribe from this mailing list: https://l.example/",
    ],
)  # fmt: skip
def test_signatures_and_device_lines_go(trailer: str) -> None:
    """They are no part of what somebody wanted to say."""
    assert plain_reply(f"Yes, please.\n\n{trailer}") == "Yes, please."

"""Automatic mail and lists are told from what people write."""

from __future__ import annotations

import pytest

from carekit_email.codec import decode


def mail(*headers: str, body: str = "text") -> bytes:
    return "\n".join(["From: a@b.example", *headers, "", body]).encode()


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated (failure)",
        "Precedence: bulk",
        "X-Auto-Response-Suppress: All",
        "X-Autoreply: yes",
        "X-Loop: help@shop.example",
        "List-Id: <news.shop.example>",
        "Subject: Automatic reply: your order",
        "Subject: Abwesenheitsnotiz",
        "Subject: Out of Office",
        "Subject: AUTO: I am away until Monday",
        "Subject: RE: Autoreply",
        "Subject: Your order - vacation response RE: Your order",
        "Subject: I'm out of the office: your order",
        "Subject: [Automatic reply] your order",
        "Subject: Réponse automatique : commande",
        "Subject: Respuesta automática: pedido",
        "Subject: Automatisch antwoord: bestelling",
        "Subject: Risposta automatica: ordine",
        "Subject: Autosvar: bestilling",
        "Subject: Автоответ: заказ",
        "Subject: 自動返信: ご注文",
        "Subject: 自动回复: 订单",
        "X-Autorespond: vacation",
        "X-Auto-Response-Suppress: DR, OOF, AutoReply",
        "Precedence: auto_reply",
        "List-Unsubscribe: <https://news.example/u>",
        "X-Precedence: bulk",
        "Preference: auto_reply",
        "X-POST-MessageClass: 9; Autoresponder",
        "Delivered-To: Autoresponder",
        "X-Cron-Env: <SHELL=/bin/sh>",
        "Subject: Ich bin bis Montag im Urlaub",
        "Subject: Ada Byron ist derzeit außer Haus",
        "Subject: Ada Byron is out of office (back on Monday)",
        "Subject: Ada Byron est absente",
        "Subject: Absent : commande",
        "Subject: Niet op kantoor",
        "Subject: Frånvarande: order",
        "Subject: Odpowiedź automatyczna: zamówienie",
        "Subject: Automatski odgovor: narudžba",
        "Subject: Automaatvastus: tellimus",
        "Subject: Trả lời tự động: đơn hàng",
        "Subject: Balasan otomatis: pesanan",
        "Subject: Re: your order [OOO]",
        "Subject: Your message has arrived (auto response)",
        "Subject: This is an automated response: your order",
    ],
)
def test_automatic_mail_is_recognised(header: str) -> None:
    """Any of these means that no answer may go out by itself."""
    assert decode(mail(header)).auto_reply


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: no",
        "Auto-Submitted: auto-forwarded",
        "Subject: Re: your automatic door",
        "Precedence: first-class",
        "Subject: My vacation photos from the shop",
        "Subject: Question about automatic reply feature",
        "Subject: Vacation rental booking",
        "Subject: Absence d'article dans le colis",
        "Subject: I was on vacation, now my order is gone",
        "Subject: Urlaub auf Sylt: Buchung",
        "X-Auto-Response-Suppress: DR, OOF",
        "Subject: Question about automatic payments",
        "Subject: Order for our out-of-home office",
        "X-Autoreply: no",
    ],
)
def test_mail_of_people_is_not_automatic(header: str) -> None:
    """Forwarding rules and similar words do not make a machine."""
    assert not decode(mail(header)).auto_reply


def test_a_list_is_told_by_its_headers() -> None:
    """List-Id or List-Post; what only has a link to unsubscribe is no list, but must not be answered either."""
    assert decode(mail("List-Post: <mailto:l@x.example>")).list_mail
    found = decode(mail("List-Unsubscribe: <mailto:l@x.example>"))
    assert not found.list_mail and found.auto_reply

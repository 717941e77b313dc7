"""How mail programs introduce history, by language: attributions, header blocks, markers, device lines."""

from __future__ import annotations

import re

_WROTE = re.compile(
    r"\b(?:wrote|writes|said|schrieb|schreef|geschreven|a [ée]crit|escribi[óo]|escribe|escreveu|ha scritto"
    r"|scrisse|skrev|skrifaði"
    r"|kirjoitti|napisa[łl](?:\(a\))?|napsal(?:\(a\))?|nap[íi]sal|írta|yazdı|şunu yazdı|a scris|je napisao"
    r"|написа(?:л|ла|л\(а\)|в|ла:)?"
    r"|пише(?:т)?|έγραψε|đã viết|menulis)\b|写道|寫道|のメール|さん(?:は|が)?書|님이 작성|작성:|כתב|كتب|เขียน",
    re.IGNORECASE,
)
_STARTS = re.compile(
    r"[\s*]{0,4}(?:On|At|Am|Le|El|Em|Il|Op|Den|Dne|Dňa|Dnia|W dniu|På|Pe|La data|Le|Vào|Ngày|Pada|Tarih|Στις"
    r"|El día|No dia|Em|Il giorno"
    r"|Mon|Tue|Wed|Thu|Fri|Sat|Sun|\d{4}[-/.年]|\d{1,2}[-/. ]|在|于|от|В |Пн|Вт|Ср|Чт|Пт|Сб|Вс|At|Quoting|ב-)",
    re.IGNORECASE,
)
_DATED = re.compile(r"\d{4}|\d{1,2}[:.h]\d{2}|\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}")
_ADDRESS = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{1,255}|<[^<>]{0,80}>")
_ENDS = re.compile(r"[:：]\s*\*?\s*$|[:：]\s*\[?(?:https?://|mailto:)?\S{0,80}$")

_HISTORY = frozenset({
    "original message", "original appointment", "original mail", "ursprüngliche nachricht",
    "urspruengliche nachricht", "ursprüngliche mail",
    "message d'origine", "message d’origine", "message original", "mensaje original", "mensagem original",
    "messaggio originale",
    "oorspronkelijk bericht", "originalmeddelande", "oprindelig besked", "oprindelig meddelelse",
    "opprinnelig melding", "originalnachricht",
    "original-nachricht", "ursprungligt meddelande", "alkuperäinen viesti", "wiadomość oryginalna",
    "oryginalna wiadomość",
    "исходное сообщение", "пересылаемое сообщение", "eredeti üzenet", "původní zpráva", "pôvodná správa",
    "orijinal ileti", "mesaj original",
    "原始邮件", "原始郵件", "元のメッセージ", "원본 메시지", "reply message", "antwort", "antwortnachricht",
    "original",
})  # fmt: skip
_FORWARDED = (
    "forwarded message", "forwarded by", "begin forwarded message", "weitergeleitete nachricht",
    "anfang der weitergeleiteten nachricht",
    "message transféré", "début du message réexpédié", "mensaje reenviado", "mensagem encaminhada",
    "messaggio inoltrato",
    "inizio messaggio inoltrato", "doorgestuurd bericht", "vidarebefordrat meddelande", "videresendt",
    "videresend", "edelleenlähetetty",
    "przekazana wiadomość", "转发的邮件", "转发邮件", "転送されたメッセージ",
)  # fmt: skip
_ABOVE = ("reply above this line", "write above this line", "response above this line")
_DECORATION = " \t\xa0>*-_=~#–—"
_ON_WROTE = re.compile(r"on .{5,200} wrote:?", re.IGNORECASE)
DEVICE = re.compile(
    r"\s*[*_]?(?:(?:sent|wysłano|skickat|sendt|verzonden|gesendet|von meinem|envoy[ée]|enviado|inviato"
    r"|l[äa]hetetty|odesl[áa]no|отправлено|送信元|发自|從我的)\b[^,]{0,60}"
    r"\b(?:iphone|ipad|ipod|android|mobile?|phone|handset|device|blackberry|samsung|galaxy|huawei|xiaomi|nokia"
    r"|sony|windows|outlook|mail|yahoo|aol|tablet|smartphone|handy|téléphone|móvil|telefon\w*|cell\w*|treo"
    r"|wireless|nexus)\b.{0,60}"
    r"|get outlook for (?:ios|android).{0,60}|outlook für (?:ios|android) beziehen.{0,40}|sent (?:from|via"
    r"|with) \S{1,30}(?: \S{1,20}){0,3}\.?"
    r"|(?:von|mit) meinem \S{1,30}(?: \S{1,20})? gesendet\.?|iPhone(?:から送信)|发自我的\s?\S{1,20})[*_]?\s*",
    re.IGNORECASE,
)

_FROM = (
    r"from|von|de|da|van|från|fra|lähettäjä|od|от|от кого|feladó|kimden|发件人|發件人|寄件者|差出人|보낸 ?사람"
    r"|expéditeur|mittente|remetente"
)
_OTHER = (
    r"sent|date|to|cc|subject|reply-to|gesendet|datum|an|betreff|envoy[ée]|à|objet|enviado(?: el| em)?|para"
    r"|asunto|assunto|data|inviato|a|oggetto"
    r"|verzonden|aan|onderwerp|skickat|till|ämne|sendt|til|emne|lähetetty|päivämäärä|vastaanottaja|kopio|aihe"
    r"|wysłano|do|temat|dw|odesláno|komu|předmět|kopie"
    r"|дата|отправлено|кому|тема|копия|elküldve|címzett|tárgy|gönderilme|tarih|kime|konu|发送时间|日期|收件人"
    r"|主题|抄送|寄件日期|收件者|主旨|日時|送信日時|宛先|件名|보낸 날짜|받는 사람|제목|importance|attachments"
)
_FROM_LINE = re.compile(rf"[\s>*]{{0,6}}(?:{_FROM})\s?[*]?\s?[:：][*]?\s*\S", re.IGNORECASE)
_OTHER_LINE = re.compile(rf"[\s>*]{{0,6}}(?:{_OTHER})\s?[*]?\s?[:：]", re.IGNORECASE)


def is_history(line: str) -> bool:
    """Tell whether *line* is a marker between a reply and what it answers, such as "----- Original Message -----"."""
    stripped = line.strip()
    key = stripped.strip(_DECORATION).casefold().rstrip(":")
    if not key or len(key) > 250:
        return False
    decorated = len(stripped) - len(key) >= 3 and stripped[0] in "-_=*~#>"
    if decorated and (key in _HISTORY or _ON_WROTE.fullmatch(key)):
        return True
    return len(key) < 100 and any(phrase in key for phrase in _ABOVE)


def is_forward(line: str) -> bool:
    """Tell whether *line* introduces a forwarded message, which stays readable."""
    stripped = line.strip()
    key = stripped.strip(_DECORATION).casefold()
    decorated = len(stripped) - len(key) >= 3 or key.endswith(":")
    return decorated and len(key) < 100 and key.startswith(_FORWARDED)


def opens_attribution(text: str) -> bool:
    """Tell whether *text* could be the first lines of a wrapped attribution."""
    return bool(_STARTS.match(text) or _DATED.search(text[:80]) or "@" in text)


def is_attribution(text: str, quoted_next: bool) -> bool:
    """Tell whether *text* (at most some hundred characters) introduces a quotation.

    A sentence that ends in "wrote:" needs a date, an address or quoted lines right after it to count.
    """
    tail = text[-100:]
    if not ((":" in tail or "：" in tail) and _ENDS.search(tail)):
        return quoted_next and bool(_DATED.search(text) and _ADDRESS.search(text)) and len(text) < 160
    wrote = bool(_WROTE.search(text))
    dated, addressed = bool(_DATED.search(text)), bool(_ADDRESS.search(text))
    if wrote:
        return quoted_next or (dated and (addressed or bool(_STARTS.match(text)))) or (addressed and len(text) < 200)
    return (dated and addressed) or (quoted_next and dated and bool(_STARTS.match(text)))


def is_header_block(lines: list[str], number: int) -> bool:
    """Tell whether lines from *number* on are a copied mail header: a From line and two more within the next eight."""
    if not _FROM_LINE.match(lines[number][:400]):
        return False
    others = sum(1 for line in lines[number + 1 : number + 9] if _OTHER_LINE.match(line[:400]))
    return others >= 2

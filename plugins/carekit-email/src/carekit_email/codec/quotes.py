"""How mail programs introduce history, by language: attributions, header blocks, markers, device lines."""

from __future__ import annotations

import re

_WROTE = re.compile(
    r"\b(?:wrote|writes|said|says|sent|schrieb|schrieben(?: sie)?|schreibt|geschrieben|schreef|geschreven|verzond"
    r"|(?:nous )?a (?:[ée]crit|dit)|escribi[óo]|escribe|escreveu|ha scritto|scrisse|skrev|skrifaði|kirjoitti"
    r"|napisa[łl](?:\(a\))?|napisała|pisze|napsal(?:\(a\))?|nap[íi]sal(?:\(a\))?|írta|yazdı|şunu yazdı|a scris"
    r"|je napisao|написа(?:л|ла|л\(а\)|в|ла:)?|пише(?:т)?|έγραψε|đã viết|menulis|rašė|kirjutas|rakstīja)\b"
    r"|写道|寫道|のメール|のメッセージ|さん(?:は|が)?書|님이 작성|작성:|כתב|كتب|เขียน",
    re.IGNORECASE,
)
_STARTS = re.compile(
    r"[\s*‐-―-]{0,8}(?:\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}"
    r"|Às|On|At|Am|Le|El|Em|Il|Op|Den|Dne|Dňa|Dnia|W dniu|På|Pe|La data|Vào|Ngày|Pada|Tarih|Στις"
    r"|El día|No dia|Il giorno|In data|In message|In article|Quoting|Am \w+tag|\d{4}[-/.年년]|\d{1,2}[-/.: ]|在|于|от|В"
    r"|Пн|Вт|Ср|Чт|Пт|Сб|Вс|понедельник|вторник|среда|четверг|пятница|суббота|воскресенье|понеділок|вівторок|середа"
    r"|четвер|п.ятниця|субота|неділя|(?:mon|tues|wednes|thurs|fri|satur|sun)day|mon|tue|wed|thu|fri|sat|sun"
    r"|søn|man|tir|ons|tor|fre|lør|sön|mån|tis|lör|pe|ma|ti|ke|to|la|su|po|út|st|čt|pá|so|ne|ב-|בתאריך)[ ,.]",
    re.IGNORECASE,
)
_DATED = re.compile(r"\d{4}|\d{1,2}[:.h]\d{2}|\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}")
_ADDRESS = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{1,255}|<[^<>]{0,80}>")
_TIMED = re.compile(r"\d{1,2}[:.h]\d{2}|\d{1,2}\s?[ap]\.?m\b", re.IGNORECASE)
_BARE = re.compile(  # attributions that have neither a verb nor a colon
    r"\d{4}-\d{2}-\d{2} \d{1,2}:\d{2} GMT[+-]\d{1,2}:\d{2} \S.{0,80}"
    r"|(?:\d{4}[/.-]\d{1,2}[/.-]\d{1,2}"
    r"|\d{1,2}[/.-]\d{1,2}[/.-]\d{4})(?:[ T,]{1,2}\d{1,2}:\d{2}(?::\d{2})?)?,? .{1,80}<[^<>@\s]+@[^<>@\s]+>"
    r"|(?:quoting|zitat von|citando(?: a)?|mensaje citado por|citeren|scrive) .{0,60}[^\s<>@]{1,64}"
    r"@[^\s<>@]{1,100}>?:"
    r"|.{1,80} kirjoitti \d{1,2}\.\d{1,2}\.\d{4} (?:klo|kello) .{4,12}:"
    r"|posted by .{1,80} on \d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}",
    re.IGNORECASE,
)
_VIA = re.compile(r".{1,100} via .{1,100} (?:wrote|schrieb|a écrit|escribió):?", re.IGNORECASE)
_SOMEBODY_ON = re.compile(r".{1,80}\bon\b.{1,80}\b(?:wrote|said|writes):?", re.IGNORECASE)
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
    "original", "původní e-mail", "původní mail", "mensaje de origen", "message initial", "originál správy",
    "reply", "antwort nachricht", "antwort-nachricht", "original email", "original e-mail", "quoted text",
    "转发的邮件信息", "原始消息", "オリジナルメッセージ", "원본메일", "αρχικό μήνυμα", "tin nhắn gốc",
    "оригинальное сообщение",
    "пересланное сообщение", "вихідне повідомлення", "originalt meddelande", "original meddelelse", "poruka",
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
_DECORATION = " \t\xa0>*-_=~#‐‑‒–—―−<\u200e\u200f"
_GROUPWISE = re.compile(r">>> .{1,200}\d.{0,30} >>>")
_ON_WROTE = re.compile(r"on .{5,200} wrote:?", re.IGNORECASE)
_THINGS = (
    r"iphon\w*|ipad\w*|ipod|android\w*|mobi\w*|phone|handset|device|blackberry|samsung|galaxy|huawei|xiaomi|nokia|sony"
    r"|windows|outlook|mail|e-?mail|yahoo|aol|tablet\w*|smartphone|handy|téléphone|móvil|telefon\w*|cell\w*|treo"
    r"|wireless|nexus|pixel|honor|oneplus|computer|mac|proton\w*|gmail|thunderbird|airmail|spark|k-9|app|apple"
    r"|courrier|correo|posta|e-post|appareil|application|aplikac\w+|почт\w*|телефон\w*"
)
_SYSTEMS = r"(?:ios|android\w*|iphone|ipad|windows|mac)\b.{0,30}"
DEVICE = re.compile(
    r"[\s*_<(\[|>]{0,6}(?:"
    r"(?:sent|wysłan[oe]|skickat|sendt|verzonden|verstuurd|gesendet|von meine[mr]|envoyée?|enviad[oa]|inviat[oa]"
    r"|l[äa]hetetty|odesl[áa]no|odoslan[éo]|poslano|отправлено|надіслано|изпратено|trimis|gönderildi|send|elküldve"
    r"|στάλθηκε|dikirim|được gửi|från min|fra min)"
    rf"\b(?:[^,.!?]|\.(?=\w)){{0,60}}\b(?:{_THINGS})\b.{{0,60}}"
    # a product nobody has heard of, as long as it reads like a product: few words, and no sentence
    r"|(?!.{0,80}\b(?:on|yesterday|today|last|to|and|is|was)\b)sent (?:from|via|using|with) (?:my |a |the )?"
    r"[\w.+'-]{1,30}(?: [\w.+'&/-]{1,20}){0,4}"
    rf"|sent from my [\w &-]{{1,20}}, (?:{_THINGS})\b.{{0,40}}"
    r"|from my [\w -]{1,20}|\w{1,20} from mobile|sent simply from .{1,40}|simply sent .{1,40}"
    r"|get (?:the free|airmail|newton|bluemail).{1,80}"
    r"|(?:get|download|holen sie sich|obtenir|t[ée]l[ée]charge[rz]?|hämta|hent|få|skaff deg|scarica|ottieni|obtener"
    r"|descargar|obter(?: o)?|obtenha o|baixe o|pobierz(?: aplikację| program)?|hanki|získa[tť]|скачать|отримати|获取"
    rf"|取得|下载) outlook\b.{{0,20}}\b{_SYSTEMS}"
    r"|outlook (?:für|voor) (?:ios|android) (?:beziehen|herunterladen|abrufen|downloaden|ophalen).{0,10}"
    r"|az outlook beszerzése .{1,30}|(?:android|ios) için outlook.{1,20}|(?:android|ios) ?[用版용]の? ?outlook.{1,12}"
    r"|von unterwegs .{0,30}gesendet|(?:mit|von) mein\w+ .{0,50} gesendet"
    r"|diese (?:nachricht|mail|e-mail) wurde (?:von|mit|vom) .{1,80} (?:gesendet|versendet|geschickt)"
    r"|(?:私の)?(?:iphone|ipad|android(?: ?携帯)?|windows 版のメール)から送信"
    r"|(?:[发發]自|[来來]自|[从從])我的\s?\S{1,20}(?: ?[发發傳]送)?|从 windows 版邮件发送"
    r"|(?:내 ?|나의 ?)?\S{1,20}에서 보냄|\S{0,4}(?:iphone|ipad|android)\S{0,10} gönderildi"
    r"|أ?ُ?رسلت من .{1,40}|נשלח מ.{1,40}|ส่งจาก.{1,40}"
    r"|iphone|yahoo mail: .{1,60}|virus-free\. www\..{1,40}"
    r")[*_\s.>)\]|]{0,6}",
    re.IGNORECASE,
)

_SENDER = (
    r"from|von|de|da|van|från|fra|lähettäjä|od|от|от кого|від|feladó|kimden|gönderen|发件人|發件人|寄件者|差出人|送信者"
    r"|보낸 ?사람|발신|expéditeur|mittente|remetente|odosielateľ|odesílatel|nadawca|avsender|afsender"
    r"|avsändare|από|מאת|من"
    r"|người gửi|từ|dari"
)
_SENT = (
    r"sent|date|gesendet(?: am)?|datum|envoy[ée](?: le)?|enviado(?: el| em)?|enviada(?: el| em)?|fecha|data"
    r"|inviato(?: il)?"
    r"|verzonden|skickat|sendt|dato|lähetetty|päivämäärä|päiväys|wysłano|wysłane|odesláno|odoslané|дата"
    r"|отправлено|надіслано"
    r"|elküldve|küldve|dátum|gönderilme|gönderme tarihi|tarih|发送时间|发送日期|日期|寄件日期|傳送日期|日時"
    r"|送信日時|보낸 ?날짜|날짜"
    r"|trimis|ημερομηνία|נשלח|تاريخ|đã gửi|ngày|tanggal"
)
_SUBJECT = (
    r"subject|betreff|objet|asunto|assunto|oggetto|onderwerp|ämne|emne|aihe|temat|předmět|predmet|тема|tárgy|konu"
    r"|主题|主旨|主題|件名|제목|subiect|θέμα|נושא|الموضوع|chủ đề|perihal"
)
_OTHER = (
    r"to|cc|bcc|reply-to|an|kopie|à|pour|copie(?: à)?|para|a|per|aan|till|til|kopia|kopi|vastaanottaja|kopio|do"
    r"|dw|udw|komu"
    r"|кому|копия|копія|címzett|másolatot kap|kime|bilgi|收件人|抄送|收件者|副本|宛先|받는 ?사람|참조|către|προς|אל|إلى"
    r"|tới|đến|kepada|importance|priority|attachments|organization|resent-\w+|destinataire|répondre à|priorität"
    r"|wichtigkeit"
)
_HEADER_LINE = re.compile(
    rf"[\s*_|]{{0,8}}(?:(?P<sender>{_SENDER})|(?P<sent>{_SENT})|(?P<subject>{_SUBJECT})|(?P<other>{_OTHER}))"
    r"[\s*]{0,3}[:：][\s*]{0,3}\S",
    re.IGNORECASE,
)


def is_history(line: str) -> bool:
    """Tell whether *line* is a marker between a reply and what it answers, such as "----- Original Message -----"."""
    stripped = line.strip()
    key = stripped.strip(_DECORATION).casefold().rstrip(":")
    if not key or len(key) > 250:
        return False
    decorated = len(stripped) - len(key) >= 3 and stripped[0] in _DECORATION
    if decorated and (key in _HISTORY or _ON_WROTE.fullmatch(key) or _GROUPWISE.fullmatch(stripped)):
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
    dated, addressed = bool(_DATED.search(text)), bool(_ADDRESS.search(text))
    if bool(_BARE.fullmatch(text.strip())):
        return True
    if not ((":" in tail or "：" in tail) and _ENDS.search(tail)) and not tail.endswith("道"):
        return quoted_next and dated and addressed and len(text) < 160
    if not _WROTE.search(text):
        return (dated and addressed) or (quoted_next and dated and bool(_STARTS.match(text)))
    if quoted_next or (dated and (addressed or bool(_STARTS.match(text)))) or (addressed and len(text) < 200):
        return True
    return bool(_VIA.fullmatch(text) or (dated and _TIMED.search(text) and _SOMEBODY_ON.fullmatch(text)))


def header_block(lines: list[str], number: int) -> int:
    """Give how many lines a copied mail header takes that starts on line *number*, 0 when none does.

    A line that names the sender with an address counts together with one more field, one without an address with two
    more, one of which is the subject: people write "From", "To" and "Date" about journeys, too.
    """
    names: list[str] = []
    addressed = False
    last = number
    for offset, line in enumerate(lines[number : number + 12]):
        field = _HEADER_LINE.match(line[:400])
        if field is None:
            if not names or offset - (last - number) > 2 or (offset == 1 and not line.strip()):
                break
            continue
        kind = field.lastgroup or ""
        if kind in names and kind != "other":
            break
        names.append(kind)
        addressed = addressed or (kind == "sender" and bool(_ADDRESS.search(line[:400])))
        last = number + offset
    if "sender" not in names:
        return 0
    enough = len(names) >= 2 if addressed else len(names) >= (3 if "subject" in names else 4)
    return last - number + 1 if enough else 0

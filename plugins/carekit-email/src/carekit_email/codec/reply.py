"""The visible reply: what the sender wrote now, without history, signature and device line; in linear time.

Works on lines. Every pattern is tried on pieces of bounded length, so no text makes it slow. When nothing would be
left, the whole text is the reply: better too much than an empty message.
"""

from __future__ import annotations

import re

from carekit_email.codec.html import Token, as_text
from carekit_email.codec.quotes import (
    DEVICE,
    header_block,
    is_attribution,
    is_forward,
    is_history,
    opens_attribution,
)

_MAX_LINES = 20_000
_MAX_LINE = 400
_MOST_LOOKS = 1_500
_QUOTED = re.compile(r"\s{0,3}(?:>|\|\s)")
_SIGNATURE = re.compile(r"\s?--\s?|\s?[-–—_]{2}\s*")
_RULE = re.compile(r"[\s_*=~#+–—-]{3,200}")
_LINK_LINE = re.compile(r"\s*[(<\[]{0,2}https?://", re.IGNORECASE)
_LINK = re.compile(r"<(?:https?|mailto):[^<>\s]{1,300}>|\((?:https?|mailto):[^()\s]{1,300}\)")
_LIST_FOOTER = re.compile(
    r"mailing list|unsubscribe|reply to this e-?mail|visit (?:topic|message)|view it on", re.IGNORECASE
)
_CONTACT = re.compile(r"\S@\S|www\.|https?://|\+?\(?\d[\d ()./-]{6,}\d")
_DASHED_NAME = re.compile(r"[-~–—]{1,2} ?[A-ZÀ-ÝА-Я]\w{0,20}\.?(?: [A-ZÀ-ÝА-Я]\w{0,20}\.?){0,2}")
_WRAPPED = 6
_FEW = 6
_PRODUCT = re.compile(r"iphon|ipad|android|blackberry|outlook|samsung|galaxy|windows|yahoo", re.IGNORECASE)
_DASHES = frozenset("–—")
_ENDING = re.compile(r"[：道]|GMT|[Pp]osted by|wrote|schrieb|écrit|escribió")
_DATED_START = re.compile(r"\W{0,4}(?:On|At|Am|Le|El|Em|Il|Op|Den) .{0,30}\d.{0,60}(?:$|[<\[])")
_BRACKET_END = re.compile(r">\s?(?:wrote|schrieb|a écrit|escribió|ha scritto|escreveu|skrev)\s?:")
_QUOTE_CLASS = re.compile(
    r'class="[^"]*(?:gmail_quote(?!_container)|gmail_attr|yahoo_quoted|protonmail_quote|moz-cite-prefix|zmail_extra'
    r"|tutanota_quote|OutlookMessageHeader|freshdesk_quote|front-blockquote|helpscout-quote|cm_quote|hs_reply)\b"
    r'|type="cite"|id="[^"]*(?:divRplyFwdMsg|appendonsend|OLK_SRC_BODY_SECTION|yahoo_quoted|mail-editor-reference-message'
    r"|ms-outlook-mobile-reference-message|reply-intro|stopSpelling|replySplit)"
    r'|name="(?:messageReplySection|quoted-content|quote)"|data-marker="__(?:DIVIDER|QUOTED_TEXT)__'
    r'|style="[^"]*border:\s*none;\s*border-top:\s*solid\s*(?:#?(?:B5C4DF|E1E1E1)|windowtext)'
    r'|style="[^"]*border-top-style:\s*solid',
    re.IGNORECASE,
)
_QUOTE_TO_END = re.compile(
    r"divRplyFwdMsg|appendonsend|border-top|OutlookMessageHeader|mail-editor-reference|gmail_attr|moz-cite|stopSpelling"
    r"|replySplit|DIVIDER",
    re.IGNORECASE,
)


def visible_reply(text: str, html: list[Token]) -> str:
    """Give what was written now; *html* are the tokens of the body of a mail without plain text, else []."""
    kept = _without_quoted_elements(html)
    if len(kept) < len(html):
        text = as_text(kept).strip() or text
    return plain_reply(text)


def plain_reply(text: str) -> str:
    """Give the visible reply of plain *text*, the whole text when nothing else is left."""
    lines, code = _without_code(_own_lines(text))
    forwarded = next((number for number, line in enumerate(lines) if is_forward(line[:_MAX_LINE])), None)
    end = _end_of_reply(lines if forwarded is None else lines[:forwarded])
    kept = lines if forwarded is not None and end == forwarded else lines[:end]
    reply = "\n".join(code.get(line, line) for line in _written(kept))
    return re.sub(r"\n{3,}", "\n\n", reply).strip() or text.strip()


def _own_lines(text: str) -> list[str]:
    """Split *text*, putting an attribution that shares its line with the end of the reply on a line of its own."""
    lines: list[str] = []
    for line in text.split("\n")[:_MAX_LINES]:
        line = line.rstrip()
        start = line.rfind(" On ") if line.endswith(":") and len(line) < _MAX_LINE else -1
        if start > 0 and not _QUOTED.match(line) and is_attribution(line[start + 1 :], quoted_next=False):
            lines.append(line[:start])
            line = line[start + 1 :]
        lines.append(line)
    return lines


def _without_code(lines: list[str]) -> tuple[list[str], dict[str, str]]:
    """Give the lines with those between two fences (```) replaced by stand-ins, and what these stand for."""
    fences = [number for number, line in enumerate(lines) if line.startswith("```")]
    code: dict[str, str] = {}
    for first, last in zip(fences[::2], fences[1::2], strict=False):
        for number in range(first + 1, last):
            stand_in = f"\x00{number}"  # no text has a NUL any more
            code[stand_in], lines[number] = lines[number], stand_in
    return lines, code


def _end_of_reply(lines: list[str]) -> int:
    """Give the number of the line where history starts for good: nothing the sender wrote follows it."""
    last_own = _last_own_line(lines)
    hints = _hints(lines)
    quoted = (number for number in range(len(lines) - 1, -1, -1) if _QUOTED.match(lines[number]))
    last_quoted = next(quoted, -1)
    for number, line in enumerate(lines):
        piece = line[:_MAX_LINE]
        if not piece.strip():
            continue
        if is_history(piece) or (hints[number] and not _QUOTED.match(piece) and header_block(lines, number)):
            return _before_rule(lines, number)
        size = attribution_size(lines, number) if hints[number] else 0
        if size and (last_own < number + size or last_quoted < number + size):
            return number
    return len(lines)


def _last_own_line(lines: list[str]) -> int:
    """Give the number of the last line that is neither blank nor quoted nor part of a signature under a quotation."""
    end = len(lines)
    for number in range(len(lines) - 1, max(-1, len(lines) - 15), -1):
        if _SIGNATURE.fullmatch(lines[number][:_MAX_LINE]):
            end = number
            break
    own = (number for number in range(end - 1, -1, -1) if lines[number].strip() and not _QUOTED.match(lines[number]))
    return next(own, -1)


def _hints(lines: list[str]) -> list[bool]:
    """Tell for each line whether an attribution or a header may start on it: whether it is worth a closer look.

    One of the next few lines must have what every one of them has. There are at most so many closer looks that no text
    takes long: history that begins behind hundreds of lines full of colons stays in the reply.
    """
    marked = [":" in line or "@" in line or bool(_ENDING.search(line[-_MAX_LINE:])) for line in lines]
    found = [False] * len(lines)
    last = len(lines) + _WRAPPED
    for number in range(len(lines) - 1, -1, -1):
        last = number if marked[number] else last
        found[number] = last - number < _WRAPPED
    looks = 0
    for number, hint in enumerate(found):
        looks += hint
        found[number] = hint and looks <= _MOST_LOOKS
    return found


def attribution_size(lines: list[str], number: int) -> int:
    """Give over how many lines an attribution ("On … wrote:") that starts here is wrapped, 0 when none does."""
    if not lines[number].strip() or _QUOTED.match(lines[number]):
        return 0
    joined = ""
    for size in range(1, _WRAPPED + 1):
        if number + size > len(lines):
            return 0
        piece = lines[number + size - 1].strip()
        if size > 1 and not _continues(piece, joined):
            return 0
        joined = f"{joined} {piece}".strip()
        if len(joined) > _MAX_LINE:
            return 0
        if piece and is_attribution(joined, quoted_next=_quoted_follows(lines, number + size)):
            ends = number + size < len(lines) and _BRACKET_END.match(lines[number + size].strip())
            return size + 1 if ends else size
        if not opens_attribution(joined):
            return 0
    return 0


def _continues(piece: str, before: str) -> bool:
    """Tell whether *piece* can go on with the attribution begun by *before*; some programs break it at brackets."""
    if not piece:
        return bool(_DATED_START.match(before))  # Polymail breaks it with blank lines
    return not _QUOTED.match(piece) or bool(_BRACKET_END.match(piece))


def _quoted_follows(lines: list[str], number: int) -> bool:
    for line in lines[number : number + 3]:
        if line.strip():
            return bool(_QUOTED.match(line))
    return False


def _before_rule(lines: list[str], number: int) -> int:
    """Step back over the blank and ruled lines in front of a history marker."""
    while number and (not lines[number - 1].strip() or _RULE.fullmatch(lines[number - 1][:200])):
        number -= 1
    return number


def _written(lines: list[str]) -> list[str]:
    """Drop signature, footer and quotations of what is left when the history is gone."""
    return _without_dashed_name(_without_quotes(_without_trailer(lines)))


def _without_quotes(lines: list[str]) -> list[str]:
    """Drop quotations, unless answers stand between them: what these answer must then stay readable."""
    first = next((line for line in lines if line.strip()), "")
    if _QUOTED.match(first) or _answers_between(lines):
        return lines[: _last_own_line(lines) + 1]
    kept: list[str] = []
    hints = _hints(lines)
    number = 0
    while number < len(lines):
        size = attribution_size(lines, number) if hints[number] else 0
        if size and _quoted_follows(lines, number + size):
            number += size
            continue
        if not _QUOTED.match(lines[number]):
            kept.append(lines[number])
        number += 1
    return kept


def _answers_between(lines: list[str]) -> bool:
    """Tell whether the writer's own lines stand between quoted ones, or a line or two only look quoted.

    A long link breaks out of a quotation; it is nobody's answer.
    """
    blocks: list[str] = []
    quoted = 0
    for line in lines:
        if not line.strip() or _LINK_LINE.match(line):
            continue
        kind = "quoted" if _QUOTED.match(line) else "own"
        quoted += kind == "quoted"
        if not blocks or blocks[-1] != kind:
            blocks.append(kind)
    if blocks.count("quoted") > 1:
        return True
    return (
        0 < quoted <= 2
        and blocks[-1] == "own"
        and not any(attribution_size(lines, number) for number, hint in enumerate(_hints(lines)) if hint)
    )


def _without_trailer(lines: list[str]) -> list[str]:
    """Drop what follows a signature's delimiter, a device line or a list's footer: programs put these last."""
    cut = next((number for number in range(1, len(lines)) if _ends_text(lines, number)), len(lines))
    return lines[:cut]


def _ends_text(lines: list[str], number: int) -> bool:
    """Tell whether a signature, a device line or a mailing list's footer starts on this line."""
    line = lines[number][:_MAX_LINE]
    if not line.strip():
        return False
    if _SIGNATURE.fullmatch(line):
        return True
    if line.strip() in _DASHES or DEVICE.fullmatch(_LINK.sub(" ", line).strip()):
        return _is_last(lines[number + 1 :], apart=line.strip() not in _DASHES and not _PRODUCT.search(line))
    return bool(_RULE.fullmatch(line)) and _is_footer(
        [after for after in lines[number + 1 : number + 16] if after.strip()]
    )


def _is_last(after: list[str], *, apart: bool) -> bool:
    """Tell whether a line after which these come is at the end; people begin sentences with such words, too.

    With *apart*, it must end its paragraph.
    """
    if apart and after and after[0].strip() and not (_QUOTED.match(after[0]) or _SIGNATURE.fullmatch(after[0][:400])):
        return bool(DEVICE.fullmatch(after[0][:_MAX_LINE].strip()) or _RULE.fullmatch(after[0][:200]))
    return sum(bool(line.strip()) and not _QUOTED.match(line) for line in after[:200]) <= _FEW


def _is_footer(after: list[str]) -> bool:
    """Tell whether the few lines under a rule are a card or a list's footer, not more of the text."""
    if len(after) > 12 or not after:
        return False
    joined = " ".join(line[:200] for line in after)
    if _LIST_FOOTER.search(joined[:600]):
        return True
    return len(after) <= 8 and max(map(len, after)) <= 70 and bool(_CONTACT.search(joined)) and "?" not in joined


def _without_dashed_name(lines: list[str]) -> list[str]:
    """Drop a last line that is a name after a dash: an old way to sign."""
    last = next((number for number in range(len(lines) - 1, 0, -1) if lines[number].strip()), 0)
    if last and not lines[last - 1].strip() and _DASHED_NAME.fullmatch(lines[last].strip()):
        return lines[:last]
    return lines


def _without_quoted_elements(pieces: list[Token]) -> list[Token]:
    """Give HTML without the elements that mail programs put history in."""
    kept: list[Token] = []
    skipping, depth, begun = "", 0, False
    for number, (kind, tag, attributes) in enumerate(pieces):
        if skipping:
            if tag == skipping and kind != "text":
                depth += 1 if kind == "open" else -1
                skipping = skipping if depth else ""
            continue
        if kind == "open" and len(attributes) > 6 and (found := _QUOTE_CLASS.search(attributes[:2_000])):
            if begun and _QUOTE_TO_END.search(found.group()):
                break
            if not _holds_forward(pieces, number + 1):
                skipping, depth = (tag, 1) if tag not in {"br", "hr", "img"} else ("", 0)
                continue
        begun = begun or (kind == "text" and bool(tag.strip()))
        kept.append((kind, tag, attributes))
    return kept


def _holds_forward(pieces: list[Token], number: int) -> bool:
    """Tell whether what stands first from *number* on introduces a forwarded message, which stays readable."""
    texts = (value for kind, value, _ in pieces[number : number + 20] if kind == "text" and value.strip())
    return is_forward(next(texts, "").strip()[:_MAX_LINE])

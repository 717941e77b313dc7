"""The visible reply: what the sender wrote now, without history, signature and device line; in linear time.

Works on lines. Every pattern is tried on pieces of bounded length, so no text makes it slow. When nothing would be
left, the whole text is the reply: better too much than an empty message.
"""

from __future__ import annotations

import re

from carekit_email.codec.html import as_text, marked_up, tokens
from carekit_email.codec.quotes import (
    DEVICE,
    is_attribution,
    is_forward,
    is_header_block,
    is_history,
    opens_attribution,
)

_MAX_LINES = 20_000
_MAX_LINE = 400
_QUOTED = re.compile(r"\s{0,3}(?:>|\|\s)")
_SIGNATURE = re.compile(r"\s?--\s?|\s?[-–—_]{2}\s*")
_RULE = re.compile(r"[\s_*=-]{10,200}")
_WRAPPED = 4
_QUOTE_CLASS = re.compile(
    r'class="[^"]*\b(?:gmail_quote(?!_container)|gmail_attr|yahoo_quoted|protonmail_quote|moz-cite-prefix|zmail_extra|tutanota_quote|OutlookMessageHeader)\b'
    r'|type="cite"|id="[^"]*(?:divRplyFwdMsg|appendonsend|OLK_SRC_BODY_SECTION|yahoo_quoted|mail-editor-reference-message|reply-intro)'
    r'|style="[^"]*border:\s*none;\s*border-top:\s*solid\s*#?(?:B5C4DF|E1E1E1)',
    re.IGNORECASE,
)
_QUOTE_TO_END = re.compile(
    r"divRplyFwdMsg|appendonsend|border-top|OutlookMessageHeader|mail-editor-reference|gmail_attr|moz-cite",
    re.IGNORECASE,
)


def visible_reply(text: str, html: str, html_limit: int) -> str:
    """Give what was written now; *html* is the body of a mail without plain text, else ""."""
    if html:
        without = _without_quoted_elements(html, html_limit)
        text = without if without.strip() else text
    return plain_reply(text)


def plain_reply(text: str) -> str:
    """Give the visible reply of plain *text*, the whole text when nothing else is left."""
    lines = _own_lines(text)
    forwarded = next((number for number, line in enumerate(lines) if is_forward(line[:_MAX_LINE])), None)
    end = _end_of_reply(lines if forwarded is None else lines[:forwarded])
    kept = lines if forwarded is not None and end == forwarded else lines[:end]
    reply = "\n".join(_without_trailer(_without_quotes(kept)))
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


def _end_of_reply(lines: list[str]) -> int:
    """Give the number of the line where history starts for good: nothing the sender wrote follows it."""
    last_own = _last_own_line(lines)
    for number, line in enumerate(lines):
        piece = line[:_MAX_LINE]
        if is_history(piece) or is_header_block(lines, number):
            return _before_rule(lines, number)
        size = attribution_size(lines, number)
        if size and (last_own < number + size or not any(_QUOTED.match(line) for line in lines[number:])):
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


def attribution_size(lines: list[str], number: int) -> int:
    """Give over how many lines an attribution ("On … wrote:") that starts here is wrapped, 0 when none does."""
    if not lines[number].strip() or _QUOTED.match(lines[number]):
        return 0
    joined = ""
    for size in range(1, _WRAPPED + 1):
        if number + size > len(lines):
            return 0
        piece = lines[number + size - 1].strip()
        if len(joined) + len(piece) > _MAX_LINE or (size > 1 and (not piece or _QUOTED.match(piece))):
            return 0
        joined = f"{joined} {piece}".strip()
        if is_attribution(joined, quoted_next=_quoted_follows(lines, number + size)):
            return size
        if not opens_attribution(joined):
            return 0
    return 0


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


def _without_quotes(lines: list[str]) -> list[str]:
    first = next((line for line in lines if line.strip()), "")
    if _QUOTED.match(first):
        return lines[: _last_own_line(lines) + 1]  # a quotation nothing introduces was put there to be read
    kept: list[str] = []
    number = 0
    while number < len(lines):
        size = attribution_size(lines, number)
        if size and _quoted_follows(lines, number + size):
            number += size
            continue
        if not _QUOTED.match(lines[number]):
            kept.append(lines[number])
        number += 1
    return kept


def _without_trailer(lines: list[str]) -> list[str]:
    """Drop what follows a signature's delimiter, a device line or a list's footer: programs put these last."""
    cut = next((number for number in range(1, len(lines)) if _ends_text(lines, number)), len(lines))
    return lines[:cut]


def _ends_text(lines: list[str], number: int) -> bool:
    """Tell whether a signature, a device line or a mailing list's footer starts on this line."""
    line = lines[number][:_MAX_LINE]
    if _SIGNATURE.fullmatch(line) or DEVICE.fullmatch(line):
        return True
    footer = " ".join(after[:_MAX_LINE] for after in lines[number + 1 : number + 3])
    return "mailing list" in footer and bool(_RULE.fullmatch(line))


def _without_quoted_elements(html: str, limit: int) -> str:
    """Render HTML without the elements that mail programs put history in."""
    pieces = tokens(marked_up(html, limit))
    kept: list[tuple[str, str, str]] = []
    skipping, depth, begun = "", 0, False
    for kind, tag, attributes in pieces:
        if skipping:
            if tag == skipping and kind != "text":
                depth += 1 if kind == "open" else -1
                skipping = skipping if depth else ""
            continue
        if kind == "open" and _QUOTE_CLASS.search(attributes[:2_000]):
            if begun and _QUOTE_TO_END.search(attributes[:2_000]):
                break
            skipping, depth = (tag, 1) if tag not in {"br", "hr", "img"} else ("", 0)
            continue
        begun = begun or (kind == "text" and bool(tag.strip()))
        kept.append((kind, tag, attributes))
    return as_text(kept)

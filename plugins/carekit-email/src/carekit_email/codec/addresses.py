"""Address lists of real headers in one linear scan: groups, comments, quotes that never close, encoded words."""

from __future__ import annotations

import re

from attrs import frozen

from carekit_email.codec.words import ENCODED_WORD, decode_words, header_safe, raw_text

_BARE = re.compile(r"(?:\"[^\"\x00-\x1f]{1,64}\"|[^\s<>()\[\]\",;:@\\]{1,256})@[^\s<>()\",;:@\\]{1,255}")
_AROUND = re.compile(r"[ \t]*([@.])[ \t]*")
_TRIM = " \t'\"<>"
_SIMPLE = re.compile(  # nine of ten: a name without anything special, and an address
    r"\s*(?:(\"[^\x00-\x1f\"\\=\x7f-\U0010ffff]{1,200}\"|[\w .'!&/+-]{0,200})\s*"
    r"<([\w.+'/&%!-]{1,64}@[A-Za-z0-9.-]{1,255})>"
    r"|([\w.+/&%!-]{1,64}@[A-Za-z0-9.-]{1,255}))\s*",
    re.ASCII,
)
_COMMENT_LEVELS = 1_000


@frozen
class Mailbox:
    """A display name (decoded, "" if none) and an address ("" if none)."""

    name: str
    address: str


def mailboxes(value: str, limit: int, guess: str | None = None) -> tuple[Mailbox, ...]:
    """Give at most *limit* mailboxes of an address header, decoded; never raises. *guess*: a charset for raw bytes."""
    text = value.replace("\r", "").replace("\n", "") if "\n" in value or "\r" in value else value
    if limit and (simple := _SIMPLE.fullmatch(text)):
        name, address, bare = simple.groups()
        return (Mailbox(header_safe((name or "").strip(" \t'\"")), (address or bare).strip(".'")),)
    if "=?" not in text:
        text = raw_text(text, guess)
    found: list[Mailbox] = []
    for item in _items(text, limit * 4):
        box = _mailbox(item)
        if box.address or box.name:
            found.append(box)
        if len(found) >= limit:
            break
    return tuple(found)


@frozen
class _Item:
    """One list item as scanned: words outside brackets, quoted strings and comments apart from each other."""

    phrase: str
    comment: str
    angle: str | None


def _items(text: str, limit: int) -> list[_Item]:
    quotes = text.count('"') - text.count('\\"')
    return _Scanner(text, quoted=quotes > 1, limit=limit).run()


class _Scanner:
    """One pass over an address list; `quoted` is off when the quotes of the value cannot be matched."""

    def __init__(self, text: str, quoted: bool, limit: int) -> None:
        self.text = text
        self.quoted = quoted
        self.limit = limit
        self.items: list[_Item] = []
        self.phrase: list[str] = []
        self.comment: list[str] = []
        self.angle: list[str] | None = None
        self.level = 0
        self.in_angle = self.in_quotes = False

    def run(self) -> list[_Item]:
        """Give the items of the list."""
        position = 0
        while position < len(self.text) and len(self.items) < self.limit:
            char = self.text[position]
            word = ENCODED_WORD.match(self.text, position) if char == "=" else None
            if word is not None:  # what it hides (colons, commas) is not structure
                self._keep(word.group())
                position = word.end()
                continue
            if char == "\\" and (self.in_quotes or self.level):
                position += 1
                self._keep(self.text[position : position + 1])
            else:
                self._take(position, char)
            position += 1
        self._flush()
        return self.items

    def _take(self, position: int, char: str) -> None:
        if self.in_quotes:
            if char == '"':
                self.in_quotes = False
            else:
                self._keep(char)
        elif self.level:
            self._in_comment(char)
        elif self.in_angle:
            if char == ">":
                self.in_angle = False
            else:
                self._keep(char)
        else:
            self._outside(position, char)

    def _in_comment(self, char: str) -> None:
        if char == ")":
            self.level -= 1
        elif char == "(" and self.level < _COMMENT_LEVELS:
            self.level += 1
        self.comment.append(char if self.level else " ")

    def _outside(self, position: int, char: str) -> None:
        if char == '"' and self.quoted and self.text.find('"', position + 1) > 0:
            self.in_quotes = True
        elif char == "(":
            self.level = 1
        elif char == "<" and self.angle is None:
            self.angle, self.in_angle = [], True
        elif char in ",;":
            self._flush()
        elif char == ":" and self.angle is None and "@" not in self.phrase:
            self.phrase.clear()  # the name of a group is nobody's
        else:
            self.phrase.append(char)

    def _keep(self, char: str) -> None:
        target = self.comment if self.level else self.angle if self.in_angle and self.angle is not None else self.phrase
        target.append(char)

    def _flush(self) -> None:
        angle = None if self.angle is None else "".join(self.angle)
        item = _Item("".join(self.phrase), "".join(self.comment), angle)
        if item.phrase.strip() or item.angle or item.comment.strip():
            self.items.append(item)
        self.phrase, self.comment, self.angle = [], [], None
        self.level, self.in_angle, self.in_quotes = 0, False, False


def _mailbox(item: _Item) -> Mailbox:
    phrase = decode_words(item.phrase)
    address = _address(item.angle if item.angle is not None else "")
    if not address:
        address = _address(phrase) or _address(decode_words(item.angle or ""))
        if address:
            phrase = _AROUND.sub(r"\1", phrase).replace(address, " ")
    phrase = phrase.strip(_TRIM)
    if address and not phrase:
        phrase = decode_words(item.comment).strip(_TRIM)
    return Mailbox(header_safe(phrase), address)


def _address(text: str) -> str:
    text = text.strip().strip("<>").strip()
    if text.lower().startswith("mailto:"):
        text = text[7:]
    found = _BARE.search(_AROUND.sub(r"\1", text[:65_536]) if text.count("@") == 1 else text[:65_536])
    return found.group().strip(".'") if found else ""

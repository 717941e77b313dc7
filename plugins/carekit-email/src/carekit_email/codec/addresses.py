"""Address lists of real headers in one linear scan: groups, comments, quotes that never close, encoded words."""

from __future__ import annotations

import re

from attrs import frozen

from carekit_email.codec.words import ENCODED_WORD, decode_words, header_safe, raw_text

_BARE = re.compile(r"(?:\"[^\"\x00-\x1f]{1,64}\"|[^\s<>()\[\]\",;:@\\]{1,256})@[^\s<>()\",;:@\\]{1,255}")
_AROUND = re.compile(r"[ \t]*([@.])[ \t]*")
_MAILTO = re.compile(r"mailto:(?=[\s\]]*$)", re.IGNORECASE)
_TRIM = " \t'\"<>"
_EMPTY = re.compile(r"\[\s*\]")
_SIMPLE = re.compile(  # nine of ten: a name without anything special, and an address
    r"\s*(?:(\"[^\x00-\x1f\"\\=\x7f-\U0010ffff]{1,200}\"|[\w .'!&/+-]{0,200})\s*"
    r"<([\w.+'/&%!-]{1,64}@[A-Za-z0-9.-]{1,255})>"
    r"|([\w.+/&%!-]{1,64}@[A-Za-z0-9.-]{1,255}))\s*",
    re.ASCII,
)
_COMMENT_LEVELS = 1_000
_LONGEST_COMMENT = 300


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
    names: list[str] = []  # words that no address has followed yet: the commas behind them should have been quoted
    for item in _items(text, limit * 4):
        box = _mailbox(item)
        if item.apart or (box.address and not box.name):
            found += [Mailbox(name, "") for name in names]
            names = []
        if box.address:
            found.append(Mailbox(", ".join([*names, box.name]), box.address))
            names = []
        elif box.name:
            names.append(box.name)
        if len(found) > limit:
            break
    return tuple([*found, *(Mailbox(name, "") for name in names)][:limit])


@frozen
class _Item:
    """One list item as scanned: words before the brackets, comments, what the brackets hold, words after them.

    `apart` says that it cannot be the rest of the item before it: no single comma is between them.
    """

    phrase: str
    comment: str
    angle: str | None
    after: str
    apart: bool


def _items(text: str, limit: int) -> list[_Item]:
    quotes = text.count('"') - text.count('\\"')
    return _Scanner(text, quoted=quotes > 1, limit=limit).run()


class _Scanner:
    """One pass over an address list; `quoted` is off when the quotes of the value cannot be matched."""

    def __init__(self, text: str, quoted: bool, limit: int) -> None:
        self.text = text
        self.quoted = quoted
        self.grouped = ";" in text
        self.limit = limit
        self.items: list[_Item] = []
        self.before: list[str] = []
        self.comment: list[str] = []
        self.angle: list[str] | None = None
        self.after: list[str] = []
        self.level = 0
        self.in_angle = self.in_quotes = self.in_local = self.apart = False

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
                if self.in_local:
                    self._keep(char)
                self.in_quotes = self.in_local = False
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
        if char == '"' and self.quoted and (end := self.text.find('"', position + 1)) > 0:
            self.in_quotes = True
            self.in_local = self.text[end + 1 : end + 2] == "@"  # quotes that belong to an address
            if self.in_local:
                self._keep(char)
        elif char == "(":
            self.level = 1
        elif char == "<":
            if self.angle is not None:  # the comma between two mailboxes was forgotten
                words, self.after = self.after, []
                self._flush(apart=True)
                self.before = words
            self.angle, self.in_angle = [], True
        elif char in ",;":
            self._flush(apart=char == ";")
        elif char == ":" and self.grouped and self.angle is None and "@" not in self.before:
            self.before.clear()  # the name of a group is nobody's
            self.apart = True
        else:
            self._keep(char)

    def _keep(self, char: str) -> None:
        if self.level:
            self.comment.append(char)
        elif self.angle is None:
            self.before.append(char)
        else:
            (self.angle if self.in_angle else self.after).append(char)

    def _flush(self, *, apart: bool = False) -> None:
        angle = None if self.angle is None else "".join(self.angle)
        item = _Item("".join(self.before), "".join(self.comment), angle, "".join(self.after), self.apart)
        if item.phrase.strip() or item.angle or item.comment.strip():
            self.items.append(item)
        self.before, self.comment, self.angle, self.after = [], [], None, []
        self.apart = apart
        self.level, self.in_angle, self.in_quotes = 0, False, False


def _mailbox(item: _Item) -> Mailbox:
    phrase = decode_words(item.phrase)
    address = _address(item.angle if item.angle is not None else "")
    if not address:
        address = _address(phrase) or _address(decode_words(item.angle or ""))
        if address:
            phrase = _MAILTO.sub("", _AROUND.sub(r"\1", phrase).replace(address, " "))
    comment = decode_words(item.comment)
    if not address and len(comment) < _LONGEST_COMMENT:
        address = _address(comment)
        comment = comment.replace(address, " ") if address else comment
    names = (_EMPTY.sub("", one).strip(_TRIM) for one in (phrase, comment if address else "", decode_words(item.after)))
    return Mailbox(header_safe(next((one for one in names if one), "")), address)


def _address(text: str) -> str:
    text = text.strip().strip("<>").strip()
    if text.lower().startswith("mailto:"):
        text = text[7:]
    text = text[:65_536]
    if "@" not in text:
        return ""
    found = _BARE.search(_AROUND.sub(r"\1", text) if text.count("@") == 1 else text)
    if found is None:
        return ""
    address = found.group().strip(".'")
    return address.rstrip("]") if "[" not in address else address

"""Bytes to text whatever the mail claims: declared charset, its superset, UTF-8, detection, and never an exception."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

# What mail programs declare and what they mean: the WHATWG encoding standard's supersets, plus names seen in the wild.
_MEANS = {
    "ascii": "utf-8", "us-ascii": "utf-8", "ansi_x3.4-1968": "utf-8", "646": "utf-8",
    "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "iso-8859-9": "cp1254",
    "iso-8859-8-i": "cp1255", "iso-8859-8-e": "cp1255", "iso-8859-8": "cp1255", "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "cp936": "gb18030", "gb_2312-80": "gb18030",
    "euc-cn": "gb18030",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932",
    "ms_kanji": "cp932",
    "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949", "ksc5601": "cp949", "euc-kr": "cp949", "cseuckr": "cp949",
    "5601": "cp949",
    "iso-2022-jp": "iso2022_jp_ext", "cp50220": "iso2022_jp_ext", "cp50221": "iso2022_jp_ext",
    "big5": "cp950", "x-x-big5": "cp950", "unicode-1-1-utf-8": "utf-8", "utf8": "utf-8", "unicode-1-1-utf-7": "utf-7",
    "cp-850": "cp850", "dos-850": "cp850", "x-mac-roman": "mac_roman", "macintosh": "mac_roman",
    "windows-1252http-equivcontent-type": "cp1252",
}  # fmt: skip
# Text codecs of Python that are no charset of mail: they unescape, fail on purpose or can take very long.
_REFUSED = frozenset({"undefined", "unicode_escape", "raw_unicode_escape", "idna", "punycode", "mbcs", "oem"})
_NAME = re.compile(r"[A-Za-z0-9_.:+-]{2,40}")
_SAMPLE = 8_192


def known_charset(declared: str | None) -> str | None:
    """Give Python's name of the charset *declared* stands for, or None when it is no charset of text."""
    found = _NAME.search((declared or "").strip().strip("\"'"))
    if found is None:
        return None
    name = found.group().lower()
    name = _MEANS.get(name, _MEANS.get(name.replace("_", "-"), name))
    try:
        info = codecs.lookup(name)
        "".encode(info.name)
    except (LookupError, ValueError, ImportError, UnicodeError):
        return None
    return None if info.name.replace("-", "_") in _REFUSED else info.name


def to_text(raw: bytes, declared: str | None = None, guess: str | None = None) -> str:
    """Decode *raw*, believing *declared* only if it fits; NULs and a byte order mark are dropped.

    *guess* is a charset that the rest of the mail uses: tried after UTF-8, before detection.
    """
    if raw.isascii() and b"\x1b" not in raw and known_charset(declared) not in {"utf-7", "hz"}:
        utf16 = _utf16(raw)
        return (raw.decode("ascii") if utf16 is None else utf16).replace("\x00", "")
    charset = known_charset(declared)
    candidates = [charset] if charset else []
    if b"\x1b$" in raw or b"\x1b(" in raw:
        candidates.append("iso2022_jp_ext")
    guessed = known_charset(guess)
    for name in [*candidates, "utf-8", *([guessed] if guessed else [])]:
        text = _strict(raw, name)
        if text is not None:
            return text
    return _detected(raw, charset)


def _strict(raw: bytes, charset: str) -> str | None:
    try:
        text = raw.decode(charset)
    except (LookupError, ValueError, AssertionError):
        return None
    return text.lstrip("\ufeff").replace("\x00", "")


def _utf16(raw: bytes) -> str | None:
    """ASCII text in UTF-16 is ASCII bytes with every other one zero; nothing else looks like that."""
    if len(raw) < 4 or len(raw) % 2:
        return None
    if not any(raw[0::2]):
        return _strict(raw, "utf-16-be")
    return _strict(raw, "utf-16-le") if not any(raw[1::2]) else None


def _detected(raw: bytes, declared: str | None) -> str:
    if declared and declared != "utf-8":
        lenient = raw.decode(declared, "replace")
        if lenient.count("\ufffd") <= max(2, len(lenient) // 50):
            return lenient.replace("\x00", "")
    lenient = raw.decode("utf-8", "replace")
    if lenient.count("\ufffd") <= len(re.findall(rb"[\xc2-\xf4][\x80-\xbf]", raw[:_SAMPLE])) // 2:
        return lenient.replace("\x00", "")
    text = _strict(raw, _likely(raw[:_SAMPLE]))
    return text if text is not None else raw.decode("cp1252", "replace").replace("\x00", "")


def _likely(sample: bytes) -> str:
    """Guess the charset of 8-bit text that is not UTF-8.

    Lone high bytes among ASCII letters are a Western language. A short run of them is too little for statistics; the
    two Cyrillic charsets have their small letters in different halves of the upper range.
    """
    high = re.sub(rb"[\x00-\x7f]+", b"", sample)
    letters = re.sub(rb"[^A-Za-z]+", b"", sample)
    if len(high) * 2 <= len(letters) and not re.search(rb"[\x80-\xff]{4}", sample):
        return "cp1252"
    if len(high) < 64 and not re.search(rb"[\x80-\xbf]", high):
        return "koi8-r" if sum(byte < 0xE0 for byte in high) * 2 > len(high) else "cp1251"
    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"

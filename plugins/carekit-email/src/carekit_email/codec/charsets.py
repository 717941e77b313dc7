"""Bytes to text whatever the mail claims: declared charset, its superset, UTF-8, detection, and never an exception."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

# What mail programs declare and what they mean: the WHATWG encoding standard's supersets, plus names seen in the wild.
# Names are looked up in lower case, without "x-" or "cs" in front, with dashes for underscores, and as `_plain` has it.
_MEANS = {
    "ascii": "utf-8", "us-ascii": "utf-8", "ansi-x3.4-1968": "utf-8", "646": "utf-8", "ansi": "cp1252",
    "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "iso-8859-9": "cp1254",
    "iso-8859-8-i": "cp1255", "iso-8859-8-e": "cp1255", "iso-8859-8": "cp1255", "iso-8859-11": "cp874",
    "iso-8859-6-i": "iso8859_6", "iso-8859-6-e": "iso8859_6", "tis-620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "cp936": "gb18030", "gb-2312-80": "gb18030", "euc-cn": "gb18030",
    "cn-gb": "gb18030", "chinese": "gb18030",
    "shift-jis": "cp932", "sjis": "cp932", "ms-kanji": "cp932", "shiftjis": "cp932",
    "windows-31j": "cp932",
    "ks-c-5601-1987": "cp949", "ks-c-5601": "cp949", "ksc5601": "cp949", "euc-kr": "cp949", "euckr": "cp949",
    "5601": "cp949", "korean": "cp949",
    "iso-2022-jp": "iso2022_jp_ext", "cp50220": "iso2022_jp_ext", "cp50221": "iso2022_jp_ext",
    "cp50222": "iso2022_jp_ext", "iso2022jp": "iso2022_jp_ext",
    "big5": "cp950", "x-big5": "cp950", "chinesebig5": "cp950", "cn-big5": "cp950",
    "unicode-1-1-utf-8": "utf-8", "utf8": "utf-8", "unicode-1-1-utf-7": "utf-7", "koi8": "koi8-r", "koi8r": "koi8-r",
    "mac-roman": "mac_roman", "macintosh": "mac_roman", "cp1252http-equivcontent-type": "cp1252",
}  # fmt: skip
_PAGE = re.compile(r"(?:windows|win|cp|dos|ibm|msdos)-?(\d{3,5})(?!\d)")
_ISO = re.compile(r"(?:iso)?-?8859-?(\d{1,2})(?!\d)")
# Text codecs of Python that are no charset of mail: they unescape, fail on purpose or can take very long.
_REFUSED = frozenset({"undefined", "unicode_escape", "raw_unicode_escape", "idna", "punycode", "mbcs", "oem"})
_NAME = re.compile(r"[A-Za-z0-9_.:+-]{2,40}")
_SAMPLE = 8_192
_PAIR = re.compile(rb"([\x81-\xfe])[\x40-\xfe]")
_BEYOND = re.compile(rb"[\x80-\xff]")
_LETTER = re.compile(rb"[A-Za-z]")
_JIS_RUN = re.compile(rb"(\x1b\$[@B]|\x1b\([BJI]|\A)([^\x1b]*)")
_READABLE = 0.7
_ODD_CAPITAL = re.compile(r"[а-яёα-ω][А-ЯЁΑ-Ω]")
_TYPED = "«»„“”‘’–—…•€©®°§№\xa0"
# The letters beyond ASCII that languages of each charset use: those of most words first, then the others.
_LATIN = {
    "cp1252": ("àâäáãåæçèéêëìíîïñòóôõöøùúûüÿßœÀÂÄÁÃÅÆÇÈÉÊËÍÎÑÓÔÕÖØÚÛÜŒ¿¡ªº´`", "ðþýÐÞÝ"),
    "cp1254": ("çğıöşüâîûÇĞİÖŞÜ", ""),
    "cp1250": ("ąćęłńóśźżáčďéěíňřšťúůýžäôľĺŕöüőűăâîşţëßĄĆĘŁŃÓŚŹŻÁČĎÉĚÍŇŘŠŤÚŮÝŽÄÖÜŐŰ", ""),
    "iso8859_2": ("ąćęłńóśźżáčďéěíňřšťúůýžäôľĺŕöüőűăâîşţëßĄĆĘŁŃÓŚŹŻÁČĎÉĚÍŇŘŠŤÚŮÝŽÄÖÜŐŰ", ""),
    "cp1257": ("ąčęėįšųūžāēģīķļņõäöüĄČĘĖĮŠŲŪŽĀĒĢĪĶĻŅÕÄÖÜ", ""),
}
_CYRILLIC = ("оеаинтсрвлкмдп", "уяыьгзбчйхжшюцщэфъёіїєОЕАИНТСРВЛКМДПЯГЗБЧ")
_OTHER = {
    "cp1251": _CYRILLIC,
    "koi8_u": _CYRILLIC,
    "iso8859_5": _CYRILLIC,
    "cp1253": ("αοιετσνηυρπκμλς", "ωάέήίόύώδγχθφβξζψΑΟΕΤΣΝΗΠΚΜΔ"),
    "cp1255": ("יוהלארתבשמנ", "דםקחעכןפגטצסךזףץ"),
    "cp874": ("านรอกเงมยลวดทสตะปบคหำไแ่้ัีิื์ู", "ึุ็ใโขชพจซผฟธณฉศถภษฐฝ"),
    "cp1256": ("اليمنوترهبة", "سعدفكقحجشطصخأضزذغئثظءىإ،؟"),
}


def known_charset(declared: str | None) -> str | None:
    """Give Python's name of the charset *declared* stands for, or None when it is no charset of text."""
    found = _NAME.search((declared or "").strip().strip("\"'"))
    if found is None:
        return None
    name = _plain(found.group().lower())
    name = _MEANS.get(name, name)
    try:
        info = codecs.lookup(name)
        "".encode(info.name)
    except (LookupError, ValueError, ImportError, UnicodeError):
        return None
    return None if info.name.replace("-", "_") in _REFUSED else info.name


def _plain(name: str) -> str:
    """Give the one spelling of a charset that many write in their own way."""
    name = name.replace("_", "-").removeprefix("x-").removeprefix("cs")
    page = _PAGE.match(name)
    if page:
        return f"cp{page.group(1)}{name[page.end() :]}"
    return _ISO.sub(r"iso-8859-\1", name, count=1)


def to_text(raw: bytes, declared: str | None = None, guess: str | None = None) -> str:
    """Decode *raw*, believing *declared* only if it fits; NULs and a byte order mark are dropped.

    *guess* is a charset that the rest of the mail uses: tried after UTF-8, before detection.
    """
    if raw.isascii() and b"\x1b" not in raw and known_charset(declared) not in {"utf-7", "hz"}:
        utf16 = _utf16(raw)
        return (raw.decode("ascii") if utf16 is None else utf16).replace("\x00", "")
    charset = known_charset(declared)
    candidates = [charset] if charset else []
    if b"\x1b$" in raw or b"\x1b(" in raw:  # these are no characters in any other charset of mail
        candidates.insert(0 if charset in {None, "utf-8"} else 1, "iso2022_jp_ext")
    guessed = known_charset(guess)
    for name in [*candidates, "utf-8", *([guessed] if guessed else [])]:
        text = _strict(raw, name)
        if text is None and name == "iso2022_jp_ext":
            text = _with_jis(raw)
        if text is not None:
            return text
    return _detected(raw, charset)


def _strict(raw: bytes, charset: str) -> str | None:
    try:
        text = raw.decode(charset)
    except (LookupError, ValueError, AssertionError):
        return None
    return text.lstrip("\ufeff").replace("\x00", "")


def _with_jis(raw: bytes) -> str | None:
    """Decode ISO-2022-JP with what Microsoft added to it (cp50221), by way of Shift JIS; None when it is not that."""
    out = bytearray()
    for escape, run in _JIS_RUN.findall(raw):
        if escape.startswith(b"\x1b$"):
            out += b"".join(_shifted(high, low) for high, low in zip(run[::2], run[1::2], strict=False))
        else:
            out += bytes(octet | 0x80 for octet in run) if escape == b"\x1b(I" else run
    return _strict(bytes(out), "cp932") if b"\x1b$" in raw else None


def _shifted(high: int, low: int) -> bytes:
    """Give the Shift JIS code of two octets of JIS X 0208."""
    if not (0x21 <= high <= 0x7E and 0x21 <= low <= 0x7E):
        return b"?"
    lead = (high - 0x21) // 2 + (0x81 if high <= 0x5E else 0xC1)
    return bytes([lead, low + ((0x1F if low < 0x60 else 0x20) if high % 2 else 0x7E)])


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
    """Guess the charset of 8-bit text that is not UTF-8: the one in which it reads like a language that uses it.

    Statistics of a library decide where none does, such as for the charsets of two bytes a character.
    """
    beyond, letters = len(_BEYOND.findall(sample)), len(_LETTER.findall(sample))
    candidates = _LATIN | _OTHER if beyond <= letters else _OTHER
    charset = max(candidates, key=lambda name: _share(sample, name, *candidates[name]))
    if _share(sample, charset, *candidates[charset]) > _READABLE:
        return charset
    return _east_asian(sample) or ((best := from_bytes(sample).best()) and best.encoding) or "cp1252"


def _east_asian(sample: bytes) -> str:
    """Guess among the charsets of two bytes a character, "" when it is none of them.

    Japanese has kana, Korean hangul and next to nothing else. Chinese in GB 2312 has no octet below A1 in a character;
    in Big5 the common characters begin with A4 to C6.
    """
    for charset, first, last, least in (
        ("cp932", "\u3041", "\u30ff", 0.2),
        ("euc_jp", "\u3041", "\u30ff", 0.15),
        ("cp949", "\uac00", "\ud7a3", 0.9),
    ):
        beyond = [char for char in _strict(sample, charset) or "" if char > "\x7f"]
        if beyond and sum(first <= char <= last for char in beyond) / len(beyond) >= least:
            return charset
    if _strict(sample, "gb2312") is not None:
        return "gb18030"
    leads = _PAIR.findall(sample)
    common = sum(b"\xa1" <= lead <= b"\xc6" for lead in leads)
    return "cp950" if common > len(leads) * 0.8 and _strict(sample, "cp950") is not None else ""


def _share(sample: bytes, charset: str, frequent: str, usual: str) -> float:
    """Give how much of what is beyond ASCII are letters one expects, less the capitals that stand behind small ones."""
    text = sample.decode(charset, "replace")
    beyond = [char for char in text if char > "\x7f"]
    good = sum(
        1.0 if char in frequent else 0.8 if char in usual else 0.75 if char in _TYPED else -1.0 for char in beyond
    )
    return (good - 2 * len(_ODD_CAPITAL.findall(text))) / max(1, len(beyond))

"""Does the contact ask for a person? Fixed rules in English, Spanish, German and French; no score, no learning.

A request must never be missed, so the rules are generous with wording, small slips of the keyboard included. They still
want a request: the verb must lead straight to the person ("speak to an agent"), or the person must be all there is in a
sentence ("Agent, please"). A denial right before it ("I don't want to talk to a human") cancels it.

The rules of a language are a file in ``requests/``. ``[words]`` are lists of alternatives, used as ``<name>``; the
``[rules]`` are regular expressions over folded text, read so: ``requests`` are searched anywhere, ``alone`` must fill
one clause, ``refusals`` (of a machine) are requests too, ``denials`` cancel a request they stand right before, and
``mend`` lists the words that are recognised with one slip.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files

import attrs

from carekit_faqbot.typos import distance
from carekit_faqbot.words import fold

LANGUAGES = ("en", "es", "de", "fr")
MOST_CHARACTERS = 4000
"""Of a message; who asks for a person does so in its first page."""
SHORTEST_MENDED = 4


@attrs.frozen
class _Rules:
    """The rules of one language, compiled."""

    requests: tuple[re.Pattern[str], ...]
    alone: re.Pattern[str]
    refusals: tuple[re.Pattern[str], ...]
    denials: tuple[re.Pattern[str], ...]
    mend: tuple[str, ...]


class Detector:
    """Recognises the request for a person, in all languages at once."""

    def __init__(self, languages: Iterable[str] = LANGUAGES) -> None:
        """Reads the rule files, which ship with the package."""
        self._rules = tuple(_load(language) for language in languages)
        self._known = frozenset(word for rules in self._rules for word in rules.mend)
        self._by_initial: dict[str, list[str]] = {}
        for word in sorted(self._known):
            self._by_initial.setdefault(word[0], []).append(word)

    def wants_person(self, text: str) -> bool:
        """Whether *text* asks to be put through to a person."""
        written = _normal(text)
        mended = " ".join(self._mended(word) for word in written.split(" "))
        return any(_asks(rules, version) for version in {written, mended} for rules in self._rules)

    def _mended(self, word: str) -> str:
        if len(word) < SHORTEST_MENDED or word in self._known:
            return word
        for near in self._by_initial.get(word[0], ()):
            # In a short word only swapped letters are a slip: "tlak" is talk, but "tank" is a tank.
            swapped = len(near) == len(word) and sorted(near) == sorted(word)
            long = abs(len(near) - len(word)) <= 1 and len(near) > SHORTEST_MENDED and not word.startswith(near)
            if (swapped or long) and distance(word, near) == 1:
                return near
        return word


def _asks(rules: _Rules, text: str) -> bool:
    if any(rules.alone.fullmatch(clause) for clause in _clauses(text)):
        return True
    if any(pattern.search(text) for pattern in rules.refusals):
        return True
    return any(
        not any(denial.search(text[: match.start()]) for denial in rules.denials)
        for pattern in rules.requests
        for match in pattern.finditer(text)
    )


def _normal(text: str) -> str:
    """Folded words with their apostrophes and hyphens; other signs become a lone full stop, which ends a clause."""
    marked = re.sub(r"[^\w'\-\s]+", " . ", fold(text[:MOST_CHARACTERS]).replace("`", "'").replace("w/", "with"))
    return re.sub(r"\s+", " ", marked).strip(" .")


def _clauses(text: str) -> Iterator[str]:
    for clause in text.split("."):
        if stripped := clause.strip(" -'"):
            yield stripped


def _load(language: str) -> _Rules:
    table = tomllib.loads(files("carekit_faqbot").joinpath("requests", f"{language}.toml").read_text(encoding="utf-8"))
    words, rules = table["words"], table["rules"]
    return _Rules(
        requests=tuple(_compiled(rule, words) for rule in rules["requests"]),
        alone=_compiled(rules["alone"], words),
        refusals=tuple(_compiled(rule, words) for rule in rules["refusals"]),
        denials=tuple(re.compile(rf"(?<![\w-]){rule}$") for rule in rules["denials"]),
        mend=tuple(rules["mend"]),
    )


def _compiled(rule: str, words: Mapping[str, list[str]]) -> re.Pattern[str]:
    """*rule* with its ``<name>`` filled in, at word borders: "person" is not in "person-sized"."""
    while name := re.search(r"<(\w+)>", rule):
        rule = rule.replace(name[0], f"(?:{'|'.join(words[name[1]])})")
    return re.compile(rf"(?<![\w-]){rule}(?![\w-])")

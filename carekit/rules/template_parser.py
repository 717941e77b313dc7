"""Reading templates: from text to literal parts and checked placeholders, or to a list of everything wrong."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, NamedTuple

import attrs

from carekit.ground.errors import TemplateError
from carekit.ground.suggest import did_you_mean
from carekit.rules.template_filters import FILTERS, check_argument

_PROBLEMS_SHOWN: Final = 50  # a template of 32 KB can hold thousands; nobody reads more than these
_WORD_SHOWN: Final = 60

# Quoted texts are bounded, so that no row of stray quotes makes the scan quadratic.
_TOKEN: Final = re.compile(
    r"""(?P<space>\s+)
      | (?P<close>\}\})
      | (?P<open>\{\{)
      | (?P<quoted>"(?:[^"\\]|\\.){0,1000}"|'(?:[^'\\]|\\.){0,1000}')
      | (?P<mark>[|:])
      | (?P<word>[^\s|:"'{}]+)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


@attrs.frozen
class Filter:
    """One step a value goes through: a filter's name and its argument, empty when it has none."""

    name: str
    argument: str = ""


@attrs.frozen
class Placeholder:
    """What stands between double braces: a variable, or a quoted text when ``variable`` is empty."""

    variable: str
    text: str = ""
    filters: tuple[Filter, ...] = ()

    @property
    def has_default(self) -> bool:
        """Whether it gives something even without a value."""
        return any(step.name == "default" for step in self.filters)


def parse_template(source: str, variables: Collection[str]) -> tuple[str | Placeholder, ...]:
    """Return the literal texts and placeholders of *source* in order.

    :raises TemplateError: listing every problem with its line and column, and the names that are known.
    """
    parser = _Parser(source, frozenset(variables))
    parts = parser.parse()
    if parser.problems:
        raise TemplateError(parser.explain())
    return parts


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


class _Problem(NamedTuple):
    at: int
    message: str
    word: str = ""
    known: str = ""  # "variables" or "filters" when a word is not among them


class _Parser:
    def __init__(self, source: str, variables: frozenset[str]) -> None:
        self.source = source
        self.known = {"variables": variables, "filters": frozenset(FILTERS)}
        self.problems: list[_Problem] = []

    def parse(self) -> tuple[str | Placeholder, ...]:
        parts: list[str | Placeholder] = []
        at = 0
        while at < len(self.source):
            start = self.source.find("{{", at)
            if start < 0:
                start = len(self.source)
            if start > at:
                parts.append(self.source[at:start])
            at = start
            if start < len(self.source):
                tokens, at = self._scan(start)
                if tokens is not None:
                    parts.append(self._placeholder(tokens, start))
        return tuple(parts)

    def _scan(self, start: int) -> tuple[list[_Token] | None, int]:
        """Return the tokens of the placeholder that opens at *start*, None if it cannot be read, and where to go on."""
        tokens: list[_Token] = []
        broken = False
        at = start + 2
        while (match := _TOKEN.match(self.source, at)) is not None:
            kind = match.lastgroup or ""
            if kind == "close":
                return (None if broken else tokens), match.end()
            if kind == "open":
                break
            if match[0] in ('"', "'") and not broken:
                broken = True
                self._problem(at, f"quoted text is not closed, or longer than 1000 characters: end it with {match[0]}")
            if kind != "space":
                tokens.append(_Token(kind, match[0], at))
            at = match.end()
        self._problem(start, "placeholder is not closed: end it with }}")
        return None, at

    def _placeholder(self, tokens: list[_Token], start: int) -> Placeholder:
        variable = text = ""
        rest = tokens[1:]
        if not tokens:
            self._problem(start, "placeholder is empty: name a variable")
        elif tokens[0].kind == "quoted":
            text = _unquote(tokens[0].text)
        elif tokens[0].kind == "word":
            variable = tokens[0].text
            if variable not in self.known["variables"]:
                self._problem(tokens[0].at, "unknown variable", variable, "variables")
        else:
            self._unexpected(tokens[0])
            rest = []
        return Placeholder(variable, text, self._filters(rest))

    def _filters(self, tokens: list[_Token]) -> tuple[Filter, ...]:
        filters: list[Filter] = []
        at = 0
        while at < len(tokens):
            if tokens[at].text != "|":
                self._unexpected(tokens[at])
                break
            if at + 1 == len(tokens) or tokens[at + 1].kind != "word":
                self._problem(tokens[at].at, f'"|" needs a filter after it: use {", ".join(FILTERS)}')
                break
            name = tokens[at + 1]
            argument: str | None = None
            at += 2
            if at < len(tokens) and tokens[at].text == ":":
                argument = self._argument(tokens[at : at + 2])
                at += 2
            filters.append(self._filter(name, argument))
        return tuple(filters)

    def _argument(self, tokens: list[_Token]) -> str:
        value = tokens[1] if len(tokens) > 1 else None
        if value is not None and value.kind == "quoted":
            return _unquote(value.text)
        if value is not None and value.text.isdecimal():
            return value.text
        self._problem(tokens[0].at, '":" needs a number, or a text in straight quotes, after it')
        return "1"  # accepted by every filter that takes an argument, so that one mistake is reported once

    def _filter(self, name: _Token, argument: str | None) -> Filter:
        if name.text not in FILTERS:
            self._problem(name.at, "unknown filter", name.text, "filters")
        elif wrong := check_argument(name.text, argument):
            self._problem(name.at, wrong)
        return Filter(name.text, argument or "")

    def _unexpected(self, token: _Token) -> None:
        self._problem(token.at, f'unexpected {_shown(token.text)}: write {{{{ variable | filter:"text" }}}}')

    def _problem(self, at: int, message: str, word: str = "", known: str = "") -> None:
        self.problems.append(_Problem(at, message, word, known))

    def explain(self) -> str:
        """Say everything that is wrong, in the order of the source."""
        count = len(self.problems)
        lines = ["template has a problem:" if count == 1 else f"template has {count} problems:"]
        lines += [f"  {self._line(problem)}" for problem in sorted(self.problems)[:_PROBLEMS_SHOWN]]
        if count > _PROBLEMS_SHOWN:
            lines.append(f"  and {count - _PROBLEMS_SHOWN} more")
        for kind, names in self.known.items():
            if any(problem.known == kind for problem in self.problems):
                lines.append(f"known {kind}: {', '.join(sorted(names)) or 'none'}")
        return "\n".join(lines)

    def _line(self, problem: _Problem) -> str:
        line = self.source.count("\n", 0, problem.at) + 1
        column = problem.at - (self.source.rfind("\n", 0, problem.at) + 1) + 1
        said = problem.message
        if problem.known:
            said += f" {_shown(problem.word)}{did_you_mean(problem.word, self.known[problem.known])}"
        return f"line {line}, column {column}: {said}"


def _unquote(text: str) -> str:
    return _ESCAPED.sub(r"\1", text[1:-1])


def _shown(word: str) -> str:
    return f'"{word}"' if len(word) <= _WORD_SHOWN else f'"{word[:_WORD_SHOWN]}…"'

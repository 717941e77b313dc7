"""A folder of Markdown articles, read whole and checked before anything answers from it.

A file looks so; its name without ``.md`` is the slug, the article's address::

    ---
    title: Returning an item
    aliases: How do I return something?, Send an item back
    language: en
    updated: 2025-10-02
    ---

    You can return ...
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

import attrs

from carekit import ConfigError
from carekit_faqbot.markdown import Passage, links, passages

KEYS = ("title", "aliases", "language", "updated")
_T = TypeVar("_T")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


@attrs.frozen
class Article:
    """One page of help: *body* is Markdown, *text* the same as plain text.

    *aliases* are other ways to ask for it; they weigh as much as the title when the bot searches. *updated* is the day
    its author last checked it.
    """

    slug: str
    title: str
    aliases: tuple[str, ...]
    body: str
    text: str
    language: str = "en"
    updated: date | None = None
    passages: tuple[Passage, ...] = ()

    @classmethod
    def from_markdown(
        cls,
        slug: str,
        title: str,
        body: str,
        *,
        aliases: Iterable[str] = (),
        language: str = "en",
        updated: date | None = None,
    ) -> Article:
        """An article whose passages and text are read from *body*."""
        parts = passages(body)
        text = "\n\n".join(f"{part.heading}\n{part.text}".strip() for part in parts)
        return cls(slug, title, tuple(aliases), body, text, language, updated, parts)


@attrs.frozen
class Problem:
    """One thing to mend in a folder: *line* counts from 1, 0 means the file as a whole."""

    file: Path
    line: int
    what: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{place}: {self.what}; {self.remedy}"


class ArticlesError(ConfigError):
    """The folder cannot be used; ``problems`` holds everything that is wrong with it, in order of file and line."""

    def __init__(self, folder: Path, problems: tuple[Problem, ...]) -> None:
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n  ".join([f"articles in {folder}: {count}", *map(str, problems)]))
        self.folder = folder
        self.problems = problems


def load_articles(folder: Path) -> tuple[Article, ...]:
    """Every ``*.md`` file of *folder*, in the order of their names.

    Raises ArticlesError, once, with all that is wrong: unreadable files, bad front matter, empty articles, one question
    claimed by two articles, links to articles that do not exist.
    """
    if not folder.is_dir():
        raise ArticlesError(
            folder, (Problem(folder, 0, "there is no such folder", "create it, or mend the setting `articles`"),)
        )
    files = sorted(folder.glob("*.md"))
    if not files:
        raise ArticlesError(folder, (Problem(folder, 0, "no article found", "add at least one file ending in .md"),))
    read = [_Reader(file) for file in files]
    found = [(reader, article) for reader in read if (article := reader.article()) is not None]
    _check_claims(found)
    slugs = {file.stem for file in files}
    for reader, article in found:
        _check_links(reader, article, slugs)
    problems = tuple(sorted((p for reader in read for p in reader.problems), key=lambda p: (p.file, p.line)))
    if problems:
        raise ArticlesError(folder, problems)
    return tuple(article for _, article in found)


class _Reader:
    """One file on its way to an article, collecting what is wrong with it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.body_line = 1
        self.lines_of: dict[str, int] = {}

    def article(self) -> Article | None:
        """The article, or None when a problem was found that leaves none to speak of."""
        if not _SLUG.fullmatch(self.file.stem):
            self.note(0, "the name is not fit for an address", "use small letters, digits and hyphens: my-page.md")
        try:
            source = self.file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            self.note(0, f"byte {error.start} is not UTF-8", "save the file as UTF-8")
            return None
        except OSError as error:
            self.note(0, f"cannot be read ({error.strerror})", "check the file's permissions")
            return None
        split = self._split(source.split("\n"))
        if split is None:
            return None
        values, body = split
        title = values.get("title", [""])[0]
        if not title:
            self.note(self.lines_of.get("title", 1), "there is no title", "add a line `title: ...` to the front matter")
        if not body.strip():
            self.note(self.body_line, "the article is empty", "write its text below the second `---`")
        no_day: date | None = None
        article = Article.from_markdown(
            self.file.stem,
            title,
            body,
            aliases=[alias for line in values.get("aliases", []) for alias in _listed(line)],
            language=self._parsed(values, "language", _language, "a language code such as en or pt-BR", "en"),
            updated=self._parsed(values, "updated", date.fromisoformat, "a day such as 2025-10-02", no_day),
        )
        if body.strip() and not article.passages:
            self.note(self.body_line, "there are headings but no text", "write something under a heading")
        return article

    def _split(self, lines: list[str]) -> tuple[dict[str, list[str]], str] | None:
        if lines[0].strip() != "---":
            self.note(1, "the file does not begin with front matter", "begin with `---`, `title: ...`, `---`")
            return None
        end = next((at for at, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
        if end is None:
            self.note(1, "the front matter has no end", "close it with a line `---` above the text")
            return None
        values: dict[str, list[str]] = {}
        for number, line in enumerate(lines[1:end], 2):
            self._take(number, line.strip(), values)
        self.body_line = end + 2
        return values, "\n".join(lines[end + 1 :])

    def _take(self, number: int, line: str, values: dict[str, list[str]]) -> None:
        if not line or line.startswith("#"):
            return
        key, colon, value = line.partition(":")
        key = key.strip()
        if not colon:
            self.note(number, f'"{line}" is not `key: value`', "put a colon after the key")
        elif key not in KEYS:
            near = get_close_matches(key, KEYS, 1)
            self.note(
                number,
                f'unknown key "{key}"',
                f'did you mean "{near[0]}"?' if near else f"known keys: {', '.join(KEYS)}",
            )
        elif key in values and key != "aliases":
            self.note(number, f'"{key}" is given twice, first in line {self.lines_of[key]}', "keep one of them")
        else:
            values.setdefault(key, []).append(_unquoted(value.strip()))
            self.lines_of.setdefault(key, number)

    def _parsed(
        self, values: dict[str, list[str]], key: str, parse: Callable[[str], _T], wanted: str, default: _T
    ) -> _T:
        if key not in values:
            return default
        try:
            return parse(values[key][0])
        except ValueError:
            self.note(self.lines_of[key], f'{key} "{values[key][0]}" cannot be understood', f"write {wanted}")
            return default

    def note(self, line: int, what: str, remedy: str) -> None:
        """Keep one problem; line 0 means the whole file."""
        self.problems.append(Problem(self.file, line, what, remedy))


def _unquoted(value: str) -> str:
    return value[1:-1].strip() if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def _listed(line: str) -> list[str]:
    return [alias for part in line.split(",") if (alias := _unquoted(part.strip()))]


def _language(value: str) -> str:
    if not _LANGUAGE.fullmatch(value):
        raise ValueError(value)
    return value


def _check_claims(found: list[tuple[_Reader, Article]]) -> None:
    """Two articles that claim one question in one language would make every answer to it a coin toss."""
    owners: dict[tuple[str, str], Article] = {}
    for reader, article in found:
        for question in filter(None, (article.title, *article.aliases)):
            owner = owners.setdefault((article.language, question.casefold().rstrip("?!. ")), article)
            if owner is not article:
                line = reader.lines_of.get("title" if question == article.title else "aliases", 1)
                reader.note(line, f'"{question}" also belongs to {owner.slug}.md', "leave it in one of the two")


def _check_links(reader: _Reader, article: Article, slugs: set[str]) -> None:
    for link in links(article.body):
        path = link.target.partition("#")[0]
        if path.endswith(".md") and ":" not in path and path.removesuffix(".md") not in slugs:
            near = get_close_matches(path.removesuffix(".md"), sorted(slugs), 1)
            remedy = f"did you mean {near[0]}.md?" if near else "link to the name of a file in this folder"
            reader.note(reader.body_line + link.line - 1, f"link to {path}, which does not exist", remedy)

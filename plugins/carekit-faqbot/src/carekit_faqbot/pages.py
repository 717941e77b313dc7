"""The help centre's pages as text: the list, a search, an article, and a page that is not there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from functools import cached_property
from importlib.resources import files

import attrs
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from carekit_faqbot.articles import Article
from carekit_faqbot.index import Index
from carekit_faqbot.render import render
from carekit_faqbot.talk import Talks
from carekit_faqbot.words import fold

MOST_RESULTS = 10
NEAREST = 5
LONGEST_QUERY = 200
LONGEST_SNIPPET = 180
CONTENTS_FROM = 4
"""Headings from which an article gets a table of contents."""

_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur", "yi", "ps", "sd"})


@attrs.frozen
class Site:
    """What is the same on every page. ``contact`` and ``chat`` are addresses, empty for none."""

    base: str
    title: str = ""
    language: str = "en"
    home: str = ""
    contact: str = ""
    chat: str = ""


@attrs.frozen
class Result:
    """A line of the list of results."""

    title: str
    url: str
    snippet: str


class HelpPages:
    """Renders the pages of a set of articles."""

    def __init__(self, articles: Sequence[Article], site: Site) -> None:
        self._site = site
        self._articles = {article.slug: article for article in articles}
        self._bodies: dict[str, Markup] = {}
        self._talks = Talks()
        self.css = files("carekit_faqbot").joinpath("static", "help.css").read_bytes()
        version = hashlib.sha256(self.css).hexdigest()[:12]
        self._env = Environment(
            loader=PackageLoader("carekit_faqbot"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.globals.update(site=site, css=f"{site.base}/help.css?v={version}")

    @cached_property
    def _index(self) -> Index:
        return Index(self._articles.values())

    def list(self) -> str:
        """All articles, those of the site's language first."""
        by_language: dict[str, list[Article]] = {}
        for article in sorted(self._articles.values(), key=lambda article: fold(article.title)):
            by_language.setdefault(article.language, []).append(article)
        groups = sorted(by_language.items(), key=lambda pair: (pair[0] != self._site.language, pair[0]))
        return self._page("list.html", self._site.language, groups=groups, link=self.link)

    def search(self, query: str) -> str:
        """What *query* finds; where it finds nothing, the articles with the nearest titles."""
        query = query.strip()[:LONGEST_QUERY]
        if not query:
            return self.list()
        results = [
            Result(
                hit.article.title,
                self.link(hit.article.slug) + (f"#{hit.passage.anchor}" if hit.passage.anchor else ""),
                _snippet(hit.passage.text),
            )
            for hit in self._index.search(query, MOST_RESULTS)
        ]
        nearest = [] if results else self._nearest(query)
        return self._page("search.html", self._site.language, query=query, results=results, nearest=nearest)

    def article(self, slug: str) -> str | None:
        """The page of the article *slug*, or None when there is none."""
        article = self._articles.get(slug)
        if article is None:
            return None
        if slug not in self._bodies:
            self._bodies[slug] = render(article, self.link)
        headings = [part for part in article.passages if part.heading]
        contents = headings if len(headings) >= CONTENTS_FROM else []
        return self._page("article.html", article.language, article=article, body=self._bodies[slug], contents=contents)

    def missing(self) -> str:
        """The page for an address where nothing is. It repeats nothing of the request."""
        return self._page("missing.html", self._site.language)

    def link(self, slug: str) -> str:
        """The address of an article's page."""
        return f"{self._site.base}/{slug}"

    def _nearest(self, query: str) -> Sequence[Result]:
        def likeness(article: Article) -> float:
            questions = (article.title, *article.aliases)
            return max(SequenceMatcher(None, fold(query), fold(question)).ratio() for question in questions)

        nearest = sorted(self._articles.values(), key=lambda article: (-likeness(article), article.slug))[:NEAREST]
        return [Result(article.title, self.link(article.slug), "") for article in nearest]

    def _page(self, template: str, language: str, **values: object) -> str:
        words: Mapping[str, str] = self._talks.of(language).page
        code = language.partition("-")[0]
        frame = {"lang": language, "dir": "rtl" if code in _RIGHT_TO_LEFT else "ltr", "t": words, "query": ""}
        return self._env.get_template(template).render({**frame, **values})


def _snippet(text: str) -> str:
    line = " ".join(text.split())
    if len(line) <= LONGEST_SNIPPET:
        return line
    return line[:LONGEST_SNIPPET].rsplit(" ", 1)[0] + " …"

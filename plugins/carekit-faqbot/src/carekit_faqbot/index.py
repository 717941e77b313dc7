"""Which article answers a question, and how sure we are.

Ranking is BM25F (Zaragoza et al., TREC 2004): term counts of the fields are weighted and normalised by field length,
added, and only then saturated. Questions (title and aliases) weigh 3, the body 1.

Confidence is the probability that the first hit is right: a logistic function of five features, fitted by
`carekit_faqbot.calibration` on the questions in ``tests/data/development.json``. THRESHOLD tells how it was
chosen.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import attrs

from carekit_faqbot.articles import Article
from carekit_faqbot.markdown import Passage
from carekit_faqbot.typos import Speller
from carekit_faqbot.words import Analyser

K1 = 1.2
QUESTION_WEIGHT, BODY_WEIGHT, HEADING_WEIGHT = 3.0, 1.0, 3.0
QUESTION_B, BODY_B = 0.3, 0.75
MOST_TERMS = 48
"""Terms of a query that are looked at: a pasted page must not cost more than a question."""

INTERCEPT = -4.38
COEFFICIENTS = (0.66, 2.47, 1.88, 1.92, 2.63)
"""For the features of ``Signals``, in order."""

THRESHOLD = 0.66
"""The middle of the range (0.58 to 0.74) in which, on the development set, at least .90 of the answers are right, at
least half of the questions are answered and at most a tenth of the foreign questions are. A deployment may move it:
higher answers less and errs less.
"""


@attrs.frozen
class Signals:
    """What confidence is computed from, each 0 to 1 (``margin`` -1 to 1).

    ``asked``: share of the query's weight found in the article's questions; ``found``: found anywhere in the article;
    ``alike``: likeness (Dice, weighted) to the closest single question; ``margin``: lead over the best other article;
    ``support``: n / (n + 1) for n terms found, because one shared word is often a coincidence.
    Weight is inverse document frequency; a word no article knows has the greatest.
    """

    asked: float
    found: float
    alike: float
    margin: float
    support: float

    def confidence(self) -> float:
        """The logistic function of the features."""
        weighted = zip(COEFFICIENTS, attrs.astuple(self), strict=True)
        return 1 / (1 + math.exp(-INTERCEPT - sum(factor * value for factor, value in weighted)))


@attrs.frozen
class Hit:
    """An article that may answer, the passage of it to quote, the BM25 score and the confidence (0 to 1).

    ``signals`` explain the confidence.
    """

    article: Article
    passage: Passage
    score: float
    confidence: float
    signals: Signals


class Index:
    """A searchable set of articles: immutable, the same hits for the same question, safe between threads."""

    def __init__(self, articles: Iterable[Article]) -> None:
        """Articles of each language are stemmed and counted apart."""
        by_language: dict[str, list[Article]] = {}
        for article in articles:
            by_language.setdefault(article.language, []).append(article)
        self._articles = {article.slug: article for shelf in by_language.values() for article in shelf}
        self._shelves = {language: _Shelf(language, shelf) for language, shelf in sorted(by_language.items())}

    def search(self, query: str, limit: int = 3, *, language: str | None = None) -> tuple[Hit, ...]:
        """The best *limit* articles, best first; none at all when no word of *query* is known.

        *language* restricts the search to articles of that language, when there are any; otherwise all are searched and
        the more confident language comes first.
        """
        shelves = self._shelves.values() if language not in self._shelves else [self._shelves[language]]
        hits = [hit for shelf in shelves for hit in shelf.search(query, limit)]
        return tuple(sorted(hits, key=lambda hit: (-hit.confidence, -hit.score, hit.article.slug))[:limit])

    def article(self, slug: str) -> Hit | None:
        """The article named *slug* as a hit that is sure, quoting its beginning: for a contact who chose it."""
        article = self._articles.get(slug)
        if article is None:
            return None
        return Hit(article, _first_passage(article), 0.0, 1.0, Signals(1.0, 1.0, 1.0, 1.0, 1.0))

    def answer(self, query: str, threshold: float = THRESHOLD, *, language: str | None = None) -> Hit | None:
        """The first hit if its confidence reaches *threshold*, else None: below it, do not guess, offer the titles."""
        hits = self.search(query, 1, language=language)
        return hits[0] if hits and hits[0].confidence >= threshold else None


@attrs.frozen
class _Term:
    """A known term of a query, how like the word the contact wrote (1 when spelt so), and its weight."""

    stem: str
    likeness: float
    weight: float


@attrs.frozen
class _Entry:
    """One article as the index sees it: its terms by field, and each single question as a set of terms."""

    article: Article
    questions: tuple[frozenset[str], ...]
    asked: Counter[str]
    body: Counter[str]
    passages: tuple[tuple[Counter[str], Counter[str]], ...]
    """Heading terms and text terms of each passage."""


class _Shelf:
    """The articles of one language."""

    def __init__(self, language: str, articles: Sequence[Article]) -> None:
        self._analyser = Analyser(language)
        self._stem_of: dict[str, str] = {}
        self._entries = [self._entry(article) for article in articles]
        self._holders = Counter(stem for entry in self._entries for stem in entry.asked.keys() | entry.body.keys())
        self._speller = Speller(self._stem_of)
        self._postings: dict[str, list[tuple[int, float]]] = {}
        self._post()

    def search(self, query: str, limit: int) -> list[Hit]:
        terms, total = self._read(query)
        scores: dict[int, float] = {}
        for term in terms:
            for at, gain in self._postings[term.stem]:
                scores[at] = scores.get(at, 0.0) + term.likeness * gain
        exact = self._exact(scores, terms, total)
        ranked = sorted(scores, key=lambda at: (at not in exact, -scores[at], self._entries[at].article.slug))
        hits: list[Hit] = []
        ceiling = 1.0
        for at in ranked[:limit]:
            rival = scores[ranked[0 if at != ranked[0] else 1]] if len(ranked) > 1 else 0.0
            margin = 1.0 if at in exact else (scores[at] - rival) / max(scores[at], rival)
            signals = self._signals(self._entries[at], terms, total, margin)
            # No hit is surer than the one ranked above it, so that sorting by confidence keeps the ranking.
            ceiling = min(ceiling, signals.confidence())
            passage = self._passage(self._entries[at], terms)
            hits.append(Hit(self._entries[at].article, passage, scores[at], ceiling, signals))
        return hits

    def _entry(self, article: Article) -> _Entry:
        questions = [self._terms(question) for question in (article.title, *article.aliases)]
        parts = tuple(
            (Counter(self._terms(part.heading)), Counter(self._terms(part.text))) for part in article.passages
        )
        body: Counter[str] = Counter()
        for heading, text in parts:
            body.update(heading)
            body.update(text)
        asked = Counter(stem for question in questions for stem in question)
        return _Entry(article, tuple(map(frozenset, questions)), asked, body, parts)

    def _terms(self, text: str) -> list[str]:
        words = self._analyser.words(text)
        new = sorted({word for word in words if word not in self._stem_of})
        self._stem_of.update(zip(new, self._analyser.stems(new), strict=True))
        return [self._stem_of[word] for word in words]

    def _post(self) -> None:
        count = max(1, len(self._entries))
        asked_mean = sum(entry.asked.total() for entry in self._entries) / count or 1.0
        body_mean = sum(entry.body.total() for entry in self._entries) / count or 1.0
        for at, entry in enumerate(self._entries):
            asked_norm = QUESTION_WEIGHT / (1 - QUESTION_B + QUESTION_B * entry.asked.total() / asked_mean)
            body_norm = BODY_WEIGHT / (1 - BODY_B + BODY_B * entry.body.total() / body_mean)
            for stem in entry.asked.keys() | entry.body.keys():
                weight = entry.asked[stem] * asked_norm + entry.body[stem] * body_norm
                gain = self._weight(stem) * weight * (K1 + 1) / (weight + K1)
                self._postings.setdefault(stem, []).append((at, gain))

    def _weight(self, stem: str) -> float:
        holders = self._holders[stem]
        return math.log(1 + (len(self._entries) - holders + 0.5) / (holders + 0.5))

    def _read(self, query: str) -> tuple[list[_Term], float]:
        """The terms of *query* the shelf knows, each once, and the weight of all its words, known or not."""
        words = list(dict.fromkeys(self._analyser.words(query)))[:MOST_TERMS]
        if all(word.isdigit() for word in words):
            return [], 0.0  # a number alone, of an order perhaps, is no question
        known: dict[str, _Term] = {}
        total = 0.0
        for word, exact in zip(words, self._analyser.stems(words), strict=True):
            stem, likeness = exact, 1.0
            if exact not in self._holders and (near := self._speller.nearest(word)) is not None:
                stem, likeness = self._stem_of[near[0]], near[1]
            if stem in known and known[stem].likeness >= likeness:
                continue
            weight = self._weight(stem)
            total += weight - (known[stem].weight if stem in known else 0.0)
            if stem in self._holders:
                known[stem] = _Term(stem, likeness, weight)
        return list(known.values()), total

    def _exact(self, found: Iterable[int], terms: Sequence[_Term], total: float) -> set[int]:
        """Articles of which the query repeats a question word for word: that is what was meant."""
        known = sum(term.weight for term in terms if term.likeness == 1)
        if not terms or total - known > 1e-9:
            return set()
        asked = frozenset(term.stem for term in terms)
        return {at for at in found if asked in self._entries[at].questions}

    def _signals(self, entry: _Entry, terms: Sequence[_Term], total: float, margin: float) -> Signals:
        asked = sum(term.likeness * term.weight for term in terms if term.stem in entry.asked)
        present = [term for term in terms if term.stem in entry.asked or term.stem in entry.body]
        found = sum(term.likeness * term.weight for term in present)
        gains = {term.stem: term.likeness * term.weight for term in terms}
        alike = max(self._alike(question, gains, total) for question in entry.questions)
        return Signals(asked / total, found / total, alike, margin, len(present) / (len(present) + 1))

    def _alike(self, question: frozenset[str], gains: Mapping[str, float], total: float) -> float:
        whole = total + sum(map(self._weight, question))
        return 2 * sum(gains.get(stem, 0.0) for stem in question) / whole if whole else 0.0

    def _passage(self, entry: _Entry, terms: Sequence[_Term]) -> Passage:
        """The passage that says most about *terms*; the first when none says anything."""
        best, at_best = 0.0, 0
        for at, (heading, text) in enumerate(entry.passages):
            score = 0.0
            for term in terms:
                count = HEADING_WEIGHT * heading[term.stem] + text[term.stem]
                score += term.likeness * term.weight * count / (count + K1)
            if score > best + 1e-9:
                best, at_best = score, at
        return entry.article.passages[at_best] if at_best else _first_passage(entry.article)


def _first_passage(article: Article) -> Passage:
    return article.passages[0] if article.passages else Passage("", "", article.body, article.text)

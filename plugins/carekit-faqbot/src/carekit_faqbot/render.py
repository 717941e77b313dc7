"""An article's Markdown as HTML that may be shown: headings with anchors, own links, nothing that can run."""

from __future__ import annotations

from collections.abc import Callable

import nh3
from markdown_it.token import Token
from markupsafe import Markup

from carekit_faqbot.articles import Article
from carekit_faqbot.markdown import parser, sections

_TAGS = set(
    "a p br em strong code pre blockquote ul ol li hr img h2 h3 h4 h5 h6 table thead tbody tr th td div".split()
)
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "div": {"class", "role", "tabindex", "aria-label"},
    **{f"h{level}": {"id"} for level in range(2, 7)},
}
_SCHEMES = {"http", "https", "mailto", "tel"}


def render(article: Article, link: Callable[[str], str]) -> Markup:
    """The article's body; *link* gives the address of another article by its slug.

    A wide table scrolls in a box of its own, which the keyboard reaches. Scripts, styles, frames and event attributes
    do not survive, whatever the Markdown says.
    """
    markdown = parser()
    markdown.add_render_rule("table_open", _table_open)
    markdown.add_render_rule("table_close", _table_close)
    anchors = iter([section.anchor for section in sections(article.body) if section.anchor])
    tokens = markdown.parse(article.body, {"label": article.title})
    for token in tokens:
        if token.type == "heading_open" and token.level == 0:
            token.attrSet("id", next(anchors))
        if token.type in ("heading_open", "heading_close") and token.tag == "h1":
            token.tag = "h2"
        for child in token.children or ():
            _relink(child, link)
    html = markdown.renderer.render(tokens, markdown.options, {"label": article.title})
    clean = nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel="noopener noreferrer")
    return Markup(clean)  # noqa: S704 - cleaned in the line above


def _relink(token: Token, link: Callable[[str], str]) -> None:
    target = str(token.attrGet("href") or "") if token.type == "link_open" else ""
    path, hash_, anchor = target.partition("#")
    if path.endswith(".md") and ":" not in path and "/" not in path:
        token.attrSet("href", link(path.removesuffix(".md")) + hash_ + anchor)


def _table_open(renderer: object, tokens: list[Token], at: int, options: object, env: dict[str, str]) -> str:
    label = Markup.escape(env["label"])
    return f'<div class="table" role="region" tabindex="0" aria-label="{label}"><table>\n'


def _table_close(renderer: object, tokens: list[Token], at: int, options: object, env: dict[str, str]) -> str:
    return "</table></div>\n"

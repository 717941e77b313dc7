"""Texts with variables: canned replies, signatures, automatic replies, subjects, survey invitations.

A placeholder names a variable and may pass it through filters, in order::

    Hello {{ contact.first_name | default:"there" }}, we opened {{ conversation.id | upper }} on {{ today | date }}.

========================  ==========================================================================================
``default:"text"``        the text, where the value is missing, empty or blank
``upper``                 in capitals
``date`` ``date:"%d %B"`` an ISO 8601 date or date-time in that form (``%Y-%m-%d`` without one), in the codes of
                          strftime with English names; a value that is not a date stays as it is
``truncate:40``           at most 40 characters, the last of them an ellipsis where something was cut off
========================  ==========================================================================================

That is the whole language: no attributes, calls, conditions or loops, because the people who write templates are not
the people who may run code. A name with dots is one name in a flat list. Rendering is a single pass: a value, or what
a filter makes of it, is never read as a template, whatever it contains.

A single brace is an ordinary character, and so is ``}}`` outside a placeholder. ``{{ "{{" }}``, a quoted text in place
of a variable, writes two opening braces. Inside quotes ``\\"`` is a quote and ``\\\\`` a backslash.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Mapping
from typing import Final, Literal, TypeAlias

import attrs

from carekit.ground.errors import TemplateError
from carekit.rules.template_filters import apply_filter
from carekit.rules.template_parser import Placeholder, parse_template

Output: TypeAlias = Literal["text", "html", "header"]

SOURCE_LIMIT: Final = 32 * 1024
"""The longest template, in bytes of UTF-8."""
OUTPUT_LIMIT: Final = 256 * 1024
"""The longest rendered text, in bytes of UTF-8."""

# C0 and C1 controls, line and paragraph separators, and lone surrogates, which no encoding takes
_NOT_IN_HEADERS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


@attrs.frozen
class Template:
    """A checked template; make one with :meth:`parse`."""

    source: str
    parts: tuple[str | Placeholder, ...] = attrs.field(eq=False, repr=False)

    @classmethod
    def parse(cls, source: str, variables: Collection[str]) -> Template:
        """Check *source* against the names it may use and return it ready to render.

        :raises TemplateError: the source is longer than :data:`SOURCE_LIMIT`, a placeholder is not closed, or uses an
            unknown variable or filter or a wrong argument. All problems are listed at once, each with its line and
            column and a suggestion, followed by the names that are known.
        """
        size = len(source.encode("utf-8", "surrogatepass"))
        if size > SOURCE_LIMIT:
            raise TemplateError(f"template has {size} bytes, more than the limit of {SOURCE_LIMIT}: shorten it")
        return cls(source, parse_template(source, variables))

    @property
    def variables(self) -> frozenset[str]:
        """The names the template uses."""
        return frozenset(part.variable for part in self.parts if isinstance(part, Placeholder) and part.variable)

    def missing(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the used names that *values* lacks and no default replaces, in alphabetical order.

        A preview shows them to the agent; :meth:`render` refuses to guess them.
        """
        lacking = {
            part.variable
            for part in self.parts
            if isinstance(part, Placeholder) and part.variable and not part.has_default and part.variable not in values
        }
        return tuple(sorted(lacking))

    def render(self, values: Mapping[str, str], output: Output = "text") -> str:
        """Put *values* in place of the placeholders.

        *output* says where the text is going, which decides what a value may contain:

        - ``text``: values are put in as they are;
        - ``html``: the template itself is markup, and what a placeholder gives is escaped for text and for quoted
          attributes. It does not make an address safe to link to, so the result still goes through the same
          cleaning as any other markup;
        - ``header``: subjects and names. In the whole result each run of control characters, line breaks and line or
          paragraph separators becomes one space, and the ends are trimmed.

        An empty value renders as nothing; a name that is absent from *values* needs a ``default``.

        :raises TemplateError: a used name has neither value nor default, a value is not a text, or the result is longer
            than :data:`OUTPUT_LIMIT`.
        """
        lacking = self.missing(values)
        if lacking:
            names = ", ".join(f'"{name}"' for name in lacking)
            raise TemplateError(
                f'template has no value for {names}: give one, or write a default such as | default:"…"'
            )
        pieces: list[str] = []
        size = 0
        for part in self.parts:
            piece = part if isinstance(part, str) else _fill(part, values)
            # measured before and after escaping, so that no step works on more than the limit
            _check_size(size + len(piece))
            if output == "html" and not isinstance(part, str):
                piece = html.escape(piece, quote=True)
            size += len(piece.encode("utf-8", "surrogatepass"))
            _check_size(size)
            pieces.append(piece)
        text = "".join(pieces)
        return _NOT_IN_HEADERS.sub(" ", text).strip() if output == "header" else text


def _check_size(size: int) -> None:
    if size > OUTPUT_LIMIT:
        raise TemplateError(f"rendered template has more than {OUTPUT_LIMIT} bytes: shorten it or truncate its values")


def _fill(placeholder: Placeholder, values: Mapping[str, str]) -> str:
    given: object = values.get(placeholder.variable, "") if placeholder.variable else placeholder.text
    # an object would be written as its repr, which may say more than the reader should know
    if not isinstance(given, str):
        kind = type(given).__name__
        raise TemplateError(f'value of "{placeholder.variable}" is a {kind}, not a text: turn it into one first')
    # more than the limit cannot be rendered anyway, and need not go through the filters
    value = given[: OUTPUT_LIMIT + 1]
    for step in placeholder.filters:
        value = apply_filter(step.name, value, step.argument)
    return value

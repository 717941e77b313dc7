"""Errors, metrics and the language of templates."""

from __future__ import annotations

from carekit.builtin.policies.after import _SURVEY_VARIABLES
from carekit.builtin.policies.texts import VARIABLES
from carekit.ground import errors
from carekit.rules import metrics, template_filters, templates
from refparts import text


def tree() -> str:
    """The errors as a tree."""
    lines: list[str] = []

    def draw(cls: type, lead: str) -> None:
        below = [one for one in cls.__subclasses__() if one.__module__ == errors.__name__]
        for one in below:
            last = one is below[-1]
            lines.append(f"{lead}{'└── ' if last else '├── '}{one.__name__}")
            draw(one, lead + ("    " if last else "│   "))

    lines.append(errors.CarekitError.__name__)
    draw(errors.CarekitError, "")
    return "```text\n" + "\n".join(lines) + "\n```"


def each_error() -> str:
    """Every error with its line."""
    found = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, errors.CarekitError)]
    return text.table(
        ("error", "what it says"), [(text.code(cls.__name__), text.first_paragraph(cls.__doc__)) for cls in found]
    )


def definitions() -> str:
    """What each number means."""
    assert metrics.__doc__ is not None
    rest = " ".join(metrics.__doc__.split("====\n")[-1].split())
    rows = text.draw_table(metrics.__doc__)
    return text.table(("metric", "definition"), rows) + "\n\n" + text.markdown(rest)


def filters() -> str:
    """Every filter."""
    assert templates.__doc__ is not None
    rows = text.draw_table(templates.__doc__)
    missing = [name for name in template_filters.FILTERS if not any(name in left for left, _ in rows)]
    assert not missing, f"the docstring of carekit.rules.templates does not describe {missing}"
    return text.table(("filter", "what it gives"), rows)


def limits() -> str:
    """The limits and the codes of dates."""
    codes = ", ".join(f"`{code}`" for code in template_filters.DATE_CODES.split())
    return (
        f"A template has at most {templates.SOURCE_LIMIT:,} bytes of UTF-8, what it gives at most"
        f" {templates.OUTPUT_LIMIT:,}. The codes of `date` are {codes}."
    )


_MEANING = {
    "contact.name": "the contact's name; empty if it is not known, or looks like more than a name",
    "contact.first_name": "the first word of it",
    "agent.name": "the agent who has the conversation; empty for nobody",
    "service.name": "`name` of `[service]`",
    "hours.opens": "when the policy's calendar opens next, such as `Monday 09:00`; empty without a calendar",
    "survey.question": "the survey's question",
    "survey.link": "the signed address at which it is answered",
}


def variables() -> str:
    """The variables of the built-in policies."""
    everywhere, survey = set(VARIABLES), set(_SURVEY_VARIABLES)
    rows = [
        (text.code(name), _MEANING[name], "every automatic text" if name in everywhere else "the policy `survey`")
        for name in (*VARIABLES, *sorted(survey - everywhere))
    ]
    return text.table(("variable", "value", "where"), rows)


PARTS = {
    "errors-tree": tree,
    "errors": each_error,
    "metrics": definitions,
    "filters": filters,
    "template-limits": limits,
    "variables": variables,
}

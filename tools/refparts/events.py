"""Facts, their envelope, actions, and the lifecycle: all from the classes and the table themselves."""

from __future__ import annotations

import inspect
import re

from carekit.facts import actions, events, nouns
from carekit.rules.lifecycle import TRANSITIONS
from refparts import text


def envelope() -> str:
    """The fields of an event."""
    rows = [(text.code(field.signature), field.doc) for field in text.fields(events.Event)]
    return text.table(("field", "what it holds"), rows)


def facts() -> str:
    """Every fact in the order of the source, under the headings of the source."""
    parts = []
    for line in inspect.getsource(events).splitlines():
        if heading := re.match(r"# --- (.+?) -+$", line):
            parts.append(f"### {heading[1].capitalize()}")
        elif (begun := re.match(r"class (\w+)\(Fact, ", line)) and (cls := getattr(events, begun[1])).kind:
            parts.append(_described(cls, f"#### `{cls.__name__}`\n\nStored as `{cls.kind}`. "))
    return "\n\n".join(parts)


def all_actions() -> str:
    """Every action in the order of the source."""
    return "\n\n".join(
        _described(cls, f"#### `{cls.__name__}`\n\n")
        for cls in vars(actions).values()
        if isinstance(cls, type) and issubclass(cls, actions.Action) and cls is not actions.Action
    )


def _described(cls: type, head: str) -> str:
    listed = text.fields(cls)
    lines = "\n".join(f"- `{field.signature}`" + (f": {field.doc}" if field.doc else "") for field in listed)
    return f"{head}{text.markdown(cls.__doc__)}" + (f"\n\n{lines}" if lines else "")


def values() -> str:
    """The small values that facts and actions hold."""
    held = (nouns.Address, nouns.Attachment, nouns.Source, events.Candidate, events.Decision)
    parts = [_described(cls, f"#### `{cls.__name__}`\n\n") for cls in held]
    for enum in (nouns.Status, nouns.DeliveryStatus, nouns.Presence):
        docs = text.attribute_docs(enum)
        listed = "\n".join(
            f"- `{item.value}`" + (f": {text.markdown(docs[item.name])}" if item.name in docs else "") for item in enum
        )
        parts.append(f"#### `{enum.__name__}`\n\n{text.markdown(enum.__doc__)}\n\n{listed}")
    return "\n\n".join(parts)


def lifecycle() -> str:
    """The table of statuses: from each one, the facts that move it and where they lead."""
    rows = [
        (text.code(status.value), text.code(fact.__name__), text.code(after.value))
        for status, row in TRANSITIONS.items()
        for fact, after in row.items()
    ]
    rows += [(text.code(status.value), "none", "") for status, row in TRANSITIONS.items() if not row]
    return text.table(("status", "fact", "status after it"), rows)


def diagram() -> str:
    """The same as a diagram."""
    first = next(iter(TRANSITIONS))
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {first.value}"]
    joined: dict[tuple[str, str], list[str]] = {}
    for status, row in TRANSITIONS.items():
        for fact, after in row.items():
            joined.setdefault((status.value, after.value), []).append(fact.__name__)
    lines += [f"    {before} --> {after}: {', '.join(names)}" for (before, after), names in joined.items()]
    lines += [f"    {status.value} --> [*]" for status, row in TRANSITIONS.items() if not row]
    return "\n".join([*lines, "```"])


PARTS = {
    "envelope": envelope,
    "facts": facts,
    "actions": all_actions,
    "values": values,
    "lifecycle": lifecycle,
    "diagram": diagram,
}

"""Templates substitute checked variables once, for the place the text is going to."""

from __future__ import annotations

import html
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit.ground.errors import TemplateError
from carekit.rules.templates import OUTPUT_LIMIT, SOURCE_LIMIT, Output, Template

NAMES = ["contact.first_name", "contact.email", "conversation.id", "today"]

PAYLOADS = [
    "{{7*7}}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{% for x in y %}",
    "{{ contact.email }}",
    "{{ contact.__class__ }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ contact.email | upper }}",
    "<script>alert(1)</script>",
    '" onmouseover="x',
    "' or ''='",
    "javascript:alert(1)",
    "\\1 \\g<0> %s %(a)s {0}",
    "}}",
    "{{",
]


def fill(source: str, output: Output = "text", **values: str) -> str:
    return Template.parse(source, values.keys() | set(NAMES)).render(values, output)


def refusal(source: str, variables: list[str] = NAMES) -> str:
    with pytest.raises(TemplateError) as caught:
        Template.parse(source, variables)
    return str(caught.value)


def test_a_variable_is_replaced_by_its_value() -> None:
    """A name with dots is one name in a flat list of values."""
    template = Template.parse("Hello {{ contact.first_name }}!", NAMES)
    assert template.render({"contact.first_name": "Ada"}) == "Hello Ada!"


@pytest.mark.parametrize("source", ["{{name}}", "{{ name }}", "{{\n\tname\n}}"])
def test_spaces_inside_the_braces_do_not_matter(source: str) -> None:
    """People write placeholders with and without room."""
    assert fill(source, name="Ada") == "Ada"


@pytest.mark.parametrize("value", ["", "  ", "\n"])
def test_default_replaces_a_blank_value(value: str) -> None:
    """A contact without a name is still greeted."""
    assert fill('Hello {{ name | default:"there" }}', name=value) == "Hello there"


def test_default_replaces_an_absent_value() -> None:
    """A variable that is known but has no value this time takes its default."""
    assert Template.parse("{{ today | default:'soon' }}", NAMES).render({}) == "soon"


def test_default_leaves_a_value_alone() -> None:
    """The default is only for lack of anything better."""
    assert fill('{{ name | default:"there" }}', name="Ada") == "Ada"


def test_an_empty_value_without_default_renders_as_nothing() -> None:
    """Empty is a value."""
    assert fill("[{{ name }}]", name="") == "[]"


def test_an_absent_value_without_default_is_refused_by_name() -> None:
    """Nobody is sent a text with a hole in it."""
    template = Template.parse("{{ today }} {{ contact.email }}", NAMES)
    assert template.missing({"today": "x"}) == ("contact.email",)
    with pytest.raises(TemplateError, match=r'no value for "contact\.email", "today"'):
        template.render({})


def test_upper_capitalises() -> None:
    """Capitals grow where the language wants it."""
    assert fill("{{ name | upper }}", name="straße") == "STRASSE"


@pytest.mark.parametrize(
    ("length", "expected"), [(1, "…"), (6, "Hello…"), (7, "Hello…"), (11, "Hello world"), (100_000, "Hello world")]
)
def test_truncate_keeps_at_most_that_many_characters(length: int, expected: str) -> None:
    """The ellipsis counts, and does not follow a space."""
    assert fill(f"{{{{ name | truncate:{length} }}}}", name="Hello world") == expected


@given(st.text(max_size=60), st.integers(1, 50))
def test_truncate_is_a_start_of_the_value_within_the_length(value: str, length: int) -> None:
    """What is left is the beginning of the value, marked when something was cut off."""
    found = fill(f"{{{{ name | truncate:{length} }}}}", name=value)
    assert len(found) <= length
    assert found == value or (found.endswith("…") and value.startswith(found[:-1]))


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("", "2024-03-05"),
        (':"%d %B %Y"', "05 March 2024"),
        (':"%a %b %d %y, %I:%M %p"', "Tue Mar 05 24, 01:07 PM"),
        (":'%A %H:%M:%S day %j, 100%%'", "Tuesday 13:07:09 day 065, 100%"),
    ],
)
def test_date_writes_a_moment_in_the_form_asked_for(form: str, expected: str) -> None:
    """ISO 8601 goes in, the author's form comes out, with English names on every machine."""
    assert fill("{{ when | date" + form + " }}", when="2024-03-05T13:07:09+00:00") == expected


@given(st.datetimes(datetime(1000, 1, 1)))
def test_date_codes_mean_what_strftime_means(when: datetime) -> None:
    """Every code gives what the standard library gives in an English locale."""
    form = "%Y|%y|%m|%d|%B|%b|%A|%a|%H|%I|%M|%S|%p|%j|%%"
    assert fill('{{ when | date:"' + form + '" }}', when=when.isoformat()) == when.strftime(form)


def test_date_leaves_what_is_no_date() -> None:
    """A contact's odd answer is shown as it was given."""
    assert fill("{{ when | date }}", when="next week") == "next week"


def test_filters_apply_in_order() -> None:
    """Each filter works on what the one before made."""
    assert fill('{{ name | default:"somebody" | truncate:5 | upper }}', name="") == "SOME…"


def test_a_quoted_text_writes_literal_braces() -> None:
    """An author who needs double braces quotes them."""
    assert fill('{{ "{{" }} name }} and {{ "say \\"}}\\" \\\\" }}') == '{{ name }} and say "}}" \\'


@pytest.mark.parametrize("source", ["{", "}", "}}", "{ name }", "a { b } c }}", "{% if %}", "${name}", "<%= x %>", ""])
def test_other_braces_are_ordinary_text(source: str) -> None:
    """Only two opening braces begin a placeholder."""
    assert fill(source) == source


@given(st.text(alphabet=st.characters(exclude_characters="{"), max_size=200))
def test_text_without_double_braces_is_unchanged(source: str) -> None:
    """A template without placeholders is its own result."""
    assert fill(source) == source


def test_variables_names_what_is_used() -> None:
    """The names come without repetition, quoted texts not among them."""
    template = Template.parse('{{ today }} {{ today }} {{ "x" }} {{ contact.email | upper }}', NAMES)
    assert template.variables == {"today", "contact.email"}


# ---- refusals


def test_all_problems_are_listed_with_place_and_suggestion() -> None:
    """One look at the message is enough to mend the template."""
    message = refusal("Hi {{ contact.frist_name }},\n{{ today | dat }} {{ zebra }}")
    assert message.splitlines() == [
        "template has 3 problems:",
        '  line 1, column 7: unknown variable "contact.frist_name" (did you mean "contact.first_name"?)',
        '  line 2, column 12: unknown filter "dat" (did you mean "date"?)',
        '  line 2, column 22: unknown variable "zebra"',
        "known variables: contact.email, contact.first_name, conversation.id, today",
        "known filters: date, default, truncate, upper",
    ]


@pytest.mark.parametrize(
    "expression",
    [
        "contact.__class__",
        "contact.first_name.upper",
        "contact.first_name.__class__.__mro__",
        "contact.delete()",
        "7*7",
        "self",
        "config",
        "contact['email']",
        "lipsum(n=9)",
        "range(99999)",
        "'a'*10**9",
        "today|attr('x')",
        "today|format",
        "today or 1",
        "today; today",
        "today, today",
        "a if b else c",
        "[1]*9",
        "(today)",
        "%s",
        "#each x",
        "> partial",
        "&today",
    ],
)
def test_attributes_calls_and_operators_are_refused(expression: str) -> None:
    """Whatever is more than a known name and known filters is an error for the author."""
    assert "template has" in refusal("{{ " + expression + " }}")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ }}", "placeholder is empty"),
        ("{{ today", "placeholder is not closed"),
        ("{{ today }", "placeholder is not closed"),
        ('{{ today | default:"x }}', "line 1, column 20: quoted text is not closed"),
        ("{{ today | default:'x' ' y' '", "placeholder is not closed"),
        ("{{ today and {{ today }}", "placeholder is not closed"),
        ("{{ today | }}", '"|" needs a filter'),
        ("{{ | upper }}", 'unexpected "|"'),
        ("{{ today upper }}", 'unexpected "upper"'),
        ("{{ {today} }}", 'unexpected "{"'),
        ("{{ today | upper:1 }}", 'filter "upper" takes no argument'),
        ("{{ today | default }}", 'filter "default" needs a text'),
        ("{{ today | default: }}", '":" needs a number, or a text in straight quotes'),
        ("{{ today | default:there }}", '":" needs a number, or a text in straight quotes'),
        ("{{ today | default:“there” }}", '":" needs a number, or a text in straight quotes'),
        ("{{ today | truncate }}", 'filter "truncate" needs a length'),
        ("{{ today | truncate:0 }}", 'filter "truncate" needs a length'),
        ("{{ today | truncate:100001 }}", 'filter "truncate" needs a length'),
        ("{{ today | truncate:9999999999 }}", 'filter "truncate" needs a length'),
        ("{{ today | truncate:٣ }}", 'filter "truncate" needs a length'),
        ('{{ today | date:"%Q %d %" }}', 'filter "date" does not know %Q, %'),
    ],
)
def test_each_mistake_is_explained(source: str, said: str) -> None:
    """The message says what is wrong in the author's terms."""
    assert said in refusal(source)


@pytest.mark.parametrize("source", ["{{ today | default:there }}", '{{ today | default:"there }}', "{{ today's }}"])
def test_one_mistake_is_reported_once(source: str) -> None:
    """A missing quote does not also count as a wrong argument."""
    assert refusal(source).startswith("template has a problem:")


def test_a_placeholder_after_an_unclosed_one_is_still_checked() -> None:
    """The search for mistakes goes on behind the first."""
    message = refusal("{{ today and {{ tody }}")
    assert "line 1, column 1: placeholder is not closed" in message
    assert 'line 1, column 17: unknown variable "tody" (did you mean "today"?)' in message


def test_thousands_of_problems_are_cut_short() -> None:
    """The message stays readable and says how much more there is."""
    message = refusal("{{x}}" * 5_000)
    assert "template has 5000 problems:" in message
    assert "and 4950 more" in message
    assert len(message) < 5_000


def test_a_very_long_name_is_shown_in_part() -> None:
    """A pasted page between braces does not fill the message."""
    assert len(refusal("{{" + "x" * 30_000 + "}}")) < 300


def test_without_any_variables_the_message_says_none() -> None:
    """A template that may use nothing says so."""
    assert refusal("{{ name }}", []).endswith("known variables: none")


def test_the_source_is_limited_in_bytes() -> None:
    """32 KB pass, one byte more does not, and a wide character counts as it is stored."""
    assert Template.parse("x" * SOURCE_LIMIT, []).render({}) == "x" * SOURCE_LIMIT
    assert "32769 bytes, more than the limit of 32768" in refusal("x" * (SOURCE_LIMIT + 1))
    assert "more than the limit" in refusal("é" * (SOURCE_LIMIT // 2 + 1))


def test_the_output_is_limited_in_bytes() -> None:
    """256 KB pass and one byte more does not."""
    assert len(fill("{{ name }}", name="x" * OUTPUT_LIMIT)) == OUTPUT_LIMIT
    with pytest.raises(TemplateError, match="more than 262144 bytes"):
        fill("{{ name }}", name="x" * OUTPUT_LIMIT + "x")
    with pytest.raises(TemplateError, match="more than 262144 bytes"):
        fill("{{ name }}", name="é" * (OUTPUT_LIMIT // 2 + 1))


def test_many_small_pieces_cannot_pass_the_limit_together() -> None:
    """A value repeated thousands of times stops at the limit."""
    with pytest.raises(TemplateError, match="more than 262144 bytes"):
        fill("{{name}}" * 4_000, name="x" * 1_000)


def test_escaping_counts_towards_the_limit() -> None:
    """What is sent is measured, not what was put in."""
    assert len(fill("{{ name }}", name="&" * 100_000)) == 100_000
    with pytest.raises(TemplateError, match="more than 262144 bytes"):
        fill("{{ name }}", "html", name="&" * 100_000)


def test_a_truncated_value_may_be_longer_than_the_limit() -> None:
    """Only what comes out counts."""
    assert fill("{{ name | truncate:3 }}", name="x" * (OUTPUT_LIMIT * 2)) == "xx…"


@pytest.mark.parametrize("value", [5, None, ["x"], object()])
def test_a_value_that_is_no_text_is_refused(value: Any) -> None:
    """An object is never written out as whatever its class makes of it."""
    with pytest.raises(TemplateError, match='value of "today" is a'):
        Template.parse('{{ today | default:"x" }}', NAMES).render({"today": value})


# ---- what values may do


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_value_appears_literally_in_text(payload: str) -> None:
    """No template language inside a value is ever run."""
    template = Template.parse("<{{ contact.first_name }}|{{ contact.email }}>", NAMES)
    assert template.render({"contact.first_name": payload, "contact.email": "secret"}) == f"<{payload}|secret>"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_value_appears_literally_in_html(payload: str) -> None:
    """A browser shows the value as it was written, in text and in a quoted attribute."""
    found = fill('<a title="{{ name }}">{{ name }}</a>', "html", name=payload)
    escaped = found.removeprefix('<a title="').removesuffix("</a>")
    title, text = escaped.split('">')
    assert (html.unescape(title), html.unescape(text)) == (payload, payload)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_default_is_not_a_template_either(payload: str) -> None:
    """What a filter adds is as literal as a value."""
    quoted = payload.replace("\\", "\\\\").replace('"', '\\"')
    assert fill('{{ name | default:"' + quoted + '" }}', name="") == payload


@given(st.text(max_size=100))
def test_any_value_is_put_in_unchanged(value: str) -> None:
    """Text output adds and removes nothing."""
    assert fill("a{{ name }}b{{ name }}c", name=value) == f"a{value}b{value}c"


@given(st.text(max_size=100))
def test_no_value_leaves_its_place_in_html(value: str) -> None:
    """The escaped value has nothing that could end a text or a quoted attribute, and reads as the original."""
    found = fill("{{ name }}", "html", name=value)
    assert not set(found) & set("<>\"'")
    assert found == html.escape(value)


def test_markup_of_the_template_itself_stays() -> None:
    """The author's markup is markup; only what placeholders give is escaped, defaults included."""
    assert fill('<b>{{ name | default:"<i>" }}</b>', "html", name="") == "<b>&lt;i&gt;</b>"


@given(st.text(max_size=100), st.text(alphabet=st.characters(exclude_characters="{"), max_size=40))
def test_no_header_has_line_breaks_or_controls(value: str, around: str) -> None:
    """Neither a value nor the template can begin another header."""
    found = fill(around + "{{ name }}", "header", name=value)
    assert len(found.splitlines()) <= 1
    assert found.isprintable() or not any(ord(mark) < 32 or 127 <= ord(mark) < 160 for mark in found)
    found.encode()


@pytest.mark.parametrize("mark", ["\r\n", "\n", "\r", "\0", "\t", "\x0b", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"])
def test_a_header_gets_a_space_for_what_it_may_not_have(mark: str) -> None:
    """A smuggled line stays part of the subject."""
    assert fill("Re: {{ name }}", "header", name=f"hi{mark}Bcc: all@example.com") == "Re: hi Bcc: all@example.com"


def test_a_header_is_trimmed() -> None:
    """A subject that ends in a line break ends without it."""
    assert fill(" {{ name }}\r\n", "header", name="hi\n") == "hi"


@given(st.text(alphabet=list("{}|:\"'\\ \nax1%"), max_size=80))
def test_any_source_is_parsed_or_refused(source: str) -> None:
    """No source makes anything but a template or a TemplateError, and a template always renders."""
    try:
        template = Template.parse(source, ["a", "x"])
    except TemplateError:
        return
    assert isinstance(template.render({"a": "1", "x": "2"}), str)


@pytest.mark.parametrize("piece", ["{{", '{{"', '{{ "\\" }}', "'\\\"", "{{a|", "{{a:}}", "{", '"\\'])
def test_a_source_of_nothing_but_mistakes_is_answered(piece: str) -> None:
    """A full-length template of repeated fragments is parsed or refused like a short one."""
    source = piece * (SOURCE_LIMIT // len(piece))
    if "{{" in source:
        assert refusal(source).startswith("template has")
    else:
        assert fill(source) == source

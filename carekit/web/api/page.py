"""The page about the API for people: rendered here, with one small style sheet and nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import jinja2

from carekit.seams.desk import Desk
from carekit.web.api.endpoint import Endpoint
from carekit.web.problems import KINDS

CSP = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}

CSS = """\
:root { color-scheme: light dark; --ck-bg: #F5F6F7; --ck-surface: #FFFFFF; --ck-border: #D7DBE0; --ck-text: #15191D;
  --ck-text-2: #454D56; --ck-accent-text: #0A5F57; --ck-accent-soft: #DDF1EE; --ck-focus: #1B5CCB; }
@media (prefers-color-scheme: dark) {
  :root { --ck-bg: #0F1215; --ck-surface: #171B1F; --ck-border: #313940; --ck-text: #ECEFF2; --ck-text-2: #B9C2CA;
    --ck-accent-text: #7ADCCF; --ck-accent-soft: #12342F; --ck-focus: #8AB4FF; }
}
body { margin: 0; background: var(--ck-bg); color: var(--ck-text);
  font: 15px/22px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-inline-size: 60rem; margin-inline: auto; padding: 24px 16px; }
h1 { font-size: 20px; line-height: 28px; } h2 { font-size: 16px; line-height: 22px; margin-block-start: 32px; }
a { color: var(--ck-accent-text); } a:focus-visible { outline: 2px solid var(--ck-focus); outline-offset: 2px; }
article { background: var(--ck-surface); border: 1px solid var(--ck-border); border-radius: 10px; padding: 12px 16px;
  margin-block: 12px; }
h3 { font-size: 15px; margin: 0; font-weight: 550; overflow-wrap: anywhere; }
code, pre { font: 13px/18px ui-monospace, "Cascadia Mono", Menlo, monospace; }
pre { overflow-x: auto; margin-block-end: 0; color: var(--ck-text-2); }
.method { background: var(--ck-accent-soft); color: var(--ck-accent-text); border-radius: 6px; padding: 2px 8px; }
p { color: var(--ck-text-2); margin-block: 8px; } dt { font-weight: 550; } dd { color: var(--ck-text-2); }
"""

_TEMPLATE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ name }}: API</title>
<link rel="stylesheet" href="{{ url('/api/style.css') }}">
</head>
<body>
<main>
<h1>{{ name }}: API</h1>
<p>Programs read and act here with a bearer token of the configuration file. The same as an
<a href="{{ url('/api/openapi.json') }}">OpenAPI document</a>.</p>
<h2>Endpoints</h2>
{% for endpoint in endpoints %}
<article id="{{ endpoint.name }}">
<h3><span class="method">{{ endpoint.method }}</span> <code>/api{{ endpoint.path }}</code></h3>
<p>{{ endpoint.summary }}. Needs a token that may {{ endpoint.needs }}.</p>
<pre tabindex="0">{{ curl(endpoint) }}</pre>
</article>
{% endfor %}
<h2>Problems</h2>
<p>A refusal is <code>application/problem+json</code> (RFC 9457); its <code>type</code> leads here.</p>
<dl>
{% for kind in kinds %}
<dt id="problem-{{ kind.slug }}">{{ kind.status }} {{ kind.title }}</dt>
<dd>{{ kind.meaning }}</dd>
{% endfor %}
</dl>
</main>
</body>
</html>
"""


@cache
def _template() -> jinja2.Template:
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(_TEMPLATE)


def page(desk: Desk, endpoints: Sequence[Endpoint]) -> str:
    """The page as HTML."""

    def curl(endpoint: Endpoint) -> str:
        address = desk.url(f"/api{endpoint.path.replace('{id}', 'ID')}")
        lines = [f"curl -H 'Authorization: Bearer TOKEN' {address}"]
        if endpoint.body:
            lines.append("  -H 'Content-Type: application/json' -H 'Idempotency-Key: KEY'")
            lines.append(f"  -d '{endpoint.sample or '{}'}'")
        return " \\\n".join(lines)

    def path(text: str) -> str:
        return text  # relative to whatever host the reader came by, so that the policy's 'self' holds

    return _template().render(name=desk.name, endpoints=endpoints, kinds=KINDS.values(), curl=curl, url=path)

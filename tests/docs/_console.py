"""A browser without a screen or scripts: it reads pages, fills in forms and sends them."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import httpx2


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append((given.get("action", ""), {}))
        elif tag == "input" and self.forms and given.get("type") == "hidden":
            self.forms[-1][1][given["name"]] = given.get("value", "")


class Browser:
    """Keeps cookies and sends forms as they stand on a page."""

    def __init__(self, base: str) -> None:
        self.client = httpx2.Client(base_url=base, follow_redirects=True, headers={"Origin": base}, timeout=30)

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def open(self, path: str) -> str:
        """The page at *path*."""
        return self.client.get(path).raise_for_status().text

    def send(self, page: str, form: str, **fields: Any) -> str:
        """Send the form on the page at *page* whose address ends with *form*; the page that follows."""
        reader = _Forms()
        reader.feed(self.open(page))
        action, hidden = next(found for found in reader.forms if found[0].endswith(form))
        return self.client.post(action, data={**hidden, **fields}).raise_for_status().text

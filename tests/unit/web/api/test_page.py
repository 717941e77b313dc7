"""The page about the API."""

from __future__ import annotations

import re

from carekit.testing.desk import DeskKit
from carekit.web.api.page import page
from carekit.web.api.table import ENDPOINTS
from carekit.web.problems import KINDS
from tests.unit.web._web import Web


def test_it_lists_every_endpoint_and_every_problem(web: Web) -> None:
    """Each endpoint has its place with a sample, and each problem's address leads to its explanation."""
    text = web.get("/api", "").text
    for endpoint in ENDPOINTS:
        assert f'id="{endpoint.name}"' in text
    for kind in KINDS.values():
        assert f'id="{kind.type.partition("#")[2]}"' in text
    assert text.count("curl -H") == len(ENDPOINTS)


def test_it_needs_nothing_from_elsewhere(web: Web) -> None:
    """The policy lets in the page's own style sheet and nothing else; there is no script and no inline style."""
    response = web.get("/api", "")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script|style=|\son\w+=|src=", response.text)
    for address in re.findall(r'href="([^"]+)"', response.text):
        assert web.get(address, "").status_code == 200


def test_names_are_text(kit: DeskKit) -> None:
    """What the file says is escaped."""
    kit.desk.name = "<b>care</b>"
    assert "<b>" not in page(kit.desk, ENDPOINTS)

"""Who may read the page, and what it does when the store is away."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from prometheus_harness import Page, web_of
from starlette.testclient import TestClient

from carekit import Secret, StoreError
from carekit.testing import DeskKit
from carekit.testing.desk import MINIMAL
from carekit_prometheus import plugin
from carekit_prometheus.app import Metrics, MetricsSettings
from carekit_prometheus.meters import OTHER, Bounded

Make = Callable[[str], DeskKit]
TOKEN = "a token of good length"


def get(web: TestClient, **headers: str) -> int:
    """The status of the page."""
    return web.get("/metrics/", headers={name.replace("_", "-"): value for name, value in headers.items()}).status_code


@pytest.mark.parametrize(
    ("host", "status"), [("127.0.0.1", 200), ("127.8.8.8", 200), ("::1", 200), ("10.0.0.7", 403), ("unknown", 403)]
)
def test_without_a_token_only_this_machine_reads(make: Make, host: str, status: int) -> None:
    """What is not set up is not public."""
    assert get(web_of(make(""), host)) == status


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "X-Forwarded-Host"])
def test_what_a_proxy_passes_on_is_not_this_machine(make: Make, header: str) -> None:
    """Behind a proxy on the same machine everybody has a loopback address."""
    assert web_of(make("")).get("/metrics/", headers={header: "127.0.0.1"}).status_code == 403


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN}", 200),
        (f"Basic {TOKEN}", 401),
        (f"Bearer {TOKEN}x", 401),
        ("Bearer ", 401),
        ("", 401),
    ],
)
def test_with_a_token_everybody_needs_it(make: Make, given: str, status: int) -> None:
    """From near and from far."""
    kit = make(f'token = "{TOKEN}"')
    for host in ("127.0.0.1", "10.0.0.7"):
        answer = web_of(kit, host).get("/metrics/", headers={"Authorization": given})
        assert answer.status_code == status
        assert ("www-authenticate" in answer.headers) == (status == 401)
        assert TOKEN not in answer.text


def test_a_short_token_is_a_fault() -> None:
    """A guessable secret is none."""
    (problem,) = Metrics("metrics", MetricsSettings(token=Secret("short"))).check()
    assert "too short" in problem and "short" not in problem.replace("too short", "")
    assert list(Metrics("metrics", MetricsSettings(token=Secret(TOKEN))).check()) == []


def test_the_page_is_text_that_nobody_keeps(make: Make) -> None:
    """The format Prometheus reads, not to be cached, and not to be posted to."""
    web = web_of(make(""))
    answer = web.get("/metrics/")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["cache-control"] == "no-store"
    assert web.post("/metrics/").status_code == 405


def test_a_store_that_is_away_is_told(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures of the store disappear, what was counted stays."""
    page.kit.write("hello")
    assert page.figures()['carekit_conversations{status="open"}'] == 1

    def away(*_: object) -> int:
        raise StoreError("the store is away")

    monkeypatch.setattr(page.kit.service.store, "count", away)
    figures = page.figures()
    assert figures["carekit_store_up"] == 0
    assert not any(name.startswith(("carekit_conversations", "carekit_agent_slots")) for name in figures)
    assert figures['carekit_events_total{channel="loop",kind="message_received"}'] == 1


def test_a_label_has_only_so_many_values() -> None:
    """What comes later is one value together; what is known stays itself."""
    bounded = Bounded(2)
    assert [bounded(value) for value in ("a", "b", "c", "a", "d")] == ["a", "b", OTHER, "a", OTHER]


def test_the_beginning_it_suggests_works() -> None:
    """What `carekit init` writes for it makes a desk with this page."""
    with DeskKit(MINIMAL + Metrics.starter, extra={"prometheus": plugin}, discover=False) as kit:
        assert kit.service.settings.apps["metrics"].component.path == "/metrics"

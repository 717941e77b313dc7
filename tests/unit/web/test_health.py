"""What probes are told."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from carekit.seams.component import Health
from carekit.testing.desk import DeskKit
from carekit.web.health import scrub
from tests.unit.web._web import SHOP, Web, make_app


def ready_with(kit: DeskKit, healths: Sequence[Health] | Exception) -> Web:
    async def ready() -> Sequence[Health]:
        if isinstance(healths, Exception):
            raise healths
        return healths

    return Web(kit, make_app(kit, ready=ready))


def test_the_process_answers(web: Web) -> None:
    """healthz asks nothing of anybody."""
    assert web.get("/healthz", "").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("states", "status", "worst"),
    [((), 200, "ok"), (("ok", "ok"), 200, "ok"), (("ok", "degraded"), 200, "degraded"),
     (("degraded", "failed", "ok"), 503, "failed"), (("strange",), 503, "failed")],
)  # fmt: skip
def test_the_worst_component_counts(kit: DeskKit, states: Sequence[str], status: int, worst: str) -> None:
    """A degraded service still takes requests, a failed one does not, and who may read is told each component."""
    web = ready_with(kit, [Health(f"part-{n}", state) for n, state in enumerate(states)])
    response = web.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (status, worst)
    assert [part["name"] for part in response.json()["components"]] == [f"part-{n}" for n in range(len(states))]


@pytest.mark.parametrize("token", ["", "wrong-0123456789abcdef", SHOP], ids=["none", "wrong", "limited"])
@pytest.mark.parametrize(("state", "status"), [("ok", 200), ("degraded", 200), ("failed", 503)])
def test_everybody_else_is_told_how_it_is_and_no_more(kit: DeskKit, token: str, state: str, status: int) -> None:
    """No names and no details; a token that is wrong, or for one inbox, does not turn a probe's answer."""
    response = ready_with(kit, [Health("support-mail", state, "imap.host.example refused")]).get("/readyz", token)
    assert (response.status_code, response.json()) == (status, {"status": state})


def test_without_the_api_a_token_opens_the_health(kit: DeskKit) -> None:
    """A process that only works in the background tells the same, and has no API."""
    web = Web(kit, make_app(kit, api=False))
    assert [part["name"] for part in web.get("/readyz").json()["components"]] == ["store"]
    assert web.get("/api/v1/agents").status_code == 404


def test_health_that_cannot_be_told_is_failed(kit: DeskKit) -> None:
    """A broken check is a failure without its words."""
    response = ready_with(kit, RuntimeError("hunter2")).get("/readyz", "")
    assert response.status_code == 503
    assert "hunter2" not in response.text


@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        ("cannot reach postgresql://care:hunter2@db/care", "cannot reach postgresql://…@db/care"),
        ("password=hunter2 is wrong", "password=… is wrong"),
        ("refused: Token: hunter2", "refused: Token: …"),
        ("api_key=hunter2", "api_key=…"),
        ("3 messages wait; https://docs.example/x", "3 messages wait; https://docs.example/x"),
    ],
)
def test_details_hold_no_credentials(kit: DeskKit, detail: str, shown: str) -> None:
    """What looks like a credential is cut out of the detail, and the rest stays."""
    assert scrub(detail) == shown
    told = ready_with(kit, [Health("store", "failed", detail)]).get("/readyz").json()
    assert told["components"][0]["detail"] == shown

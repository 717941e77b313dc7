"""Bearer tokens: what makes one, how they are told apart, and how often a wrong one may be tried."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit.ground.errors import ConfigError
from carekit.seams.scope import EVERYTHING
from carekit.seams.settings import Secret
from carekit.testing.desk import DeskKit
from carekit.web.tokens import ApiToken, Failures, Tokens
from tests.unit.web._web import READ, Web, make_app

KEY = "0123456789abcdef0123456789"


def test_a_token_is_known_by_itself_or_by_its_digest() -> None:
    """The file may hold the token or only its SHA-256."""
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    for key in (Secret(KEY), digest):
        assert Tokens([ApiToken("one", key)]).find(KEY) is not None


@given(st.text(max_size=40))
def test_nothing_else_is_a_token(presented: str) -> None:
    """Whatever else is presented finds none, the digest itself included."""
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    tokens = Tokens([ApiToken("one", Secret(KEY))])
    assert tokens.find(presented) is None
    assert tokens.find(digest) is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: ApiToken("", Secret(KEY)),
        lambda: ApiToken("a b", Secret(KEY)),
        lambda: ApiToken("one", Secret("short")),
        lambda: ApiToken("one", "not a digest"),
        lambda: ApiToken("one", Secret(KEY), {"admin"}),
        lambda: Tokens([ApiToken("one", Secret(KEY)), ApiToken("one", Secret(f"{KEY}x"))]),
        lambda: Tokens([ApiToken("one", Secret(KEY)), ApiToken("two", Secret(KEY))]),
    ],
)
def test_a_token_that_cannot_be_is_a_fault_of_the_file(make) -> None:
    """Odd names, short secrets, unknown rights and doubles are refused, without showing the secret."""
    with pytest.raises(ConfigError) as fault:
        make()
    assert KEY not in str(fault.value)


def test_a_token_does_not_show_itself() -> None:
    """Its repr has no key."""
    assert KEY not in repr(ApiToken("one", Secret(KEY)))


def test_no_inboxes_means_all() -> None:
    """As with agents, an empty list limits nothing."""
    assert ApiToken("one", Secret(KEY)).scope is EVERYTHING
    assert ApiToken("one", Secret(KEY), inboxes={"shop"}).scope.inboxes == {"shop"}


def test_who_may_write_may_read() -> None:
    """Writing includes reading and not the other way round."""
    assert ApiToken("one", Secret(KEY), {"write"}).allows("read")
    assert not ApiToken("one", Secret(KEY), {"read"}).allows("write")
    assert not ApiToken("one", Secret(KEY), ()).allows("read")


def test_failures_are_counted_over_a_window() -> None:
    """A remote that has used up its failures waits until the oldest is past, and others do not."""
    now = [100.0]
    failures = Failures(most=2, window=60, clock=lambda: now[0])
    assert [failures.note("192.0.2.1") for _ in range(3)] == [0, 0, 60]
    assert failures.note("192.0.2.2") == 0
    now[0] = 130.0
    assert failures.note("192.0.2.1") == 30
    now[0] = 161.0
    assert failures.note("192.0.2.1") == 0


def test_one_network_is_one_remote() -> None:
    """Nobody gets more tries from the many addresses of one IPv6 network."""
    failures = Failures(most=1, clock=lambda: 0.0)
    assert failures.note("2001:db8::1") == 0
    assert failures.note("2001:db8::ffff") > 0
    assert failures.note("2001:db8:0:1::1") == 0


def test_remotes_are_forgotten_rather_than_gathered() -> None:
    """A flood of addresses takes no more memory than the table has room for."""
    failures = Failures(most=1, remotes=3, clock=lambda: 0.0)
    for n in range(50):
        failures.note(f"192.0.2.{n}")
    assert len(failures._seen) == 3
    assert failures.note("192.0.2.0") == 0


def test_wrong_tokens_are_slowed_down_and_right_ones_are_not(kit: DeskKit) -> None:
    """After too many wrong tokens the remote is told to wait; somebody else behind the same address is not shut out."""
    web = Web(kit, make_app(kit))
    answers = [web.get("/api/v1/agents", "wrong-0123456789abcdef") for _ in range(21)]
    assert [answer.status_code for answer in answers] == [401] * 20 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert web.get("/api/v1/agents", READ).status_code == 200


def test_a_request_without_a_token_is_no_failure(kit: DeskKit) -> None:
    """Asking without a token guesses nothing."""
    web = Web(kit, make_app(kit))
    assert {web.get("/api/v1/agents", "").status_code for _ in range(30)} == {401}


def test_without_tokens_nobody_is_let_in(kit: DeskKit) -> None:
    """A file without tokens has an API that refuses everybody."""
    assert Web(kit, make_app(kit, tokens=())).get("/api/v1/agents", READ).status_code == 401

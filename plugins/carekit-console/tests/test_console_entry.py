"""Who gets in, how long they stay, and what ends a session."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from console_harness import World

from carekit_console.limiter import KEPT, PER_ACCOUNT, Limiter


@pytest.fixture(scope="module")
def staffed() -> Iterator[World]:
    """A world with two agents, for tests in which nobody gets in."""
    made = World()
    made.kit.add_agent("lena")
    made.kit.add_agent("marc")
    yield made
    made.kit.close()


def test_the_right_password_opens_the_console(world: World) -> None:
    """A log-in leads on to the first view."""
    world.kit.add_agent("lena")
    visitor = world.visitor()
    assert visitor.log_in("lena").status_code == 303
    assert "Nothing is assigned to you" in visitor.get("/", follow_redirects=True).text


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("lena", "wrong"),
        ("lena", ""),
        ("lena", "password-of-lena "),
        ("lena", "x" * 5_000),
        ("lena", "\0"),
        ("", "password-of-lena"),
        ("nobody", "password-of-lena"),
        ("marc", "password-of-lena"),
        ("lena:0", "password-of-lena"),
        ("' or 1=1 --", "password-of-lena"),
    ],
)
def test_no_other_secret_opens_it(staffed: World, email: str, password: str) -> None:
    """Wrong, empty, over-long, somebody else's: refused in the same words, and no session begins."""
    visitor = staffed.visitor()
    answer = visitor.post("/login", {"email": email, "password": password})
    assert answer.status_code == 401
    assert "E-mail or password is not right" in answer.text
    assert "carekit-console" not in visitor.client.cookies


def test_repeated_fields_do_not_become_a_list(world: World) -> None:
    """Of two passwords in one form the first counts."""
    world.kit.add_agent("lena")
    visitor = world.visitor()
    body = f"csrf={visitor.token()}&email=lena&password=wrong&password=password-of-lena"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = world.kit.run(visitor.client.post("/console/login", content=body, headers=kind))
    assert answer.status_code == 401


def test_a_deactivated_agent_stays_out(world: World) -> None:
    """The right password of a deactivated agent is refused like a wrong one."""
    world.kit.add_agent("lena")
    world.deactivate("lena")
    assert world.visitor().log_in("lena").status_code == 401


def test_deactivation_ends_the_session_at_the_next_request(world: World) -> None:
    """A session does not outlive its agent."""
    visitor = world.agent("lena")
    world.deactivate("lena")
    assert visitor.get("/view/mine").headers["location"].startswith("/console/login")
    assert visitor.get("/view/mine", headers={"Accept": "application/json"}).status_code == 401


def test_a_new_password_ends_every_session(world: World) -> None:
    """Raising the session epoch makes all cookies of the agent worthless."""
    visitor = world.agent("lena")
    world.kit.run(world.kit.desk.set_password("lena", "another password", "agent:lena"))
    assert visitor.get("/view/mine").status_code == 303


def test_logging_out_ends_also_a_copy_of_the_cookie(world: World) -> None:
    """A cookie that was copied before the log-out is worth nothing after it."""
    visitor, copy = world.agent("lena"), world.visitor()
    token = visitor.get("/view/mine").text.split('name="csrf" value="')[1].split('"')[0]
    copy.client.cookies.update(dict(visitor.client.cookies))
    assert copy.get("/view/mine").status_code == 200
    visitor.post("/logout", {"csrf": token})
    assert visitor.get("/view/mine").status_code == 303
    assert copy.get("/view/mine").status_code == 303


def test_each_log_in_gets_a_token_of_its_own(world: World) -> None:
    """A cookie planted before the log-in is not the session's afterwards."""
    first = world.agent("lena")
    world.kit.clock.advance("1m")
    planted = first.client.cookies["carekit-console"]
    second = world.visitor()
    token = second.token()
    second.client.cookies.set("carekit-console", planted, domain="console.test", path="/console")
    second.post("/login", {"csrf": token, "email": "lena", "password": "password-of-lena"})
    assert planted not in [cookie.value for cookie in second.client.cookies.jar if cookie.name == "carekit-console"]


def test_idleness_ends_a_session_and_work_prolongs_it(world: World) -> None:
    """Twelve hours without a request end it; requests in between push that out, what a page asks by itself does not."""
    visitor = world.agent("lena")
    for _ in range(3):
        world.kit.clock.advance("11h")
        assert visitor.get("/view/mine").status_code == 200
    world.kit.clock.advance("11h")
    assert visitor.get("/who", headers={"X-Console-Live": "1"}).status_code == 200
    world.kit.clock.advance("2h")
    assert visitor.get("/view/mine").status_code == 303


@pytest.mark.parametrize("purpose", ["console-csrf", "chat-session", "survey"])
def test_a_token_of_another_purpose_is_no_session(world: World, purpose: str) -> None:
    """What was signed for something else opens nothing."""
    world.kit.add_agent("lena")
    issued = int(world.kit.clock.now().timestamp())
    token = world.kit.desk.sign(purpose, f"lena:0:{issued}:nonce")
    visitor = world.visitor()
    visitor.client.cookies.set("carekit-console", token, domain="console.test", path="/console")
    assert visitor.get("/view/mine").status_code == 303


@pytest.mark.parametrize(
    "value", ["", "lena", "lena:0", "lena:x:1:n", "lena:0:99999999999999999:n", "marc:0:{now}:n", ":0:{now}:n"]
)
def test_a_signed_value_of_another_shape_is_no_session(world: World, value: str) -> None:
    """Even with our own signature, what does not read as a session of a known agent is none."""
    world.kit.add_agent("lena")
    token = world.kit.desk.sign("console-session", value.format(now=int(world.kit.clock.now().timestamp())))
    visitor = world.visitor()
    visitor.client.cookies.set("carekit-console", token, domain="console.test", path="/console")
    assert visitor.get("/view/mine").status_code == 303


def test_too_many_attempts_at_an_account_must_wait(world: World) -> None:
    """After the limit even the right password waits, from any address, with a clear word; later it works again."""
    world.kit.add_agent("lena")
    visitor = world.visitor()
    assert {visitor.log_in("lena", "wrong password").status_code for _ in range(PER_ACCOUNT)} == {401}
    answer = visitor.log_in("LENA", "password-of-lena")
    assert answer.status_code == 429
    assert "Too many attempts. You can try again in 15 min." in answer.text
    assert answer.headers["retry-after"] == "901"
    world.kit.clock.advance("16m")
    assert visitor.log_in("lena").status_code == 303


def test_attempts_are_counted_by_key_and_forgotten_in_time() -> None:
    """Each key has its own window, which slides; a success clears it."""
    start, limiter = datetime(2024, 1, 8, tzinfo=UTC), Limiter(2)
    for minutes in (0, 10):
        limiter.count("192.0.2.1", start + timedelta(minutes=minutes))
    at = start + timedelta(minutes=11)
    assert limiter.wait("192.0.2.1", at) == timedelta(minutes=4)
    assert limiter.wait("192.0.2.2", at) == timedelta(0)
    assert limiter.wait("192.0.2.1", at + timedelta(minutes=4)) == timedelta(0)
    limiter.clear("192.0.2.1")
    assert limiter.wait("192.0.2.1", at) == timedelta(0)


def test_the_limiter_forgets_the_oldest_keys_first() -> None:
    """However many addresses try, its memory is bounded."""
    start, limiter = datetime(2024, 1, 8, tzinfo=UTC), Limiter(1)
    for number in range(KEPT + 1):
        limiter.count(str(number), start)
    assert limiter.wait("0", start) == timedelta(0)
    assert limiter.wait(str(KEPT), start) > timedelta(0)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/console//evil.example",
        "/console/../x",
        "/api",
        "/console/c/a\\b",
        "javascript:alert(1)",
    ],
)
def test_no_redirect_leads_elsewhere(world: World, target: str) -> None:
    """Whatever ``next`` says, the log-in ends on one of our own pages."""
    world.kit.add_agent("lena")
    visitor = world.visitor()
    answer = visitor.post("/login", {"email": "lena", "password": "password-of-lena", "next": target})
    assert answer.headers["location"] == "/console/"


def test_a_deep_link_survives_the_log_in(world: World) -> None:
    """Who follows a link to a conversation lands there after logging in."""
    world.kit.add_agent("lena")
    visitor = world.visitor()
    target = visitor.get("/c/c_1?view=all").headers["location"]
    assert target == "/console/login?next=/console/c/c_1%3Fview%3Dall"
    answer = visitor.post(
        "/login", {"email": "lena", "password": "password-of-lena", "next": "/console/c/c_1?view=all"}
    )
    assert answer.headers["location"] == "/console/c/c_1?view=all"


def test_cookies_are_kept_from_scripts_and_other_sites() -> None:
    """HttpOnly and SameSite always; Secure, and a name that says so, under https."""
    world = World(secure=True)
    try:
        world.kit.add_agent("lena")
        answer = world.visitor().log_in("lena")
        session = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("__Secure-carekit-console="))
        assert "HttpOnly" in session
        assert "SameSite=lax" in session
        assert "Secure" in session
        assert "Path=/console" in session
    finally:
        world.kit.close()

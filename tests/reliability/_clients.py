"""Far sides that deliver at least once: each repeats a message under the same id until it is told that it is kept."""

from __future__ import annotations

import json
import smtplib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from email.message import EmailMessage
from itertools import count
from threading import Event, Thread
from typing import Any, ClassVar

import httpx2
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection

from tests.acceptance._socket import dial
from tests.reliability._ledger import Ledger
from tests.reliability._site import ADDRESS, TOKEN, Site

PATIENCE = 10.0
"""Seconds to wait for an answer before a message is sent again."""
AGAIN = 0.05
"""Seconds between attempts."""
LONGEST = 60.0
"""Seconds within which every message must have been acknowledged."""


class Client:
    """Delivers to one of *sites*, and to the next when that one fails; ``answers`` counts what it was told."""

    opened: ClassVar[list[Client]] = []
    """All clients of a test, to be let go of at its end."""

    def __init__(self, *sites: Site) -> None:
        self.sites = list(sites)
        self.answers: Counter[str] = Counter()
        self.opened.append(self)

    @property
    def site(self) -> Site:
        """Whom it speaks to now."""
        return self.sites[0]

    def attempt(self, key: str) -> bool:
        """Deliver the message *key* once; whether it was acknowledged. Raises OSError if there was no answer."""
        raise NotImplementedError

    def deliver(self, keys: Iterable[str], ledger: Ledger, stop: Event | None = None) -> None:
        """Deliver every message until it is acknowledged, or until told to *stop*."""
        for key in keys:
            ledger.offer(key)
            if self.insist(key, lambda: stop is not None and stop.is_set()):
                ledger.ack(key)
            if stop is not None and stop.is_set():
                return

    def insist(self, key: str, enough: Callable[[], bool]) -> bool:
        """Deliver the message *key* until it is acknowledged, or until it is *enough*; whether it was acknowledged."""
        deadline = time.monotonic() + LONGEST
        while not self.take(key):
            if enough():
                return False
            assert time.monotonic() < deadline, f"{key} is not taken: {dict(self.answers)}"
            self.sites = self.sites[1:] + self.sites[:1]
            time.sleep(AGAIN)
        return True

    def take(self, key: str) -> bool:
        """Deliver the message *key* once, come what may; whether it was acknowledged."""
        try:
            return self.attempt(key)
        except (OSError, httpx2.HTTPError, WebSocketException, smtplib.SMTPException) as error:
            self.answers[type(error).__name__] += 1
            self.forget()
            return False

    def forget(self) -> None:
        """Let go of a connection that is of no use any more."""


class Handed(Client):
    """Hands a message, once, to somebody who does not lose it; acknowledged is what the desk then turns out to have.

    That is read from its file, which must be one of SQLite.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._over: set[str] = set()

    def hand_over(self, key: str) -> object:
        """Give the message *key* to who is between us and the desk."""
        raise NotImplementedError

    def attempt(self, key: str) -> bool:
        if key not in self._over:
            self.hand_over(key)
            self._over.add(key)
        return self.site.has(key)


class Programs(Client):
    """A program that posts JSON; 2xx acknowledges."""

    def __init__(self, *sites: Site) -> None:
        super().__init__(*sites)
        self._http: httpx2.Client | None = None

    def post(self, path: str, body: dict[str, Any], **headers: str) -> bool:
        """Whether what was posted is kept; 5xx asks to come again, anything else is a fault of the test."""
        if self._http is None:
            self._http = httpx2.Client(timeout=PATIENCE, headers={"Authorization": f"Bearer {TOKEN}"})
        answer = self._http.post(self.site.url + path, json=body, headers=headers)
        self.answers[str(answer.status_code)] += 1
        assert answer.is_success or answer.status_code in (429, 500, 503), answer.text
        return answer.is_success

    def forget(self) -> None:
        if self._http is not None:
            self._http.close()
            self._http = None


class Webhook(Programs):
    """The far side of a channel that posts what it has."""

    def __init__(self, *sites: Site, path: str = "inbound") -> None:
        super().__init__(*sites)
        self._path = path

    def attempt(self, key: str) -> bool:
        body = {"id": key, "sender": key.rpartition("-")[0], "text": key}
        return self.post(f"/channels/loop/{self._path}", body)


class Notes(Programs):
    """A program that adds notes to one conversation by the API, under a key that makes it safe to repeat."""

    def __init__(self, conversation: str, *sites: Site) -> None:
        super().__init__(*sites)
        self.conversation = conversation

    def attempt(self, key: str) -> bool:
        path = f"/api/v1/conversations/{self.conversation}/note"
        return self.post(path, {"agent": "lena", "text": key}, **{"Idempotency-Key": key})


class Replies(Notes):
    """The same with messages to the contact, which leave by the conversation's channel."""

    def attempt(self, key: str) -> bool:
        path = f"/api/v1/conversations/{self.conversation}/reply"
        return self.post(path, {"agent": "lena", "text": key}, **{"Idempotency-Key": key})


class Chat(Client):
    """A visitor's browser; the frame ``ack`` acknowledges."""

    def __init__(self, *sites: Site) -> None:
        super().__init__(*sites)
        self._socket: ClientConnection | None = None
        self._token: str | None = None

    def attempt(self, key: str) -> bool:
        if self._socket is None:
            self._socket = dial(self.site).__enter__()  # type: ignore[arg-type]
            self._say({"type": "hello", "token": self._token, "conversation": None, "after": 0})
        self._say({"type": "send", "id": key, "text": key})
        while True:
            frame = json.loads(self._socket.recv(PATIENCE))
            self._token = frame.get("token") or self._token
            if frame.get("id") == key and frame["type"] in ("ack", "error"):
                self.answers[frame.get("code", "ack")] += 1
                assert frame.get("code") in (None, "busy"), frame
                return bool(frame["type"] == "ack")

    def _say(self, frame: dict[str, Any]) -> None:
        assert self._socket is not None
        self._socket.send(json.dumps(frame))

    def forget(self) -> None:
        if self._socket is not None:
            self._socket.close_socket()
            self._socket = None


class Mail(Client):
    """A mail server that hands over by LMTP; 250 after the data acknowledges."""

    def attempt(self, key: str) -> bool:
        with smtplib.LMTP("127.0.0.1", self.site.mail_port, timeout=PATIENCE) as server:
            server.ehlo()
            server.mail(sender_of(key))
            server.rcpt(ADDRESS)
            code, words = server.data(mail(key))
            self.answers[str(code)] += 1
            assert code in (250, 421, 451, 452), words
            return code == 250


def sender_of(key: str) -> str:
    """The address that a mail *key* comes from: one for all mails of a series."""
    return f"{key.rpartition('-')[0]}@post.example"


def mail(key: str) -> bytes:
    """The same bytes for the same key."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender_of(key), ADDRESS, "Boots"
    made["Message-ID"] = f"<{key}@post.example>"
    made.set_content(key)
    return made.as_bytes()


def keys(prefix: str, number: int) -> list[str]:
    """*number* keys of one sender."""
    return [f"{prefix}-{index:06d}" for index in range(number)]


def series(name: str, pause: float = 0.02) -> Iterator[str]:
    """Keys without end, ten of one sender, at the pace of somebody with a *pause* in seconds between them."""
    for number in count():
        for key in keys(f"{name}-sender{number}", 10):
            yield key
            time.sleep(pause)


def begun(site: Site) -> str:
    """A conversation with somebody who wrote a mail."""
    Mail(site).deliver(["somebody-000000"], Ledger(""))
    [event] = site.events("conversation_started")
    return str(event["stream"])


class Load:
    """Clients at work in threads; an error of one is raised at the end."""

    def __init__(self) -> None:
        self._stop = Event()
        self._errors: list[BaseException] = []
        self._threads: list[Thread] = []

    def add(self, client: Client, keys: Iterable[str], ledger: Ledger) -> None:
        """Let *client* deliver *keys*."""

        def work() -> None:
            try:
                client.deliver(keys, ledger, self._stop)
            except BaseException as error:  # noqa: BLE001 - shown by `finish`, where somebody looks
                self._errors.append(error)
            finally:
                client.forget()

        thread = Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    @property
    def busy(self) -> bool:
        """Whether one of them still works."""
        return any(thread.is_alive() for thread in self._threads)

    def finish(self, *, stop: bool = False, patience: float = 60.0) -> None:
        """Wait until all is delivered, or make them *stop* after the message they are at."""
        if stop:
            self._stop.set()
        deadline = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if self._errors:
            raise self._errors[0]
        assert not self.busy, "a client waits in vain for an acknowledgement"

"""Mailboxes of a real Dovecot that a desk fetches from, and who fills them."""

from __future__ import annotations

import imaplib
import smtplib
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from tests._borrowed import borrowed
from tests.acceptance._shop import plugin
from tests.reliability._clients import PATIENCE, Client, Handed, mail, sender_of
from tests.reliability._site import Site, Table, first_line

servers = borrowed("carekit-email", "servers")

SENDING = ("sendto",)
"""The call by which a mailbox is asked for a mail, and told to forget it."""

_OFTEN = """
from functools import partial

from carekit_email import channel

channel.Pop3Inbox = partial(channel.Pop3Inbox, poll_seconds=0.2)
"""


class Mailbox:
    """What Dovecot keeps for one address; *protocol* and *keep* say how a desk reads it."""

    def __init__(self, dovecot: Any, user: str, protocol: str, *, keep: bool = False) -> None:
        self.user, self.protocol, self.keeps = user, protocol, keep or protocol == "imap"
        self.lmtp_port: int = dovecot.lmtp_port
        self._imap_port: int = dovecot.imap_port
        self._folder = Path(dovecot.folder) / "mail" / user
        port = dovecot.imap_port if protocol == "imap" else dovecot.pop3_port
        where = {"host": "127.0.0.1", "port": port, "tls": "none", "protocol": protocol}
        self._settings = {**where, "user": user, "password": servers.PASSWORD, "keep": protocol == "pop3" and keep}

    def settings(self, table: Table) -> None:
        """Have a desk fetch from it."""
        table["channels"]["mail"].setdefault("mailboxes", {})[self.user.partition("@")[0]] = self._settings

    def texts(self) -> list[str]:
        """The mails that Dovecot has, read where it keeps them."""
        files = [path for part in ("new", "cur") for path in (self._folder / part).glob("*")]
        return [_text(path.read_bytes()) for path in files]

    def numbered(self) -> list[str]:
        """The same in the order of their numbers, which need not be that in which they came.

        A mail that comes while another session has the list of numbers is given its own later.
        """
        box = imaplib.IMAP4("127.0.0.1", self._imap_port)
        try:
            box.login(self.user, servers.PASSWORD)
            box.select("INBOX", readonly=True)
            found = box.uid("FETCH", "1:*", "(BODY.PEEK[])")[1]
            return [_text(part[1]) for part in found if isinstance(part, tuple)]
        finally:
            box.logout()


def _text(raw: bytes) -> str:
    body: Any = message_from_bytes(raw, policy=policy.default)
    return first_line(str(body.get_content()))


def often(folder: Path) -> Path:
    """The folder of a plugin with which a mailbox is looked at by POP3 five times a second, not once a minute."""
    return plugin(folder / "often", "often", _OFTEN)


class Post(Client):
    """Hands mails to Dovecot, and that is all: what it has answered for with 250 must get to the desk by itself."""

    def __init__(self, site: Site, mailbox: Mailbox) -> None:
        super().__init__(site)
        self.mailbox = mailbox
        self.latest = ""

    def attempt(self, key: str) -> bool:
        with smtplib.LMTP("127.0.0.1", self.mailbox.lmtp_port, timeout=PATIENCE) as door:
            door.sendmail(sender_of(key), [self.mailbox.user], mail(key))
        self.latest = key
        return True


class Fetched(Handed, Post):
    """The same, and waits for each until the desk has fetched it."""

    hand_over = Post.attempt

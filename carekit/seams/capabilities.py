"""What a channel can do, declared once."""

from __future__ import annotations

from datetime import timedelta

import attrs


@attrs.frozen
class Segments:
    """How a channel cuts a text into parts that are sent and paid one by one, as SMS does (3GPP TS 23.038).

    A text of nothing but ``alphabet`` and ``doubled`` (characters that take two places) has ``single`` places in one
    part and ``several`` in each of many; any other text has ``wide_single`` and ``wide_several`` UTF-16 units.
    """

    alphabet: str
    doubled: str = ""
    single: int = 160
    several: int = 153
    wide_single: int = 70
    wide_several: int = 67
    price: str = ""
    """What one part costs, as it is shown: ``0.07 €``; empty if nobody says."""
    most: int | None = None
    """Parts that one message may take; the channel refuses more. None if it refuses none for that."""

    def count(self, text: str) -> tuple[int, int]:
        """How many parts *text* takes, and how many places are left in the last one."""
        doubled = sum(character in self.doubled for character in text)
        plain = all(character in self.alphabet or character in self.doubled for character in text)
        places = len(text) + doubled if plain else len(text.encode("utf-16-le", "surrogatepass")) // 2
        single, several = (self.single, self.several) if plain else (self.wide_single, self.wide_several)
        if places <= single:
            return 1, single - places
        parts = -(-places // several)
        return parts, parts * several - places


@attrs.frozen
class Capabilities:
    """What a channel can do, as data: the composer, the checks and the documentation all read this one declaration."""

    live: bool = False
    """Both sides are expected to be present, as in a chat."""
    push: bool = True
    """A message must be handed over by `Channel.send`; without it the far side reads it from the desk's own feed."""
    idempotent: bool = False
    """The far side takes `Outbound.id` as a key against doubles, so that an attempt whose outcome is unknown may be
    repeated. Without it, such a message is shown as unsure and a person decides."""
    webhook: bool = False
    """The far side posts to ``/channels/<name>/inbound`` and `Channel.decode` reads what it posts."""
    html: bool = False
    attachments: bool = False
    max_length: int | None = None
    """Characters of one message, None for no limit of its own. What is longer is refused before it is sent:
    whoever writes it is told, a policy has failed, and a bot hands over to people with what it wanted to say."""
    segments: Segments | None = None
    """How a message is cut into parts, None if it is not."""
    delivered: bool = False
    """The far side reports delivery."""
    read: bool = False
    """The far side reports reading."""
    may_initiate: bool = False
    """We may write first."""
    reply_window: timedelta | None = None
    """How long after the contact's last message we may still write, None for ever."""

    def too_long(self, text: str) -> str:
        """Why one message cannot hold *text*, as a person may be told; empty if it can."""
        if self.max_length is not None and len(text) > self.max_length:
            return (
                f"the message has {len(text)} characters, and its channel takes at most {self.max_length}: "
                "shorten it, or send it in several"
            )
        cut = self.segments
        if cut is not None and cut.most is not None and (parts := cut.count(text)[0]) > cut.most:
            return (
                f"the message takes {parts} parts, and its channel sends at most {cut.most}: "
                "shorten it, or send it in several"
            )
        return ""

"""One open socket: takes the browser's frames in order, and shows it what the desk commits."""

from __future__ import annotations

import asyncio
import logging
import math

from starlette.websockets import WebSocket

from carekit import (
    CarekitError,
    Identify,
    Refused,
    Status,
    StoreError,
    is_email,
    replace,
)
from carekit_chat import frames
from carekit_chat.follower import Follower
from carekit_chat.limits import Buckets
from carekit_chat.line import Line
from carekit_chat.room import LONGEST, Room
from carekit_chat.session import Visitor

log = logging.getLogger(__name__)

GREETING_WITHIN = 10.0
"""Seconds until the first frame must have come."""
FRAMES_PER_MINUTE = 300


class Peer:
    """One browser's socket."""

    def __init__(self, room: Room, socket: WebSocket) -> None:
        self._room = room
        self._desk = room.desk
        self._socket = socket
        self._line = Line(socket)
        self._pace = Buckets(FRAMES_PER_MINUTE)
        self._visitor: Visitor | None = None
        self._follower = Follower(room.desk, room.name, self._line)
        self._claim: Identify | None = None

    async def serve(self) -> None:
        """Live until either side closes."""
        await self._socket.accept()
        self._room.peers[self] = ""
        reading = asyncio.create_task(self._read_all())
        pumping = asyncio.create_task(self._line.pump())
        try:
            await asyncio.wait({reading, pumping}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done() and reading.result():
                await pumping
        finally:
            self._room.peers.pop(self, None)
            self._follower.stop()
            for task in (reading, pumping):
                task.cancel()
            # Not gather: it would turn the server's own cancellation, if one comes now, into another.
            await asyncio.wait({reading, pumping})

    def bye(self, code: int, reason: str) -> None:
        """Say good-bye and close with *code*."""
        self._line.put({"type": "bye", "code": code})
        self._line.close(code, reason)

    async def _read_all(self) -> bool:
        """Take frames until the end; whether it was ours, so that a close frame is still to be sent."""
        try:
            async with asyncio.timeout(GREETING_WITHIN):
                hello = await self._next()
            if hello is None:
                return False
            if not isinstance(hello, frames.Hello):
                raise frames.Violation(frames.VIOLATION, "the first frame must be hello")
            await self._greet(hello)
            while (frame := await self._next()) is not None:
                await self._take(frame)
        except frames.Violation as violation:
            self._line.close(violation.code, violation.reason)
        except TimeoutError:
            self._line.close(frames.VIOLATION, "no hello came")
        except CarekitError as error:
            log.warning("chat %s: a widget could not be greeted: %s", self._room.name, error)
            self._line.close(frames.LATER, "not now; try again in a moment")
        else:
            return False
        return True

    async def _next(self) -> frames.ClientFrame | None:
        """The next frame, None when the browser is gone; raises `Violation`."""
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        if self._pace.take("", self._desk.now()):
            raise frames.Violation(frames.VIOLATION, f"more than {FRAMES_PER_MINUTE} frames in a minute")
        return frames.read(message.get("text"), message.get("bytes"))

    async def _greet(self, hello: frames.Hello) -> None:
        visitor = self._visitor = self._room.sessions.visitor(hello.token or "")
        oldest = self._room.enter(self, visitor.id)
        if oldest is not None:
            oldest.bye(frames.LATER, "the chat is open in too many tabs")
        await self._follower.begin(visitor, hello.conversation or "", hello.after)

    async def _take(self, frame: frames.ClientFrame) -> None:
        """Do what *frame* asks; whatever the desk says against it goes back as an error frame."""
        message = frame.id if isinstance(frame, frames.Send) else ""
        try:
            await self._dispatch(frame)
        except frames.Violation:
            raise
        except Refused as error:
            self._error(message, "refused", str(error))
        except StoreError:
            self._error(message, "busy", "the service is busy", retry=3)
        except CarekitError as error:
            log.warning("chat %s: a frame could not be handled: %s", self._room.name, error)
            self._error(message, "failed", "this did not work")

    async def _dispatch(self, frame: frames.ClientFrame) -> None:
        match frame:
            case frames.Send():
                await self._send(frame)
            case frames.Read():
                self._follower.mark_read(frame.seq)
            case frames.Survey():
                await self._answer(frame)
            case frames.Identify():
                await self._identify(Identify(frame.name.strip(), frame.email.strip()))
            case frames.Hello():
                raise frames.Violation(frames.VIOLATION, "hello comes once, first")
            case frames.Typing():
                current = self._follower.conversation
                if current is not None and current.status is not Status.CLOSED:
                    await self._desk.typing(current.id, "contact", scope=self._follower.scope)

    async def _send(self, frame: frames.Send) -> None:
        assert self._visitor is not None, "hello comes first"
        fault = self._fault(frame)
        if fault is not None:
            self._error(frame.id, *fault)
            return
        current = self._follower.conversation
        done = current is None or current.status in {Status.RESOLVED, Status.CLOSED}
        receipt = await self._desk.receive(
            self._visitor.inbound(
                self._room.name, frame.id, frame.text, intent=frame.intent, fresh=frame.fresh and done
            )
        )
        self._line.put({"type": "ack", "id": frame.id, "conversation": receipt.conversation, "seq": receipt.seq})
        await self._follower.attach(receipt.contact, receipt.conversation)
        if self._claim is not None:
            await self._identify(self._claim)

    def _fault(self, frame: frames.Send) -> tuple[str, str, int | None] | None:
        """Why the message cannot be taken (code, text, seconds to wait), None if it can."""
        if not frame.text.strip():
            return "empty", "the message is empty; write something", None
        if len(frame.text) > LONGEST:
            return "long", f"the message has {len(frame.text)} characters; {LONGEST} is the limit", None
        assert self._visitor is not None
        now = self._desk.now()
        wait = self._room.messages.take(self._visitor.id, now)
        if not wait and self._follower.conversation is None:
            wait = self._room.newcomers.take(self._socket.client.host if self._socket.client else "", now)
        if wait:
            seconds = math.ceil(wait)
            return "rate", f"too many messages. You can send again in {seconds} s", seconds
        return None

    async def _answer(self, frame: frames.Survey) -> None:
        conversation = self._follower.conversation
        if conversation is None:
            raise Refused("there is no conversation to rate yet", field="survey")
        survey = frame.survey or next(reversed(list(conversation.surveys)), "")
        scope = self._follower.scope
        await self._desk.answer_survey(conversation.id, survey, frame.score, frame.comment, scope=scope)

    async def _identify(self, claim: Identify) -> None:
        """Keep what the visitor says of themselves; before the first message there is no contact to keep it for."""
        if claim.email and not is_email(claim.email):
            self._error("", "email", f"{claim.email[:100]!r} is not an e-mail address")
            claim = replace(claim, email="")
        conversation = self._follower.conversation
        if conversation is None:
            self._claim = claim
            return
        self._claim = None
        await self._desk.act(conversation.id, claim, "contact", scope=self._follower.scope)

    def _error(self, id: str, code: str, text: str, retry: int | None = None) -> None:
        self._line.put({"type": "error", "id": id, "code": code, "text": text, "retry": retry})

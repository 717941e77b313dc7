"""The parts of the service, made from the settings."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from carekit.ground.clock import Clock
from carekit.ground.errors import ConfigError
from carekit.ground.ids import Ids
from carekit.rules.context import SurveyOffer
from carekit.rules.turn import Rulebook
from carekit.seams.desk import ChannelInfo
from carekit.seams.store import Job
from carekit.service.blobs import Blobs, FarBlobs, FolderBlobs, Keeper, MemoryBlobs
from carekit.service.config import Settings
from carekit.service.desk import CareDesk
from carekit.service.erasing import Eraser
from carekit.service.hub import Hub
from carekit.service.measured import MeasuredErrands, MeasuredPipeline
from carekit.service.notify import Notifier
from carekit.service.outbox.errands import Earlier, Errands
from carekit.service.pipeline.line import Pipeline
from carekit.service.pipeline.world import Kept
from carekit.service.signing import Signer, unkept
from carekit.service.writer import Writer

Work: TypeAlias = Coroutine[Any, Any, None]


def signer(settings: Settings) -> Signer:
    """What signs links and tokens: from the secret of the file, or the one kept in the data folder."""
    given = settings.service.secret
    if given is not None:
        return Signer(given.reveal())
    if settings.store.component.inline:
        return Signer(secrets.token_hex(32))
    return Signer(_kept_secret(settings.service.data / "secret"))


def pipeline(
    settings: Settings, sign: Signer, notifier: Notifier, clock: Clock, ids: Ids, node: Callable[[], int]
) -> Pipeline:
    """The way in. Timed only if somebody listens, so that nobody else pays for it."""
    make: Callable[..., Pipeline] = Pipeline
    if notifier.measures:
        make = partial(MeasuredPipeline, tell=notifier.measured)
    push = {name: part.component.capabilities.push for name, part in settings.channels.items()}
    return make(settings.store.component, _rulebook(settings, sign), clock, ids, push=push, node=node)


def errands(
    settings: Settings,
    notifier: Notifier,
    clock: Clock,
    random: Random,
    earlier: Earlier,
    mark: Callable[[Job], Awaitable[None]],
) -> Errands:
    """What does the jobs, likewise timed only for a listener."""
    make: Callable[..., Errands] = Errands
    if notifier.measures:
        make = partial(MeasuredErrands, tell=notifier.measured)
    return make(
        channels={name: part.component for name, part in settings.channels.items()},
        bots={name: (part.component, part.reserved.timeout) for name, part in settings.bots.items()},
        clock=clock,
        random=random,
        earlier=earlier,
        mark=mark,
    )


def desk(
    settings: Settings,
    sign: Signer,
    clock: Clock,
    writer: Writer,
    hub: Hub,
    blobs: Blobs,
    *,
    committed: Callable[[Sequence[Kept]], None],
) -> CareDesk:
    """The desk as everybody sees it."""
    channels = {
        name: ChannelInfo(
            name, part.offer.name, part.reserved.inbox or name, part.component.capabilities, part.reserved.title or name
        )
        for name, part in settings.channels.items()
    }
    hours = {
        name: settings.calendars[part.reserved.calendar]
        for name, part in settings.channels.items()
        if part.reserved.calendar
    }
    return CareDesk(
        name=settings.service.name,
        timezone=settings.service.timezone,
        base_url=settings.service.url,
        clock=clock,
        store=settings.store.component,
        writer=writer,
        hub=hub,
        keeper=Keeper(blobs),
        signer=sign,
        channels=channels,
        parts={name: part.component for name, part in settings.channels.items()},
        surveys={name: part.component for name, part in settings.surveys.items()},
        hours=hours,
        eraser=Eraser(settings.store.component, blobs, clock, committed),
    )


def blobs(settings: Settings) -> Blobs:
    """Where bytes are kept; raises `ConfigError`."""
    if settings.service.blobs:
        return FarBlobs(settings.service.blobs)
    return MemoryBlobs() if settings.store.component.inline else FolderBlobs(settings.service.data / "blobs")


def _rulebook(settings: Settings, sign: Signer) -> Rulebook:
    surveys = {
        name: SurveyOffer(
            name, part.component.kind, part.component.question, part.component.best, _survey_link(settings, sign, name)
        )
        for name, part in settings.surveys.items()
    }
    return Rulebook.of(
        [(part.component, part.component.listens) for part in settings.policies.values()],
        settings.channels,
        service=settings.service.name,
        config=settings.fingerprint,
        calendars=settings.calendars,
        surveys=surveys,
        limits={name: part.component.capabilities.too_long for name, part in settings.channels.items()},
    )


def _survey_link(settings: Settings, sign: Signer, name: str) -> Callable[[str], str]:
    base = settings.service.url.rstrip("/")
    return lambda conversation: f"{base}/surveys/{name}/{sign.seal(f'survey:{name}', conversation)}"


def _kept_secret(path: Path) -> str:
    """The secret in *path*, made at the first start and readable by its owner alone."""
    try:
        if path.exists() and (kept := path.read_text("ascii").strip()):
            return kept
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written beside and moved into place: a start that dies half-way must not leave an empty secret to sign with.
        new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        new.touch(mode=0o600)
        new.write_text(secret := secrets.token_hex(32), "ascii")
        new.replace(path)
        return secret
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"[service] data: {unkept(path, error)}") from None

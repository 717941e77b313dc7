"""Files that came with a text: carried from `decode`, which is pure, to `complete`, which may use the network."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Sequence

import attrs
import msgspec

from carekit import Attachment, Desk, Inbound, replace
from carekit_sms.fetching import Fetcher, NotFetched
from carekit_sms.provider import Media

KEY = "media"
"""Where in `Inbound.meta` the addresses are until the files are fetched."""
_MOST = 10


def carried(media: Sequence[Media]) -> dict[str, str]:
    """What goes into `Inbound.meta` for *media*."""
    if not media:
        return {}
    return {KEY: msgspec.json.encode([attrs.astuple(one) for one in media[:_MOST]]).decode()}


async def fetched(message: Inbound, desk: Desk, fetcher: Fetcher) -> Inbound:
    """*message* with its files kept. One that cannot be had is named in the text, and never holds the text up: most
    providers deliver once, and a refused text would be lost."""
    media = [Media(*one) for one in msgspec.json.decode(message.meta[KEY])]
    results = await asyncio.gather(*(_one(one, number, desk, fetcher) for number, one in enumerate(media, 1)))
    files = tuple(found for found in results if isinstance(found, Attachment))
    missing = [found for found in results if isinstance(found, str)]
    meta = {key: value for key, value in message.meta.items() if key != KEY}
    return replace(message, text="\n".join(filter(None, (message.text, *missing))), attachments=files, meta=meta)


async def _one(media: Media, number: int, desk: Desk, fetcher: Fetcher) -> Attachment | str:
    try:
        file = await fetcher.fetch(media.url)
    except NotFetched as error:
        return f"[file {number} could not be fetched: {error}]"
    kind = media.content_type or file.content_type or "application/octet-stream"
    name = media.name or f"file-{number}{mimetypes.guess_extension(kind) or ''}"
    return Attachment(name, kind, len(file.content), await desk.keep(file.content))

"""``carekit tidy``: remove attachments and raw mail that nothing refers to."""

from __future__ import annotations

from pathlib import Path

import click

from carekit.cli.common import counted, file_argument, with_service
from carekit.service.service import Service
from carekit.service.tidy import Tidied, tidy


@click.command("tidy")
@file_argument
def command(file: Path) -> None:
    """Remove attachments and raw mail that no conversation refers to any more, after a contact was erased, say.

    What is younger than a day stays. The service does the same once a day, and may be running meanwhile.
    """

    async def work(service: Service) -> Tidied:
        with click.progressbar(length=256, label="Looking") as bar:
            return tidy(service.blobs, service.store, service.clock.now(), told=lambda done: bar.update(done - bar.pos))

    found = with_service(file, work)
    click.echo(f"removed {counted(found.contents, 'file')}, {counted(found.bytes, 'byte')}")

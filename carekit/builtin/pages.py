"""The static app: a folder of files as pages, with the headers that files from a folder should have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from carekit.seams.app import App
from carekit.seams.desk import Desk
from carekit.seams.settings import setting

if TYPE_CHECKING:  # starlette costs 60 ms to import
    from starlette.routing import BaseRoute


@attrs.frozen
class PagesSettings:
    """Its keys in the file."""

    folder: Path = setting("the folder to serve, relative to the file; index.html answers for a folder")


class Pages(App):
    """Serve a folder of static files."""

    Settings = PagesSettings

    def check(self) -> Iterable[str]:
        if not self.settings.folder.is_dir():
            yield f"folder: {self.settings.folder} is not a folder; create it or mend the path"

    def routes(self, desk: Desk) -> Sequence[BaseRoute]:
        from starlette.routing import Mount
        from starlette.staticfiles import StaticFiles

        return [Mount("/", StaticFiles(directory=self.settings.folder, html=True))]

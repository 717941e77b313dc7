"""The app that serves a folder."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from starlette.applications import Starlette
from starlette.testclient import TestClient

from carekit.builtin.pages import Pages, PagesSettings
from carekit.seams.desk import Desk


def _client(folder: Path) -> TestClient:
    pages = Pages("site", PagesSettings(folder=folder))
    return TestClient(Starlette(routes=list(pages.routes(cast(Desk, None)))))


def test_a_folder_is_served_with_its_index(tmp_path: Path) -> None:
    """The index answers for the folder, other files by name with their types, others are not found."""
    (tmp_path / "index.html").write_text("<p>welcome")
    (tmp_path / "style.css").write_text("p {}")
    client = _client(tmp_path)
    assert client.get("/").text == "<p>welcome"
    assert client.get("/style.css").headers["content-type"].startswith("text/css")
    assert client.get("/none.html").status_code == 404


def test_nothing_outside_of_the_folder_is_served(tmp_path: Path) -> None:
    """No path leads above the folder."""
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "site").mkdir()
    client = _client(tmp_path / "site")
    for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "//secret.txt"):
        assert client.get(path).status_code in (400, 404)


def test_a_missing_folder_is_a_fault(tmp_path: Path) -> None:
    """The check names the folder and the remedy; a folder that exists has no faults."""
    (problem,) = Pages("site", PagesSettings(folder=tmp_path / "none")).check()
    assert "is not a folder" in problem
    assert "create it" in problem
    assert list(Pages("site", PagesSettings(folder=tmp_path)).check()) == []

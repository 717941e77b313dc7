"""One desk after another in one folder, on a real database: what a restart is, without a network."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from pathlib import Path

from carekit.testing import DeskKit, FrozenClock

ARTICLES = Path(__file__).parents[2] / "examples" / "shop" / "articles"

FILE = f"""
[service]
name = "Northwind care"
timezone = "UTC"

[store]
use = "sql"
url = "sqlite:///care.db"

[channels.loop]
use = "loopback"

[channels.mail]
use = "email"
address = "help@northwind.example"
listen = "127.0.0.1:0"
outbox = "outbox"

[bots.guide]
use = "faqbot"
articles = "{ARTICLES.as_posix()}"

[policies.guide-first]
use = "bot"
bot = "guide"
channels = ["loop"]

[policies.routing]
use = "route"

[policies.target]
use = "sla"
first_response = "4h"

[policies.rating]
use = "survey"
survey = "csat"

[surveys.csat]
use = "csat"
"""

KILLED = """
import importlib.util, os, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("desks", sys.argv[1])
desks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(desks)
kit = desks.desk(Path(sys.argv[2]))
{steps}
os._exit(9)
"""


def desk(folder: Path, at: datetime | None = None) -> DeskKit:
    """The desk of *folder*, as it was left; its clock stands at *at*."""
    return DeskKit(FILE, folder=folder, clock=FrozenClock(at) if at else None)


def killed(folder: Path, steps: str) -> None:
    """Another process takes *steps* with ``kit``, and dies without finishing anything it has not committed."""
    # From elsewhere, so that it imports what is installed and not the tree.
    line = [sys.executable, "-c", KILLED.format(steps=steps), __file__, str(folder)]
    done = subprocess.run(line, capture_output=True, cwd=folder, timeout=120, check=False)
    assert done.returncode == 9, done.stderr.decode()

"""``python -m carekit.cli``: the same as ``carekit``."""

from __future__ import annotations

from carekit.cli.main import main

main()

"""``python -m carekit``: the command ``carekit`` of this very interpreter."""

from __future__ import annotations

from carekit.cli.main import main

if __name__ == "__main__":
    main()

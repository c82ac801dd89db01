"""`python -m tritforge`: the same as the command `tritforge`."""

from __future__ import annotations

from tritforge.cli.main import entry_point

if __name__ == "__main__":
    entry_point()

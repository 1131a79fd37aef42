"""``python -m seimai``: the command line."""

from __future__ import annotations

import sys

from ._core import command_line


def main() -> int:
    """Runs the command line; gives its exit code."""
    return command_line(["seimai", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())

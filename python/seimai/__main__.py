"""``python -m seimai``: the command line."""

from __future__ import annotations

import sys

from ._core import command_line, engine_request


def main() -> int:
    """Runs the command line; gives its exit code."""
    arguments = ["seimai", *sys.argv[1:]]
    request = engine_request(arguments)
    if request is None:
        return command_line(arguments)
    from .ray import command

    return command(request)


if __name__ == "__main__":
    sys.exit(main())

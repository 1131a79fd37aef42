"""Keywords of Python as a plan in TOML: the same keys, the same checks, the same messages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

# A plan needs an input; stages on their own read none.
_NO_INPUT = 'input.paths = ["-"]\n'


def toml_value(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(str(key))} = {toml_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, str):
        # JSON escapes what TOML escapes, in the same way, but for DEL.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    if hasattr(value, "__fspath__"):
        return toml_value(str(value))
    if isinstance(value, Iterable):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    raise TypeError(f"{value!r} is no value of a plan: write a bool, a number, a str, a list or a dict of them")


def fragment(**sections: Mapping[str, Any]) -> str:
    """Sections of a plan, for stages on their own."""
    lines = [f"{section}.{key} = {toml_value(value)}\n" for section, keys in sections.items() for key, value in keys.items()]
    return _NO_INPUT + "".join(lines)


def settings(changes: Mapping[str, Any]) -> list[str]:
    """``KEY=VALUE``, as ``--set`` takes them."""
    return [f"{key}={toml_value(value)}" for key, value in changes.items()]

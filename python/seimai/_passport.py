"""Where rows of packs come from, passports of runs, keys and signatures."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import _core


@dataclass(frozen=True, slots=True)
class Verification:
    """What ``seimai verify`` says of a run."""

    #: What is wrong, a sentence each; of a signature that is not believed, ``code: why`` (docs/guide/passport.md).
    damage: list[str]
    #: The key that was asked for; None if none was.
    keyid: str | None

    @property
    def sound(self) -> bool:
        """Is nothing wrong, and did the key that was asked for sign?"""
        return not self.damage

    def __bool__(self) -> bool:
        return self.sound


class Tracer:
    """A pack that is open for questions: which documents and input records a row is made of. A row costs the same in a pack of any size."""

    __slots__ = ("_tracer", "path")

    def __init__(self, path: str | os.PathLike[str], *, tokens: str | os.PathLike[str] | None = None) -> None:
        """``path`` is a finished run, the directory of a pack, or one of its files; ``tokens`` is where its token shards lie, if not beside it."""
        #: What was opened.
        self.path = Path(path)
        self._tracer = _core.Tracer(self.path, None if tokens is None else Path(tokens))

    def __len__(self) -> int:
        return self._tracer.rows

    def trace(self, row: int, *, text: bool = False) -> dict[str, Any]:
        """Where a row comes from (docs/formats/commands.md); ``text`` also says which bytes of the documents' texts its pieces are."""
        return self.trace_all([row], text=text)[0]

    def trace_all(self, rows: Iterable[int], *, text: bool = False) -> list[dict[str, Any]]:
        """The same of several rows."""
        traced: list[dict[str, Any]] = json.loads(self._tracer.trace(list(rows), text))
        return traced


def new_key(path: str | os.PathLike[str]) -> str:
    """Makes a pair of keys to sign with: the file, which its owner alone may read, and ``<path>.pub``. Gives what the key is called in signatures."""
    return _core.new_key(Path(path))

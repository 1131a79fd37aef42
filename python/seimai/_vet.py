"""Border checks of what comes in or goes out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import _core


def vet(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    policy: str | os.PathLike[str],
    *,
    key: str | os.PathLike[str] | None = None,
    threads: int | None = None,
) -> dict[str, Any]:
    """Vets files and directories under a policy: the object of ``seimai vet --json`` (docs/formats/vet.md).

    ``policy`` is a file of TOML, or the name of one that ships (``"finance"``); ``key`` the public key of whoever has to have signed the runs.
    ``verdict["verdict"]`` is ``"pass"``, ``"warn"``, ``"cannot_tell"`` or ``"refuse"``. Nothing of what is vetted is loaded. A policy that is wrong
    raises :class:`seimai.PlanError`, a path where nothing is :class:`seimai.InputError`.
    """
    named = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    given = None if key is None else Path(key)
    verdict: dict[str, Any] = json.loads(_core.vet_paths([Path(path) for path in named], Path(policy), given, threads or os.cpu_count() or 1))
    return verdict

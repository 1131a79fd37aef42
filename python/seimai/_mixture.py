"""Which kinds of text a vocabulary was trained on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from . import _core
from ._options import fragment


def tokenizer_mixture(
    tokenizer: str | os.PathLike[str],
    sources: Mapping[str, str | os.PathLike[str] | Iterable[str | os.PathLike[str]]],
    *,
    merges: int = 4_000,
    boundaries: str = "none",
    dictionary: str = "ipadic",
    form: str = "nfkc",
    threads: int | None = None,
    input: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """In which proportions, by bytes, the training text of a vocabulary mixed kinds of text, as ``seimai tokenizer mixture`` tells.

    ``tokenizer`` is a ``tokenizer.json``, its directory or a finished run; ``sources`` gives for each kind of text, by its name, a sample: one or several
    files of records, or histograms of ``seimai count``. The result is what the command prints with ``--json`` (docs/formats/tokenizer-mixture.md):
    ``result["sources"]`` has ``name``, ``share`` and how far shares of halves of samples and of merges are apart; ``result["doubts"]`` says what makes them
    doubtful. ``merges``, ``boundaries``, ``dictionary`` and ``form`` are the options of the command, ``input`` keys of ``[input]`` of a plan.
    """
    for inside in ("tokenizer/tokenizer.json", "tokenizer.json"):
        if (found := Path(tokenizer) / inside).is_file():
            tokenizer = found
            break
    several = [(name, [files] if isinstance(files, (str, os.PathLike)) else list(files)) for name, files in sources.items()]
    plan = fragment(input=input or {}, normalize={"form": form}, segment={"dictionary": dictionary}, tokenizer={"boundaries": boundaries})
    told: dict[str, Any] = json.loads(_core.tokenizer_mixture(tokenizer, several, plan, merges, threads or len(os.sched_getaffinity(0))))
    return told

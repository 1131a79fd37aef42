"""Seimai 精米: raw Japanese corpora in, training-ready tokens out.

The same stages as on the command line, on strings and on Arrow data of any library; nothing else is imported, and no network is used.
"""

from __future__ import annotations

from ._core import Batch, BatchReader, Buffer, Morpheme, Pack, PackPart, Tokens, __version__, open_pack
from ._dedup import dedup
from ._errors import (
    DictionaryError,
    Error,
    FingerprintMismatch,
    FormatError,
    InputError,
    Interrupted,
    Locked,
    PlanError,
    ResourceError,
    StorageError,
)
from ._keigo import Formula, Keigo, Misuse, Sentence, Span
from ._mixture import tokenizer_mixture
from ._passport import Tracer, Verification, new_key
from ._plan import Plan, Report, Todo, Work, run
from ._run import Run, WhatIf, open
from ._stages import STAGES, PersonalData, Segmenter, Stage, keigo, mask, normalize, pii, segment, sentences, stage
from ._tokenizer import Tokenizer
from ._vet import vet

__all__ = [
    "STAGES",
    "Batch",
    "BatchReader",
    "Buffer",
    "DictionaryError",
    "Error",
    "FingerprintMismatch",
    "FormatError",
    "Formula",
    "InputError",
    "Interrupted",
    "Keigo",
    "Locked",
    "Misuse",
    "Morpheme",
    "Pack",
    "PackPart",
    "PersonalData",
    "Plan",
    "PlanError",
    "Report",
    "ResourceError",
    "Run",
    "Segmenter",
    "Sentence",
    "Span",
    "Stage",
    "StorageError",
    "Todo",
    "Tokenizer",
    "Tokens",
    "Tracer",
    "Verification",
    "WhatIf",
    "Work",
    "__version__",
    "dedup",
    "keigo",
    "mask",
    "new_key",
    "normalize",
    "open",
    "open_pack",
    "pii",
    "run",
    "segment",
    "sentences",
    "stage",
    "tokenizer_mixture",
    "vet",
]

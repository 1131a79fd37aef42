"""A finished run, opened for questions."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import _core
from ._options import settings
from ._passport import Tracer, Verification
from ._plan import Plan
from ._tokenizer import Tokenizer


#: Where the tables of a split stand, before the name of their directory.
_SPLITS = {"train": "", "validation": "validation/"}


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What other thresholds or policies would make of a run, from the measures it has stored.

    Only the rules of quality and keigo are asked again: whoever went for another reason stays away, and whoever comes back may turn out to
    be a duplicate, which only a run can tell.
    """

    kept_before: int
    kept_after: int
    #: Documents that would go, by the rule that rejects them.
    lost: dict[str, int]
    #: Documents that would come back, by the rule that had rejected them.
    regained: dict[str, int]
    #: They: doc_id, source, register, before and after (``stage/rule``, null where kept), evidence.
    changed: _core.Batch


class Run:
    """A finished run: its documents, what it dropped and why, its tokens, its vocabulary, its pack."""

    __slots__ = ("manifest", "path")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        #: The output directory.
        self.path = Path(path)
        #: The manifest (docs/formats/run.md).
        self.manifest: dict[str, Any] = json.loads(_core.manifest(self.path))

    @property
    def totals(self) -> dict[str, int]:
        """Documents read, kept, rejected and quarantined, tokens, bytes."""
        return dict(self.manifest["totals"])

    @property
    def rules(self) -> dict[str, int]:
        """Rejected documents by ``stage/rule``, the most first."""
        return dict(sorted(self.manifest["rejected"].items(), key=lambda item: (-item[1], item[0])))

    @property
    def plan(self) -> Plan:
        """The resolved plan."""
        return Plan.from_toml((self.path / "plan.toml").read_text(encoding="utf-8"), base=self.path, name=str(self.path / "plan.toml"))

    def _files(self, directory: str, split: str = "train") -> list[Path]:
        if split not in _SPLITS:
            raise ValueError(f'split is "train" or "validation", not {split!r}')
        directory = _SPLITS[split] + directory
        files = [file["path"] for file in self.manifest["files"]]
        return [self.path / path for path in files if path.startswith(f"{directory}/") and path.endswith(".parquet")]

    def documents(self, columns: Sequence[str] | None = None, *, split: str = "train") -> _core.BatchReader:
        """The kept documents, batch by batch: those that are trained on, or those held out (``split="validation"``)."""
        return _core.read_tables(self._files("documents", split), None if columns is None else list(columns))

    def rejected(self, rule: str | None = None, *, sample: int | None = None, seed: int = 0) -> _core.Batch:
        """Rejected documents: of a rule (``"quality/min_chars"``, ``"min_chars"``, ``"dedup"``) or of any; all, or a sample.

        A sample depends on the seed and the ids alone, not on threads or files.
        """
        return _core.rejected(self._files("rejected"), rule, sample, seed)

    def quarantine(self) -> list[dict[str, Any]]:
        """Records that could not be read: file, offset, reason."""
        with (self.path / "quarantine.jsonl").open(encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def tokens(self, columns: Sequence[str] | None = None, *, split: str = "train") -> _core.BatchReader:
        """The token shards, row for row the documents."""
        return _core.read_tables(self._files("tokens", split), None if columns is None else list(columns))

    @property
    def tokenizer(self) -> Tokenizer:
        """The vocabulary."""
        return Tokenizer(self.path / "tokenizer" / "tokenizer.json")

    @property
    def pack(self) -> _core.Pack:
        """The packed sequences."""
        return _core.Pack(self.path / "pack")

    @property
    def validation_pack(self) -> _core.Pack | None:
        """The packed sequences of what is held out; None without a split."""
        return _core.Pack(self.path / "validation" / "pack") if self.manifest.get("validation") else None

    def tracer(self) -> Tracer:
        """The way back from rows of the pack to documents and input records."""
        return Tracer(self.path)

    def passport(self, *, threads: int | None = None) -> dict[str, Any]:
        """Writes ``passport/`` into the run, in standard forms too, and gives its evidence: what is declared of each source, and what became of it."""
        _core.write_passport(self.path, threads or os.cpu_count() or 1)
        evidence: dict[str, Any] = json.loads((self.path / "passport" / "passport.json").read_text(encoding="utf-8"))
        return evidence

    def sign(self, key: str | os.PathLike[str], *, threads: int | None = None) -> str:
        """Signs the run with a secret key (PKCS#8 in PEM, for its owner alone); gives what the key is called."""
        return _core.sign_run(self.path, Path(key), threads or os.cpu_count() or 1)

    def verify(
        self,
        key: str | os.PathLike[str] | None = None,
        *,
        receipt: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> Verification:
        """Checks every checksum and count; with a public key, also that its owner signed the run and that no file is another than was signed.

        With ``receipt``, that it is the receipt of this run (signed with the key, if one is given) and that none of its documents is here.
        """
        public = None if key is None else Path(key)
        told = None if receipt is None else Path(receipt)
        return Verification(*_core.verify_run(self.path, public, told, threads or os.cpu_count() or 1))

    def forget(
        self,
        ids: Iterable[str],
        out: str | os.PathLike[str],
        *,
        only: bool = False,
        base: str | os.PathLike[str] = ".",
        key: str | os.PathLike[str] | None = None,
        receipt: str | os.PathLike[str] | None = None,
        threads: int | None = None,
        memory: str | int | None = None,
    ) -> dict[str, Any]:
        """Makes the run again in ``out`` without some documents, and gives the receipt (docs/formats/passport.md).

        It is also written, as ``receipt`` (``<out>.receipt.json`` by default), with a secret ``key`` in a signed envelope beside it. ``base`` is
        where paths in the plan begin; ``only`` leaves what was rejected as a duplicate of the documents. This run stays as it is.
        """
        written = Path(f"{os.fspath(out)}.receipt.json") if receipt is None else Path(receipt)
        told = _core.forget_documents(
            self.path,
            list(ids),
            Path(out),
            written,
            only,
            Path(base),
            None if key is None else Path(key),
            threads or os.cpu_count() or 1,
            None if memory is None else str(memory),
        )
        made: dict[str, Any] = json.loads(told)
        return made

    def what_if(self, *, preset: str | None = None, set: Mapping[str, Any] | None = None) -> WhatIf:
        """Who would be kept and lost with another preset or other keys: ``run.what_if(set={"quality.thresholds.min_chars": 50})``.

        Reads the stored measures, no text: seconds for a million documents.
        """
        changes = {**({} if preset is None else {"quality.preset": preset}), **(set or {})}
        return WhatIf(*_core.judge_again(self.path, settings(changes)))

    def __repr__(self) -> str:
        totals = self.manifest["totals"]
        return f"<seimai.Run {self.path}: read {totals['read']}, kept {totals['kept']}, {totals['tokens']} tokens>"


def open(path: str | os.PathLike[str]) -> Run:
    """Opens the output directory of a finished run."""
    return Run(path)

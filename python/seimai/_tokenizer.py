"""The tokenizer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from . import _core
from ._options import fragment
from ._plan import _threads


class Tokenizer:
    """A byte-pair-encoding tokenizer: ids equal to those of Hugging Face's library for the same ``tokenizer.json``.

    No special token is added, and a special token that is written out in a text is text: a document cannot contain the id that ends
    documents. (Hugging Face does the same with ``tokenizer.encode_special_tokens = True``.)
    """

    __slots__ = ("_core",)

    def __init__(self, path: str | os.PathLike[str] | _core.Tokenizer) -> None:
        """Reads a ``tokenizer.json``, or the one in the directory of a run or of its vocabulary."""
        if isinstance(path, _core.Tokenizer):
            self._core = path
            return
        for inside in ("tokenizer/tokenizer.json", "tokenizer.json"):
            if (found := Path(path) / inside).is_file():
                path = found
                break
        self._core = _core.Tokenizer(path)

    @property
    def vocab_size(self) -> int:
        """One more than the largest id."""
        return self._core.vocab_size

    @property
    def special_tokens(self) -> dict[str, int]:
        """Special tokens and their ids."""
        return self._core.special_tokens

    @property
    def content_blake3(self) -> str:
        """Digest of what ``tokenizer.json`` means, hex: it survives a re-save by ``tokenizers`` or ``transformers``, and stands in shards and packs."""
        return self._core.content_blake3

    def encode(self, text: str) -> list[int]:
        """The ids of a text."""
        return self._core.encode(text)

    def encode_batch(self, texts: Any, *, threads: int | None = None, column: str = "text") -> _core.Tokens:
        """The ids of many texts: an iterable of str, an Arrow array of strings, or the column ``column`` of Arrow data.

        ``pyarrow.array(tokens)``, ``polars.Series(tokens)``: lists of int32. ``numpy.asarray(tokens.ids)``,
        ``numpy.asarray(tokens.offsets)``: all ids, and where those of each text begin. Nothing is copied in either. A null is an empty text.
        """
        return self._core.encode_batch(texts, _threads(threads), column)

    def decode(self, ids: Sequence[int], *, skip_special_tokens: bool = True) -> str:
        """The text of ids."""
        return self._core.decode(list(ids), skip_special_tokens)

    def decode_batch(self, ids: Iterable[Sequence[int]], *, skip_special_tokens: bool = True) -> list[str]:
        """The texts of many lists of ids."""
        return [self.decode(one, skip_special_tokens=skip_special_tokens) for one in ids]

    def token(self, id: int) -> bytes | None:
        """The bytes that an id stands for."""
        return self._core.token(id)

    @classmethod
    def train(cls, texts: Iterable[str], *, dictionary: str | os.PathLike[str] = "ipadic", **options: Any) -> Tokenizer:
        """Learns a vocabulary from texts, as a run does. Options are the keys of ``[tokenizer]`` in a plan.

        Texts are taken as they are: normalise them first, as what is encoded later will be.
        """
        plan = fragment(segment={"dictionary": os.fspath(dictionary)}, tokenizer=options)
        return cls(_core.Tokenizer.train(texts, plan, os.getcwd()))

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Writes the files of the vocabulary: what ``AutoTokenizer.from_pretrained(directory)`` reads, if it was trained here."""
        target = Path(directory)
        target.mkdir(parents=True, exist_ok=True)
        for name, content in self._core.files:
            whole = target / f".{name}.{os.getpid()}"
            whole.write_text(content, encoding="utf-8", newline="")
            whole.replace(target / name)

    def __len__(self) -> int:
        return self._core.vocab_size

    def __repr__(self) -> str:
        return repr(self._core)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_of_json, (dict(self._core.files)["tokenizer.json"],))


def _of_json(json: str) -> Tokenizer:
    return Tokenizer(_core.Tokenizer.from_json(json))

"""Stages on Arrow data and on strings."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from . import _core
from ._keigo import Keigo
from ._options import fragment, settings

STAGES: tuple[str, ...] = _core.STAGES


class Stage:
    """A stage of the first pass, for Arrow data of any library: ``stage(batch)`` is the batch with the columns of the stage.

    A pyarrow RecordBatch, Table or RecordBatchReader comes back as what it was, anything else as :class:`seimai.Batch` or
    :class:`seimai.BatchReader`. What a stage needs before it (sentences, morphemes) is made if it is missing, and left out again. Null
    texts stay null; the other columns say of them what they say of an empty text. A stage can be pickled and shared by threads.
    """

    __slots__ = ("_core",)

    def __init__(self, core: _core.Stage) -> None:
        self._core = core

    @property
    def name(self) -> str:
        """Its name."""
        return self._core.name

    @property
    def adds(self) -> list[str]:
        """Names of the columns that it makes."""
        return self._core.adds

    @property
    def fingerprint(self) -> str:
        """A hash of its settings, its versions and its dictionary: two stages with the same one do the same."""
        return self._core.fingerprint

    def __call__(self, data: Any) -> Any:
        """Arrow data, a string, or an iterable of strings, with the columns of the stage."""
        result = self._core(data)
        pyarrow = sys.modules.get("pyarrow")
        if pyarrow is None:
            return result
        if isinstance(data, pyarrow.RecordBatch):
            return pyarrow.record_batch(result)
        if isinstance(data, pyarrow.Table) and isinstance(result, _core.BatchReader):
            return pyarrow.Table.from_batches([pyarrow.record_batch(batch) for batch in result], schema=pyarrow.schema(result))
        if isinstance(data, pyarrow.RecordBatchReader):
            return pyarrow.RecordBatchReader.from_stream(result)
        return result

    def __repr__(self) -> str:
        return repr(self._core)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Stage, (self._core,))


def stage(name: str, *, dictionary: str | os.PathLike[str] = "ipadic", user_dictionary: Iterable[Any] = (), **options: Any) -> Stage:
    """A stage by its name (``seimai.STAGES``); options are the keys of its section in a plan.

    ``annotate`` is all of them in order, as the first pass of a run does them, with every column that they make.
    """
    segment: dict[str, Any] = {"dictionary": os.fspath(dictionary), "user_dictionary": list(user_dictionary)}
    if name in ("segment", "sentences"):
        sections: dict[str, Mapping[str, Any]] = {"segment": {**segment, **options}}
    elif name == "annotate":
        return Stage(_core.Stage(name, "\n".join([fragment(segment=segment), *settings(options)]), os.getcwd()))
    else:
        sections = {"segment": segment, name: options}
    return Stage(_core.Stage(name, fragment(**sections) if name in STAGES else fragment(segment=segment), os.getcwd()))


@lru_cache(maxsize=32)
def _cached_stage(name: str, plan: str, base: str) -> Stage:
    return Stage(_core.Stage(name, plan, base))


@lru_cache(maxsize=32)
def _normalizer(plan: str) -> _core.Normalizer:
    return _core.Normalizer(plan)


@lru_cache(maxsize=8)
def _segmenter(plan: str, base: str) -> _core.Segmenter:
    return _core.Segmenter(plan, base)


class Segmenter:
    """A dictionary, opened once: morphemes, keigo and personal data of single strings. Shared by threads; can be pickled."""

    __slots__ = ("_base", "_core", "_plan")

    def __init__(
        self, dictionary: str | os.PathLike[str] = "ipadic", *, user_dictionary: Iterable[Any] = (), engine: str = "exact"
    ) -> None:
        segment = {"dictionary": os.fspath(dictionary), "user_dictionary": list(user_dictionary), "engine": engine}
        self._plan, self._base = fragment(segment=segment), os.getcwd()
        self._core = _segmenter(self._plan, self._base)

    @property
    def dictionary(self) -> tuple[str, str, str]:
        """Name, version and fingerprint of the dictionary."""
        return self._core.dictionary

    def segment(self, text: str) -> list[_core.Morpheme]:
        """The morphemes of a text; white space that is skipped, and line breaks, are none."""
        return self._core.segment(text)

    __call__ = segment

    def surfaces(self, text: str) -> list[str]:
        """The text in words (分かち書き)."""
        return self._core.surfaces(text)

    def keigo(self, text: str) -> Keigo:
        """Sentences, honorific forms and misuse of a text."""
        return Keigo.of_json(text, self._core.keigo(text))

    def __repr__(self) -> str:
        name, version, fingerprint = self._core.dictionary
        return f"<seimai.Segmenter {name} {version} {fingerprint[:12]}>"

    def __getstate__(self) -> tuple[str, str]:
        return (self._plan, self._base)

    def __setstate__(self, state: tuple[str, str]) -> None:
        self._plan, self._base = state
        self._core = _segmenter(*state)


def _is_arrow(data: Any) -> bool:
    return hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__")


def normalize(data: Any, **options: Any) -> Any:
    """NFKC and the rules that Japanese needs: a str for a str, a list for an iterable of str, Arrow data for Arrow data.

    Options are the keys of ``[normalize]`` in a plan.
    """
    plan = fragment(normalize=options)
    if isinstance(data, str):
        return _normalizer(plan)(data)
    if _is_arrow(data):
        return _cached_stage("normalize", plan, "")(data)
    rules = _normalizer(plan)
    return [rules(text) for text in data]


def segment(
    data: Any, dictionary: str | os.PathLike[str] = "ipadic", *, user_dictionary: Iterable[Any] = (), engine: str = "exact"
) -> Any:
    """Morphemes: a list of :class:`seimai.Morpheme` for a str, Arrow data with the three columns of morphemes for all else."""
    keys = {"dictionary": os.fspath(dictionary), "user_dictionary": list(user_dictionary), "engine": engine}
    plan = fragment(segment=keys)
    if isinstance(data, str):
        return _segmenter(plan, os.getcwd()).segment(data)
    return _cached_stage("segment", plan, os.getcwd())(data)


def keigo(data: Any, dictionary: str | os.PathLike[str] = "ipadic", *, user_dictionary: Iterable[Any] = (), **options: Any) -> Any:
    """Keigo: sentences, honorific forms and misuse of a str (:class:`seimai.Keigo`), Arrow data with counts and registers for all else.

    The text is taken as it is, so that offsets count in it; a run, and ``seimai keigo``, normalise first. Options are the keys of
    ``[keigo]`` in a plan.
    """
    plan = fragment(segment={"dictionary": os.fspath(dictionary), "user_dictionary": list(user_dictionary)}, keigo=options)
    if isinstance(data, str):
        return Keigo.of_json(data, _segmenter(plan, os.getcwd()).keigo(data))
    return _cached_stage("keigo", plan, os.getcwd())(data)


class PersonalData(tuple[str, int, int]):
    """A stretch of a text that is personal data: its kind, and where it stands in code points."""

    __slots__ = ()

    @property
    def kind(self) -> str:
        """PHONE, EMAIL, PERSON …"""
        return self[0]

    @property
    def start(self) -> int:
        """First code point."""
        return self[1]

    @property
    def end(self) -> int:
        """Code point after the last."""
        return self[2]


def pii(data: Any, dictionary: str | os.PathLike[str] = "ipadic", **options: Any) -> Any:
    """Personal data: a list of :class:`seimai.PersonalData` for a str, Arrow data with counts for all else."""
    plan = fragment(segment={"dictionary": os.fspath(dictionary)}, pii=options)
    if isinstance(data, str):
        return [PersonalData(found[:3]) for found in _segmenter(plan, os.getcwd()).pii(data)]
    return _cached_stage("pii", plan, os.getcwd())(data)


def mask(text: str, dictionary: str | os.PathLike[str] = "ipadic", **options: Any) -> str | None:
    """The text with placeholders (``<PHONE>``) for personal data; ``None`` if it holds a kind that the options drop.

    Options are the keys of ``[pii]`` in a plan.
    """
    plan = fragment(segment={"dictionary": os.fspath(dictionary)}, pii=options)
    return _segmenter(plan, os.getcwd()).mask(text)


def sentences(text: str) -> list[str]:
    """The sentences of a text: joined, they are the text."""
    ends = _core.Segmenter.sentence_ends(text)
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]

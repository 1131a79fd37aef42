"""Border checks from Python: the same as the command line's."""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path

import pytest

import seimai


def test_a_verdict_is_that_of_the_command_line(finished: seimai.Run, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text('{"text": "吾輩は猫である。"}\n', encoding="utf-8")
    policy = tmp_path / "policy.toml"
    policy.write_text('[license]\nundeclared = "warn"\n[run]\npassport = "warn"\n')
    verdict = seimai.vet([corpus, finished.path], policy)
    assert verdict["vet_version"] == 1 and verdict["verdict"] in ("pass", "warn"), verdict["findings"]
    assert [target["kind"] for target in verdict["targets"]] == ["dataset", "run"]
    assert verdict["policy"]["file"] == str(policy)
    assert seimai.vet(corpus, "manufacturing")["policy"]["name"] == "manufacturing"
    json.dumps(verdict)


def test_pickles_are_named_and_never_loaded(tmp_path: Path) -> None:
    class Loud:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return open, (str(tmp_path / "loaded"), "w")  # type: ignore[return-value]

    # Of every protocol, by the real pickler; with and without its framing, and among other values.
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        file = io.BytesIO()
        pickle.Pickler(file, protocol).dump({"a": [1.5, "x" * 300, b"y", {2}], "b": (Loud(), None, True, 1 << 70)})
        (tmp_path / f"model{protocol}.weights").write_bytes(file.getvalue())
    verdict = seimai.vet(tmp_path, "defence")
    named = {found["file"] for found in verdict["findings"] if found["key"] == "safety.imports" and found["value"].endswith("open")}
    assert verdict["verdict"] == "refuse" and len(named) == pickle.HIGHEST_PROTOCOL + 1
    assert not any(found["level"] == "cannot_tell" and found["key"] == "safety.imports" for found in verdict["findings"])
    assert not (tmp_path / "loaded").exists()


def test_what_is_wrong_is_raised(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[safety]\npickle = 1\n")
    with pytest.raises(seimai.PlanError, match="unknown key `pickle`"):
        seimai.vet(tmp_path, policy)
    with pytest.raises(seimai.InputError, match="is not there"):
        seimai.vet(tmp_path / "gone", "finance")

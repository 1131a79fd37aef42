"""Rows traced back, passports, signatures and deletions from Python: the same as the command line's."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest

import seimai


@pytest.fixture
def run(finished: seimai.Run, tmp_path: Path) -> seimai.Run:
    shutil.copytree(finished.path, tmp_path / "out", symlinks=True)
    return seimai.open(tmp_path / "out")


def test_rows_lead_to_records(run: seimai.Run, corpus: Path) -> None:
    tracer = run.tracer()
    assert len(tracer) == json.loads((run.path / "pack" / "pack.json").read_text())["totals"]["rows"]
    lines = corpus.read_bytes()
    traced = tracer.trace_all(range(len(tracer)), text=True)
    assert [row["row"] for row in traced] == list(range(len(tracer)))
    for piece in (piece for row in traced for piece in row["pieces"]):
        record = json.loads(lines[piece["offset"] :].split(b"\n", 1)[0])
        assert record["id"] == piece["doc_id"] and record["source"] == piece["source"]
        assert piece["text_bytes"]["end"] <= len(record["text"].encode())
    assert "text_bytes" not in tracer.trace(0)["pieces"][0]
    for row in (len(tracer), 2**64 - 1):
        with pytest.raises(seimai.InputError, match="the pack has"):
            tracer.trace(row)
    with pytest.raises(OverflowError):
        tracer.trace(-1)
    with pytest.raises(seimai.InputError, match="no pack"):
        seimai.Tracer(corpus.parent)
    assert len(seimai.Tracer(run.path / "pack" / "part-00000.pack", tokens=run.path)) > 0


def test_a_run_is_signed_and_checked(run: seimai.Run, tmp_path: Path) -> None:
    evidence = run.passport(threads=1)
    assert sum(source["kept"] for source in evidence["sources"].values()) == run.totals["kept"]
    keyid = seimai.new_key(tmp_path / "ours.pem")
    assert stat.S_IMODE((tmp_path / "ours.pem").stat().st_mode) == 0o600
    other = seimai.new_key(tmp_path / "theirs.pem")
    assert run.sign(tmp_path / "ours.pem", threads=1) == keyid != other
    checked = run.verify(tmp_path / "ours.pem.pub", threads=1)
    assert checked and checked.sound and checked.keyid == keyid and checked.damage == []
    assert run.verify(threads=1).keyid is None and run.verify(threads=1).sound
    refused = run.verify(tmp_path / "theirs.pem.pub")
    assert not refused and refused.damage[0].startswith("another_key: ")
    with pytest.raises(seimai.InputError, match="is there already"):
        seimai.new_key(tmp_path / "ours.pem")
    with pytest.raises(seimai.InputError, match="a secret key"):
        run.verify(tmp_path / "ours.pem")
    (tmp_path / "ours.pem").chmod(0o644)
    with pytest.raises(seimai.InputError, match="mode 644"):
        run.sign(tmp_path / "ours.pem")
    counts = run.path / "counts.parquet"
    counts.write_bytes(counts.read_bytes()[:-1])
    assert any(said.startswith("changed: counts.parquet") for said in run.verify(tmp_path / "ours.pem.pub").damage)


def test_documents_are_forgotten(run: seimai.Run, tmp_path: Path) -> None:
    seimai.new_key(tmp_path / "ours.pem")
    receipt = run.forget(["doc-5", "doc-8"], tmp_path / "new", key=tmp_path / "ours.pem", threads=2)
    assert receipt == json.loads((tmp_path / "new.receipt.json").read_text(encoding="utf-8"))
    # The copy went too.
    assert {one["doc_id"] for one in receipt["removed"]} == {"doc-5", "doc-8", "doc-again"}
    new = seimai.open(tmp_path / "new")
    ids = {row["doc_id"] for batch in new.documents(["doc_id"]) for row in batch.to_pylist()}
    assert ids.isdisjoint({"doc-5", "doc-8", "doc-again"}) and new.totals["kept"] == run.totals["kept"] - 2
    signed = tmp_path / "new.receipt.json.dsse.json"
    assert new.verify(tmp_path / "ours.pem.pub", receipt=signed).sound
    assert run.verify(tmp_path / "ours.pem.pub", receipt=signed).damage[0].startswith("replayed: ")
    only = run.forget(["doc-5"], tmp_path / "only", only=True, receipt=tmp_path / "r.json")
    assert [one["doc_id"] for one in only["removed"]] == ["doc-5"] and only["search"]["same_text"] == ["doc-again"]
    with pytest.raises(seimai.InputError, match="no document doc-x"):
        run.forget(["doc-x"], tmp_path / "none")
    assert not (tmp_path / "none").exists()

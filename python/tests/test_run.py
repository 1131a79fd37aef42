"""Runs from Python: the same bytes as the command line's, events, interruptions; and what a finished run tells."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import PLAN, needs

import seimai


Told = dict[str, object]


def tree(out: Path) -> dict[str, str]:
    """The reproducible files of a run and their hashes."""
    files = [file for file in out.rglob("*") if file.is_file() and ".work" not in file.parts and file.name not in ("run.json", "run.log.jsonl")]
    return {str(file.relative_to(out)): hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(files)}


def test_plans(plan: seimai.Plan, corpus: Path) -> None:
    assert pickle.loads(pickle.dumps(plan)) == plan
    smaller = plan.set({"tokenizer.vocab_size": 500}, pack={"sequence_length": 64})
    assert "vocab_size = 500" in smaller.to_toml() and "sequence_length = 64" in smaller.to_toml()
    assert smaller.fingerprint != plan.fingerprint == plan.set({"input.paths": ["elsewhere"]}).fingerprint
    assert [size for _, size in plan.check()] == [corpus.stat().st_size]
    assert "min_chars" in plan.explain() and "pii:" in plan.explain()
    assert plan.stage("normalize").name == "normalize"


def test_what_is_held_out(plan: seimai.Plan, finished: seimai.Run, tmp_path: Path) -> None:
    plan.set({"split.validation": 0.4}).run(tmp_path / "out")
    run = seimai.open(tmp_path / "out")
    ids = {split: [row["doc_id"] for batch in run.documents(["doc_id"], split=split) for row in batch.to_pylist()] for split in ("train", "validation")}
    assert ids["train"] and ids["validation"] and run.totals["kept"] == sum(map(len, ids.values()))
    tokens = [row["doc_id"] for batch in run.tokens(["doc_id"], split="validation") for row in batch.to_pylist()]
    assert tokens == ids["validation"]
    held_out = run.validation_pack
    assert run.pack.tokenizer_content_blake3 == run.tokenizer.content_blake3
    assert held_out is not None and held_out.tokenizer_blake3 == run.pack.tokenizer_blake3 and finished.validation_pack is None
    with pytest.raises(ValueError, match="validation"):
        run.documents(split="test")


def test_a_run_is_that_of_the_command_line(plan: seimai.Plan, corpus: Path, finished: seimai.Run, tmp_path: Path) -> None:
    events: list[Told] = []
    threads = set()

    def on_event(event: Told) -> None:
        threads.add(threading.get_ident())
        events.append(dict(event))

    report = plan.run(tmp_path / "here", threads=1, memory="1GiB", on_event=on_event)
    assert threads == {threading.get_ident()}
    started = [event["pass"] for event in events if event["event"] == "pass_started"]
    assert started[0] == "frame" and "train" in started and started[-1] == "pack"
    assert report.exit_code == 3 and report.totals["quarantined"] == 1 and not report.already_done
    assert plan.run(tmp_path / "here").already_done
    file = tmp_path / "plan.toml"
    file.write_text(PLAN.format(inputs=corpus), encoding="utf-8")
    program = [sys.executable, "-m", "seimai", "run", str(file), "--out", str(tmp_path / "there"), "--progress", "none", "--quiet"]
    assert subprocess.run(program, check=False).returncode == 3
    assert tree(tmp_path / "here") == tree(tmp_path / "there") == tree(finished.path)


def test_an_exception_of_a_callback_stops_the_run(plan: seimai.Plan, finished: seimai.Run, tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def on_event(event: Told) -> None:
        if event["event"] == "pass_finished":
            raise Enough

    with pytest.raises(Enough):
        plan.run(tmp_path / "out", on_event=on_event)
    assert not (tmp_path / "out" / "_SUCCESS").exists()
    plan.run(tmp_path / "out")
    assert tree(tmp_path / "out") == tree(finished.path)


@pytest.mark.slow
def test_ctrl_c_leaves_a_run_that_goes_on(plan: seimai.Plan, corpus: Path, finished: seimai.Run, tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(PLAN.format(inputs=corpus), encoding="utf-8")
    out = tmp_path / "out"
    # The signal comes from outside, once the run is under way.
    program = f"""
import os, sys, seimai
def on_event(event):
    if event["event"] == "pass_started":
        print("started", flush=True)
        sys.stdin.readline()
try:
    seimai.run({str(file)!r}, {str(out)!r}, threads=1, on_event=on_event)
except KeyboardInterrupt:
    sys.exit(77)
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdin is not None
    assert child.stdout.readline() == "started\n"
    os.kill(child.pid, signal.SIGINT)
    child.stdin.close()
    assert child.wait(timeout=60) == 77
    assert not (out / "_SUCCESS").exists()
    seimai.run(file, out)
    assert tree(out) == tree(finished.path)


def test_a_held_directory_is_locked(plan: seimai.Plan, finished: seimai.Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    seen: list[seimai.Error] = []

    def on_event(event: Told) -> None:
        if event["event"] == "pass_started" and not seen:
            try:
                plan.run(out)
            except seimai.Locked as locked:
                seen.append(locked)

    plan.run(out, on_event=on_event)
    assert seen and seen[0].exit_code == 2 and "another run is writing here" in str(seen[0])


def test_bad_requests(plan: seimai.Plan, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="threads=0"):
        plan.run(tmp_path / "out", threads=0)
    with pytest.raises(seimai.PlanError, match="parsecs"):
        plan.run(tmp_path / "out", memory="12 parsecs")
    with pytest.raises(seimai.InputError, match="at least"):
        plan.run(tmp_path / "out", memory=1000)
    with pytest.raises(seimai.InputError):
        seimai.Plan.from_toml('input.paths = ["nowhere/*.jsonl"]').run(tmp_path / "out")


def test_a_finished_run_tells(finished: seimai.Run) -> None:
    totals = finished.totals
    assert totals["read"] == totals["kept"] + totals["rejected"] + totals["quarantined"] == 302
    rules = finished.rules
    assert sum(rules.values()) == totals["rejected"] and rules["quality/min_chars"] == 30
    documents = finished.documents(["doc_id", "register"]).read_all()
    assert documents.num_rows == totals["kept"] and documents.column_names == ["doc_id", "register"]
    tokens = finished.tokens().read_all()
    assert tokens.column("doc_id") == documents.column("doc_id")
    assert finished.tokenizer.decode(tokens.column("input_ids")[0]).startswith("精米とは")
    assert finished.quarantine()[0]["reason"]
    with pytest.raises(seimai.InputError, match="there is no column nothing"):
        finished.documents(["nothing"])


def test_what_was_rejected_by_rule_and_sample(finished: seimai.Run) -> None:
    short = finished.rejected("quality/min_chars")
    assert short.num_rows == 30 == finished.rejected("min_chars").num_rows
    assert set(short.column("rule")) == {"min_chars"}
    assert finished.rejected().num_rows == finished.totals["rejected"]
    assert finished.rejected("dedup").num_rows == finished.rules.get("dedup/exact", 0) + finished.rules.get("dedup/near", 0) > 0
    drawn = finished.rejected("min_chars", sample=5, seed=1).column("doc_id")
    assert len(drawn) == 5 == len(set(drawn)) and drawn == finished.rejected("min_chars", sample=5, seed=1).column("doc_id")
    assert set(drawn) < set(short.column("doc_id")) and drawn != finished.rejected("min_chars", sample=5, seed=2).column("doc_id")
    assert finished.rejected("no such rule").num_rows == 0


def test_what_if(finished: seimai.Run, plan: seimai.Plan, tmp_path: Path) -> None:
    same = finished.what_if()
    assert same.kept_before == same.kept_after == finished.totals["kept"] and not same.lost and not same.regained
    assert len(same.changed) == 0
    strict = finished.what_if(set={"quality.thresholds.min_chars": 100_000})
    assert strict.kept_after == 0 and sum(strict.lost.values()) == finished.totals["kept"]
    lax = finished.what_if(set={"quality.thresholds.min_chars": 1})
    assert lax.regained == {rule: n for rule, n in finished.rules.items() if rule.startswith("quality/")}
    assert set(lax.changed.column("after")) == {None} and len(lax.changed) == 30
    # What a run with these thresholds does.
    again = plan.set({"quality.thresholds.min_chars": 1, "dedup.near": False, "dedup.exact": False})
    assert again.run(tmp_path / "out").totals["kept"] == finished.totals["kept"] + 30 + finished.rejected("dedup").num_rows
    with pytest.raises(seimai.PlanError):
        finished.what_if(preset="wev")


def test_the_pack_as_numpy_sees_it(finished: seimai.Run) -> None:
    np = needs("numpy")
    pack = finished.pack
    assert pack.rows == len(pack) == sum(part.rows for part in pack.parts) and pack.sequence_length == 128
    part = pack.parts[0]
    tokens = np.asarray(part.tokens)
    assert tokens.shape == (part.rows, 128) and tokens.dtype == pack.token_dtype and not tokens.flags.writeable
    assert tokens.__array_interface__["data"][0] == part.tokens.address
    mapped = np.memmap(pack.path / part.name, "<u2", "r", 4096, (part.rows, 128))
    assert np.array_equal(tokens, mapped)
    row_ptr, ends, sources = np.asarray(part.row_ptr), np.asarray(part.piece_ends), np.asarray(part.sources)
    assert row_ptr[-1] == part.pieces == len(ends) == len(sources) and sources.shape[1] == 4
    # A document, found by where it came from.
    ids = seimai.open(finished.path).tokens(["input_ids"]).read_all().column("input_ids")[0]
    found = [token for row, start, end in pack.locate(0, 0) for token in tokens[row, start:end]]
    assert found == [*ids, pack.eos_id]
    pack.verify()
    assert pickle.loads(pickle.dumps(pack)).rows == pack.rows
    with pytest.raises(TypeError, match="read-only"):
        memoryview(part.tokens)[0, 0] = 1  # type: ignore[index]


def test_a_map_stays_valid_when_the_file_is_replaced_and_damage_is_named(finished: seimai.Run, tmp_path: Path) -> None:
    np = needs("numpy")
    shutil.copytree(finished.path / "pack", tmp_path / "pack")
    pack = seimai.open_pack(tmp_path)
    tokens = np.asarray(pack.parts[0].tokens)
    before = tokens.copy()
    file = tmp_path / "pack" / pack.parts[0].name
    whole = file.read_bytes()
    other = tmp_path / "other"
    other.write_bytes(bytes(len(whole)))
    other.replace(file)
    assert np.array_equal(tokens, before)
    with pytest.raises(seimai.FormatError, match="not a pack file"):
        seimai.open_pack(tmp_path)
    file.write_bytes(whole[:-1])
    with pytest.raises(seimai.FormatError, match="bytes, not"):
        seimai.open_pack(tmp_path)
    flipped = bytearray(whole)
    flipped[4096] ^= 1
    file.write_bytes(flipped)
    with pytest.raises(seimai.FormatError, match="section 1"):
        seimai.open_pack(tmp_path).verify()

"""Duplicates among rows: the same as on the command line."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import needs

import seimai


def texts() -> list[str]:
    draw = random.Random(7)

    def text(n: int) -> str:
        return "".join(chr(0x4E00 + draw.randrange(3000)) if i % 21 else "。" for i in range(1, n))

    rows = []
    for _ in range(40):
        body = text(400)
        rows += [body, body.replace("。", "．"), body[:200] + text(8) + body[200:], body[:390], text(400)]
    draw.shuffle(rows)
    return rows + ["", "はい。", "はい。", "いいえ。", ""]


def test_rows_are_those_of_the_command_line(tmp_path: Path) -> None:
    rows = texts()
    lines = [json.dumps({"id": str(n), "text": text}, ensure_ascii=False) for n, text in enumerate(rows)]
    (tmp_path / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    for keep in ("first", "longest", "quality"):
        out = tmp_path / keep
        command = [sys.executable, "-m", "seimai", "dedup", str(tmp_path / "in.jsonl"), "-o", str(out), "--near", "0.7", "--exact", "--keep", keep]
        subprocess.run(command, check=True, capture_output=True)
        gone = {}
        for line in (out / "duplicates.jsonl").read_text(encoding="utf-8").splitlines():
            found = json.loads(line)
            gone[int(found["doc_id"])] = (int(found["duplicate_of"]), found["kind"], pytest.approx(found["jaccard"], abs=1e-6))
        assert len(gone) > 60
        for threads, memory in ((1, 1 << 30), (2, 1 << 20)):
            batch = seimai.dedup(rows, near=0.7, keep=keep, threads=threads, memory=memory)
            assert batch.num_rows == len(rows)
            for n, row in enumerate(batch.to_pylist()):
                assert row["kept"] == (n not in gone)
                assert (row["duplicate_of"], row["kind"], row["jaccard"]) == gone.get(n, (None, None, None))
            assert sum(batch.column("dup_size")) == len(rows)


def test_tables_come_back_as_tables() -> None:
    pyarrow = needs("pyarrow")
    rows = texts()
    expected = seimai.dedup(rows).column("kept")
    table = pyarrow.table({"n": range(len(rows)), "text": rows})
    for data in (table, pyarrow.Table.from_batches(table.to_batches(max_chunksize=13)), table.to_batches()[0]):
        found = seimai.dedup(data)
        assert isinstance(found, pyarrow.RecordBatch)
        assert found["kept"].to_pylist() == expected
        assert data.filter(found["kept"]).num_rows == sum(expected)
    empty = seimai.dedup(table.slice(0, 0))
    assert empty.num_rows == 0 and empty.schema.names == ["kept", "duplicate_of", "kind", "jaccard", "dup_size"]
    missing = seimai.dedup(pyarrow.table({"text": pyarrow.array(["米", None, "米", None])}))
    assert missing["kept"].to_pylist() == [True, True, False, True]


def test_what_cannot_be_done_is_told() -> None:
    with pytest.raises(seimai.PlanError, match="near"):
        seimai.dedup(["a"], near=2)
    with pytest.raises(seimai.PlanError, match="keep"):
        seimai.dedup(["a"], keep="best")
    with pytest.raises(TypeError):
        seimai.dedup(3)
    pyarrow = needs("pyarrow")
    with pytest.raises(seimai.FormatError, match="text"):
        seimai.dedup(pyarrow.table({"body": ["a"]}))


def test_ctrl_c_stops_it() -> None:
    rows = [text + str(n) for n in range(400) for text in texts()]
    # What is started in the background of a shell ignores it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            for _ in range(1000):
                seimai.dedup(rows)
    finally:
        signal.signal(signal.SIGINT, before)

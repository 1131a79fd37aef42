"""Stages and runs in engines that a site has already: Spark, Daft, Ray Data. What the guide shows of them is run here."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, needs

import seimai

pytestmark = pytest.mark.engines

TEXTS = [
    "社長はもうお帰りになりました。",
    "明日の会議には私が参ります。",
    "吾輩は猫である。名前はまだ無い。",
    None,
    "",
    "電話は090-1234-5678です。",
    "やばい、それ。",
] * 30


def guide(heading: str) -> str:
    """The Python of a section of the guide."""
    text = (ROOT / "docs" / "guide" / "scale.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert section, heading
    blocks = re.findall(r"^```py\n(.*?)^```", section[1], re.M | re.S)
    assert blocks, heading
    return "\n".join(blocks)


def tree(root: Path) -> dict[str, str]:
    """Every file of a run that must not differ."""
    files = (path for path in root.rglob("*") if path.is_file() and path.name not in ("run.json", "run.log.jsonl"))
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Parquet file of short texts, with nulls and an empty one."""
    pyarrow, parquet = needs("pyarrow"), needs("pyarrow.parquet")
    path = tmp_path_factory.mktemp("documents") / "documents.parquet"
    table = pyarrow.table({"id": pyarrow.array(range(len(TEXTS)), pyarrow.int64()), "text": pyarrow.array(TEXTS, pyarrow.string())})
    parquet.write_table(table, path, row_group_size=64)
    return path


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    sql = needs("pyspark.sql")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.driver.bindAddress", "127.0.0.1")
    session = builder.config("spark.log.level", "ERROR").config("spark.sql.shuffle.partitions", "2").getOrCreate()
    yield session
    session.stop()


def expected(documents: Path, *names: str) -> list[dict[str, Any]]:
    """What stages say of the documents without an engine."""
    table = needs("pyarrow.parquet").read_table(documents)
    for name in names:
        table = seimai.stage(name)(table)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


@pytest.mark.parametrize("names", [("keigo",), ("normalize", "segment"), ("quality", "pii"), ("annotate",)])
def test_stages_on_a_spark_frame_say_what_they_say_without(spark: Any, documents: Path, dictionary: str, names: tuple[str, ...]) -> None:
    import seimai.spark

    frame = seimai.spark.apply(spark.read.parquet(str(documents)), *(seimai.stage(name) for name in names))
    rows = frame.orderBy("id").toArrow().to_pylist()
    assert rows == expected(documents, *names)


def test_a_run_on_spark_has_the_bytes_of_one_alone(spark: Any, plan: seimai.Plan, tmp_path: Path) -> None:
    import seimai.spark

    small = plan.set({"shards.rows_max": 20, "shards.bytes_max": 20000, "dedup.lines": True})
    events: list[dict[str, Any]] = []
    small.run(tmp_path / "alone", threads=1)
    report = seimai.spark.run(small, tmp_path / "out", spark=spark, memory_per_task="256MiB", on_event=lambda event: events.append(dict(event)))
    assert tree(tmp_path / "out") == tree(tmp_path / "alone")
    assert report.exit_code == 3 and not report.already_done
    assert sum(event["event"] == "shard_finished" and event["pass"] == "annotate" for event in events) > 10
    assert seimai.spark.run(small, tmp_path / "out", spark=spark).already_done


def test_an_error_on_spark_is_ours(spark: Any, plan: seimai.Plan, tmp_path: Path) -> None:
    import seimai.spark

    with pytest.raises(seimai.InputError, match="at least 208 MiB") as raised:
        seimai.spark.run(plan, tmp_path / "out", spark=spark, memory_per_task="1MiB")
    assert raised.value.exit_code == 2 and not (tmp_path / "out" / "_SUCCESS").exists()


def test_a_missing_spark_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, corpus: Path) -> None:
    import seimai.spark

    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    (tmp_path / "plan.toml").write_text(f'[input]\npaths = ["{corpus}"]\n', encoding="utf-8")
    with pytest.raises(seimai.InputError) as raised:
        seimai.spark.run(tmp_path / "plan.toml", tmp_path / "out")
    assert raised.value.hint == "pip install 'seimai[spark]'" and not (tmp_path / "out").exists()


def test_the_guide_shows_spark(spark: Any, documents: Path, plan: seimai.Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, corpus: Path) -> None:
    # Paths start where Java was started, not where this process is.
    shown = guide("Spark").replace('"documents.parquet"', repr(str(documents))).replace('"with-keigo"', repr(str(tmp_path / "with-keigo")))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.toml").write_text(f'[input]\npaths = ["{corpus}"]\n[quality]\npreset = "none"\n[tokenizer]\nvocab_size = 500\n', encoding="utf-8")
    said: dict[str, Any] = {}
    exec(shown, said)  # noqa: S102 - our own documentation
    assert said["report"].totals["kept"] > 100 and (tmp_path / "out" / "_SUCCESS").exists()
    registers = needs("pyarrow.parquet").read_table(tmp_path / "with-keigo").column("register").to_pylist()
    assert sorted(registers) == sorted(row["register"] for row in expected(documents, "keigo"))


def test_the_guide_shows_daft(documents: Path, dictionary: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DO_NOT_TRACK", "true")
    needs("daft")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "documents.parquet").symlink_to(documents)
    said: dict[str, Any] = {}
    exec(guide("Daft"), said)  # noqa: S102 - our own documentation
    rows = sorted(said["frame"].to_pylist(), key=lambda row: row["id"])
    assert [row["register"] for row in rows] == [row["register"] for row in expected(documents, "keigo")]


def test_the_guide_shows_ray_data(documents: Path, dictionary: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    ray = needs("ray")
    needs("ray.data")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "documents.parquet").symlink_to(documents)
    was = ray.is_initialized()
    if not was:
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    try:
        said: dict[str, Any] = {}
        exec(guide("Ray Data"), said)  # noqa: S102 - our own documentation
        rows = sorted(said["dataset"].take_all(), key=lambda row: row["id"])
        assert [row["register"] for row in rows] == [row["register"] for row in expected(documents, "keigo")]
    finally:
        if not was:
            ray.shutdown()

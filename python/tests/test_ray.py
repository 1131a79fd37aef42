"""Runs on a Ray cluster: two nodes of one CPU on this machine, whatever becomes of nodes, workers and the driver."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import needs

import seimai

pytestmark = pytest.mark.ray

#: Many shards of little data, and every fold.
SMALL = {"shards.rows_max": 20, "shards.bytes_max": 20000, "dedup.lines": True, "split.validation": 0.2}


def tree(root: Path) -> dict[str, str]:
    """Every file of a run that must not differ."""
    files = (path for path in root.rglob("*") if path.is_file() and path.name not in ("run.json", "run.log.jsonl"))
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def small(plan: seimai.Plan) -> seimai.Plan:
    return plan.set(SMALL)


@pytest.fixture(scope="module")
def whole(small: seimai.Plan, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("whole") / "out"
    small.run(out, threads=1)
    return tree(out)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray = needs("ray")
    from ray.cluster_utils import Cluster

    started = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100 << 20})
    started.add_node(num_cpus=1, object_store_memory=100 << 20)
    ray.init(address=started.address, log_to_driver=False)
    yield started
    ray.shutdown()
    started.shutdown()


class Events:
    """Keeps what is told, and does something once, after so many finished shards."""

    def __init__(self, after: int = 0, act: Callable[[], object] = lambda: None) -> None:
        self.all: list[Mapping[str, Any]] = []
        self.after, self.act = after, act

    def __call__(self, event: Mapping[str, Any]) -> None:
        self.all.append(dict(event))
        if event["event"] == "shard_finished" and len(self.of("shard_finished")) == self.after:
            self.act()

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        return [event for event in self.all if event["event"] == kind]


def run(plan: seimai.Plan, out: Path, events: Events | None = None, **more: Any) -> seimai.Report:
    from seimai.ray import run

    return run(plan, out, memory_per_task="256MiB", patience=1.0, on_event=events, **more)


def test_shards_of_any_pass_by_hand(small: seimai.Plan, whole: dict[str, str], tmp_path: Path) -> None:
    out, passes = tmp_path / "out", []
    with small.work(out) as work:
        assert work.fingerprint == small.fingerprint
        while (todo := work.todo()) is not None:
            passes.append(todo.pass_name)
            assert todo.missing == len(todo.shards) <= todo.total and todo.pass_name in repr(todo)
            for n, shard in enumerate(reversed(todo.shards)):
                # By this process, or by one that knows nothing yet.
                anew = n == 0 and todo.pass_name in ("annotate", "encode")
                did = small.run_shard(todo.pass_name, shard, out, patience=0) if anew else work.run_shard(todo.pass_name, shard)
                assert did and not work.run_shard(todo.pass_name, shard)
        with pytest.raises(seimai.FingerprintMismatch):
            work.run_shard("annotate", "none of ours")
        with pytest.raises(seimai.FingerprintMismatch):
            small.set({"tokenizer.vocab_size": 700}).work(out)
        with pytest.raises(seimai.Locked):
            small.run(out)
        report = work.finish()
    assert passes == ["frame", "annotate", "judge", "dedup", "cut", "decide", "count", "train", "train", "encode", "pack"]
    assert report.totals["quarantined"] == 1 and tree(out) == whole
    assert small.work(out).todo() is None and small.run(out).already_done


def test_two_nodes(cluster: Any, small: seimai.Plan, whole: dict[str, str], tmp_path: Path) -> None:
    events = Events()
    report = run(small, tmp_path / "two", events)
    assert tree(tmp_path / "two") == whole and not report.already_done
    assert set(report.seconds) >= {"frame", "annotate", "dedup", "train", "encode", "pack"}
    finished = events.of("shard_finished")
    assert all(event["did"] for event in finished) and len({event["shard"] for event in finished}) == len(finished)
    assert [event["pass"] for event in events.of("pass_started")] == [event["pass"] for event in events.of("pass_finished")]
    assert run(small, tmp_path / "two").already_done


def test_errors_of_ours_are_raised_as_they_are(cluster: Any, small: seimai.Plan, tmp_path: Path) -> None:
    def fail() -> None:
        raise KeyError("of the callback")

    with pytest.raises(KeyError, match="of the callback"):
        run(small, tmp_path / "stopped", Events(2, fail))
    with pytest.raises(seimai.FingerprintMismatch):
        run(small.set({"tokenizer.vocab_size": 700}), tmp_path / "stopped")
    # In a worker, too: an input that is another one when its shard is read.
    source = tmp_path / "in.jsonl"
    lines = ['{"text": "' + f"{n}番の文書です。精米した米を炊きました。" * 3 + '"}' for n in range(60)]
    source.write_text("\n".join(lines), encoding="utf-8")
    other = seimai.Plan.from_toml(f'[input]\npaths = ["{source}"]\n[shards]\nrows_max = 20\n[tokenizer]\nvocab_size = 400\n')
    with pytest.raises(seimai.InputError, match="changed since"):
        run(other, tmp_path / "changed", Events(1, lambda: source.write_text("\n".join(lines[:50]), encoding="utf-8")))


def workers() -> list[int]:
    """The processes that work on shards."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdigit() and (process / "cmdline").read_bytes().startswith(b"ray::run_shard"):
                found.append(int(process.name))
    return found


def test_a_lost_worker_costs_its_shard(cluster: Any, small: seimai.Plan, whole: dict[str, str], tmp_path: Path) -> None:
    killed: list[int] = []

    def kill() -> None:
        end = time.monotonic() + 10
        while not killed and time.monotonic() < end:
            for process in workers():
                os.kill(process, signal.SIGKILL)
                killed.append(process)

    run(small, tmp_path / "out", Events(3, kill))
    assert killed and tree(tmp_path / "out") == whole


def test_a_shard_that_takes_long_is_done_twice(
    cluster: Any, small: seimai.Plan, whole: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seimai.ray._LATE", 2.0)
    frozen: list[int] = []

    def freeze() -> None:
        end = time.monotonic() + 10
        while not frozen and time.monotonic() < end:
            for process in workers()[:1]:
                os.kill(process, signal.SIGSTOP)
                frozen.append(process)

    events = Events(3, freeze)
    try:
        run(small, tmp_path / "out", events)
    finally:
        for process in frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
    assert frozen and any("a second worker begins with it" in note["note"] for note in events.of("note"))
    assert tree(tmp_path / "out") == whole


def test_a_lost_node_costs_its_shards(cluster: Any, small: seimai.Plan, whole: dict[str, str], tmp_path: Path) -> None:
    # The tests behind this one have one node.
    node = next(iter(cluster.worker_nodes))
    events = Events(4, lambda: cluster.remove_node(node, allow_graceful=False))
    run(small, tmp_path / "out", events)
    assert tree(tmp_path / "out") == whole
    assert any("is lost" in note["note"] for note in events.of("note")), events.of("note")


def test_a_lost_driver_costs_nothing_that_is_finished(
    cluster: Any, small: seimai.Plan, whole: dict[str, str], tmp_path: Path
) -> None:
    file, out = tmp_path / "plan.toml", tmp_path / "out"
    file.write_text(small.to_toml(), encoding="utf-8")
    command = [sys.executable, "-m", "seimai", "run", str(file), "--out", str(out), "--engine", "ray", "--address", cluster.address]
    command += ["--memory", "256MiB"]

    def entries() -> int:
        return len(list(out.glob(".work/annotate/entries/*.json")))

    driver = subprocess.Popen([*command, "--quiet"])
    end = time.monotonic() + 60
    while entries() < 3 and driver.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    assert driver.poll() is None
    driver.kill()
    driver.wait()
    assert not (out / "_SUCCESS").exists()
    again = subprocess.run([*command, "--progress", "json"], capture_output=True, text=True, check=False)
    assert again.returncode == 3, again.stderr
    assert '"event": "shard_finished"' in again.stderr and '"event":"run_finished"' in again.stderr.replace(": ", ":")
    assert tree(out) == whole
